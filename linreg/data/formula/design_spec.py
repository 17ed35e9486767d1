"""What a design needs to know of a formula, as plain data for schema.json.

That includes which categories are coded with a reference level. Building a design from the result
needs no Python expression.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import Any

from linreg.data.formula.formula import Factor, ParsedFormula
from linreg.data.formula.functions.contrasts import TREATMENT

Subspace = dict[Factor, bool]
"""What products of these factors span, each with whether it is full: a number, or a category with
all its levels; otherwise its reference level is left out.
"""


def design_spec(parsed: ParsedFormula) -> dict[str, Any]:
    """Return intercept, target and terms; a category has a reference level where it is redundant.

    Each term is a list of factors {"factor", "kind", "columns"}; a category's also has "base", its
    reference level or None, and "full", whether the reference level has a column too; "contrast" if
    that is not the one of treatments, and "of", the call that computes its levels, if one does. If
    there are offsets, they are "offset". Absorbed factors are the first terms, and "absorbed": in
    the order of the columns of X, it is the regressors that are collinear with them.
    """
    return {
        "intercept": parsed.intercept,
        "target": _as_data(parsed.target, full=True),
        "terms": [
            *_absorbed_terms(parsed),
            *(part for parts in coded_terms(parsed) for part in parts),
        ],
    } | (
        {"offset": [_as_data(each, full=True) for each in parsed.offsets]} if parsed.offsets else {}
    )


def coded_terms(parsed: ParsedFormula) -> list[list[list[dict[str, Any]]]]:
    """Return the parts of each term, with every category coded so that no column is the sum of
    others.

    A category with all its levels spans the intercept and what its other levels add to it. So a
    term spans one subspace for each subset of its categories. Those that terms before it span are
    left out, and of the others as many as possible are joined: (…) and (…):reduced into (…):full.
    Source: "Redundancy and categorical factors" in the documentation of patsy.
    """
    if not any(factor.kind == "category" for factor in parsed.factors):
        return [[[_as_data(factor, full=True) for factor in term]] for term in parsed.terms]
    spanned = {frozenset[Factor]()} if parsed.intercept or parsed.absorbed else set()
    # What an absorbed factor spans, a product with it does not have to.
    absorbed = {factor.columns for factor in parsed.absorbed}
    categories = (each for each in parsed.factors if each.kind == "category" and not each.of)
    spanned |= {frozenset([factor]) for factor in categories if factor.columns in absorbed}
    terms = []
    for term in parsed.terms:
        new = [each for each in _subspaces(term) if frozenset(each) not in spanned]
        spanned.update(map(frozenset, new))
        terms.append(
            [
                [_as_data(factor, full=full) for factor, full in joined.items()]
                for joined in _join(new)
                if joined
            ]
        )
    return terms


def _absorbed_terms(parsed: ParsedFormula) -> list[list[dict[str, Any]]]:
    """Return a term for each absorbed factor; the first one has all its levels, and so spans 1."""
    return [
        [_as_data(factor, full=index == 0) | {"absorbed": True}]
        for index, factor in enumerate(parsed.absorbed)
    ]


def _subspaces(term: Sequence[Factor]) -> Iterator[Subspace]:
    """Yield the subspaces that a term spans, those of few factors first."""
    categories = [factor for factor in term if factor.kind == "category"]
    for size in range(len(categories) + 1):
        for chosen in map(set, combinations(categories, size)):
            yield {
                factor: factor.kind != "category"
                for factor in term
                if factor.kind != "category" or factor in chosen
            }


def _join(subspaces: Iterable[Subspace]) -> list[Subspace]:
    """Return the fewest subspaces that have the same sum, which is direct."""
    joined: list[Subspace] = []
    for subspace in sorted(subspaces, key=len):
        for other in joined:
            added = subspace.keys() - other.keys()
            if len(added) == 1 and other.items() <= subspace.items():
                [factor] = added
                if not subspace[factor]:
                    rest = [each for each in joined if each is not other]
                    # Joined to one that is smaller, it may join others in turn.
                    joined = _join([*rest, {**subspace, factor: True}])
                    break
        else:
            joined.append(subspace)
    return joined


def _as_data(factor: Factor, *, full: bool) -> dict[str, Any]:
    data: dict[str, Any] = {
        "factor": factor.text,
        "kind": factor.kind,
        "columns": list(factor.columns),
    }
    if factor.kind != "category":
        return data
    data |= {"base": factor.base, "full": full}
    if factor.contrast != TREATMENT:
        data["contrast"] = factor.contrast
    return data | ({"of": factor.of} if factor.of else {})
