"""Single terms dropped and added, and the path of stepwise selection by AIC or BIC."""

import math
from collections.abc import Iterator
from decimal import Decimal, localcontext
from typing import Literal, NamedTuple

from linreg.evaluation.formula_terms import Terms
from linreg.evaluation.joint_test import f_test
from linreg.evaluation.selection.submodels import Submodels
from linreg.fit.exact.normal_equations.ldl import PRECISION

Criterion = Literal["aic", "bic"]
Direction = Literal["backward", "forward", "both"]
NO_CHANGE = ""
SMALLEST_GAIN = 1e-9
"""The path ends where the criterion falls by less: rounding alone shall not lead in a circle."""


class Change(NamedTuple):
    """A model that is one term away from another, or that one itself.

    sign            "−" for a term less, "+" for one more, "" for no change
    term            its number; None for no change
    sum_of_squares  by how much the residual sum of squares changes
    criterion       n·log(RSS/n) + penalty·p for p coefficients: what R's step and drop1 show. It is
                    less than AIC or BIC by a number that depends on n and the weights only, and
                    None for a perfect fit
    f, p            the F test of the term against the larger of the two models
    """

    sign: str
    term: int | None
    text: str
    df: int | None
    sum_of_squares: float | None
    rss: float
    criterion: float | None
    f: float | None = None
    p: float | None = None


class Step(NamedTuple):
    """A model on the path, and all models one term away from it, that with the lowest criterion
    first.
    """

    present: Terms
    criterion: float | None
    changes: list[Change]


def penalty(criterion: Criterion, num_rows: int) -> Decimal:
    """Return what a coefficient costs: 2 for AIC, log n for BIC."""
    return Decimal(2) if criterion == "aic" else PRECISION.ln(Decimal(num_rows))


def single_changes(
    submodels: Submodels, present: Terms, criterion: Criterion, signs: str = "−"
) -> list[Change]:
    """Return no change, and every term that may be dropped (−) or added (+), as drop1 and add1.

    A term that others contain is not dropped before them, nor added after them, and a term without
    coefficients of its own is left out.
    """
    cost = penalty(criterion, submodels.num_rows)
    rss, rank = submodels.rss(present), submodels.rank(present)
    none = Change(
        NO_CHANGE, None, "none", None, None, float(rss), _criterion(submodels, rss, rank, cost)
    )
    changes = [none]
    terms = submodels.terms
    candidates = [("−", i) for i in terms.droppable(present)] if "−" in signs else []
    candidates += [("+", i) for i in terms.addable(present)] if "+" in signs else []
    for sign, i in candidates:
        term = terms.terms[i]
        df = len(term.coefficients)
        if not df:
            continue
        given = present - {i}
        explained = submodels.sum_of_squares(i, given)
        # The sum of squares keeps more digits than a difference of two of them.
        with localcontext(PRECISION):
            changed = rss + explained if sign == "−" else rss - explained
        larger, num = (rss, rank) if sign == "−" else (max(changed, Decimal(0)), rank + df)
        f, p = f_test(explained, df, larger, submodels.num_rows - num)
        changes.append(
            Change(
                sign,
                i,
                term.text,
                df,
                float(explained),
                float(changed),
                _criterion(submodels, changed, submodels.rank(present ^ {i}), cost),
                f,
                p,
            )
        )
    return changes


def stepwise(submodels: Submodels, criterion: Criterion, direction: Direction) -> Iterator[Step]:
    """Yield the models that R's `step` would go through, the first and the last included.

    Backward and both begin with all terms, forward with none; the last one has no changes that are
    better. Of equal ones no change is first, then what is dropped, in the order of the formula.
    """
    terms = submodels.terms
    present: Terms = frozenset()
    if direction != "forward" or not terms.is_coded_alike(present):
        present = terms.all
    signs = {"backward": "−", "forward": "+", "both": "−+"}[direction]
    while True:
        changes = single_changes(submodels, present, criterion, signs)
        before = changes[0].criterion
        in_order = sorted(changes, key=lambda each: _lowest_first(each.criterion))
        yield Step(present, before, in_order)
        best = in_order[0]
        if best.term is None or before is None or best.criterion is None:
            return
        if before - best.criterion < SMALLEST_GAIN:
            return
        present = present ^ {best.term}


def _criterion(submodels: Submodels, rss: Decimal, rank: int, cost: Decimal) -> float | None:
    if rss <= 0:
        return None
    n = submodels.num_rows
    with localcontext(PRECISION):
        return float(n * (rss / n).ln() + cost * rank)


def _lowest_first(criterion: float | None) -> float:
    return -math.inf if criterion is None else criterion
