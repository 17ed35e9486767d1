"""From `mpg ~ weight + C(origin)` to the terms of a design: what a formula means, before any row is
read.

`formulaic` parses R's notation and decides which categories need a reference level. What it yields
is plain data that goes into schema.json; building a design from it needs neither formulaic nor a
Python expression. A sum of plain names, such as `y ~ x1 + x2`, is read without it: importing it
takes longer than ingesting a million rows.
"""

import ast
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from linreg.data.formula.expressions import WHERE, parse_expression, parse_python, unsupported
from linreg.data.formula.parser import Term, sides, terms
from linreg.errors import UserError

_PLAIN_SUM = re.compile(
    r"\s*([A-Za-z_]\w*)\s*~\s*([A-Za-z_]\w*(?:\s*\+\s*[A-Za-z_]\w*)*)\s*", re.ASCII
)


def quote_name(column: str) -> str:
    """Return a column's name as a formula takes it: in back-quotes unless it is an identifier."""
    return column if column.isidentifier() else f"`{column}`"


@dataclass(frozen=True)
class Factor:
    """One factor of a term: a number, or a category that becomes one column per level.

    text     as it appears in the names of coefficients, such as `C(zone)` or `I(age ** 2)`
    columns  the columns it reads
    base     a category's reference level when `C(column, base)` names one, else None for the first
    """

    text: str
    kind: Literal["number", "category"]
    columns: tuple[str, ...]
    base: str | int | float | bool | None = None

    @property
    def source(self) -> str:
        """The factor as one writes it in a formula: odd names in back-quotes, bare arithmetic in
        braces.
        """
        if self.columns == (self.text,):
            return quote_name(self.text)
        return (
            self.text
            if self.text.endswith(")") and re.match(r"\w+\(", self.text)
            else f"{{{self.text}}}"
        )


@dataclass(frozen=True)
class ParsedFormula:
    """A formula whose columns are known by name; `terms` exclude the intercept."""

    target: Factor
    intercept: bool
    terms: tuple[tuple[Factor, ...], ...]

    def __str__(self) -> str:
        """Write the formula with every term spelt out, so that parsing it again gives the same."""
        terms = [":".join(factor.source for factor in term) for term in self.terms]
        right = [*(["0"] if not self.intercept else [] if terms else ["1"]), *terms]
        return f"{self.target.source} ~ {' + '.join(right)}"

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column the formula reads, target first, each once."""
        factors = [self.target, *(factor for term in self.terms for factor in term)]
        return tuple(dict.fromkeys(column for factor in factors for column in factor.columns))


def parse_formula(
    text: str, names: Sequence[str], categories: frozenset[str] = frozenset()
) -> ParsedFormula:
    """Parse a formula; `.` stands for `names` but the target, and a column in `categories` is a
    category.

    Raises UserError for what is no formula, holds an expression that is not supported, or has no
    target.
    """
    if not text.partition("~")[2].strip():
        raise UserError(
            WHERE, "must name its terms", found=text, todo="write it as TARGET ~ TERM + TERM"
        )
    match = _PLAIN_SUM.fullmatch(text)
    before, after = (match[1], match[2]) if match else sides(text)
    left: list[Term] = (
        [((match[1], "lookup"),)] if match else terms(before, [], text, intercept=False)
    )
    target = [factor for term in left for factor in _factors(term, categories)]
    if len(target) != 1:
        raise UserError(WHERE, "must have one column as its target", found=text)
    if match:
        right: list[Term] = [(("1", "literal"),)]
        right += dict.fromkeys(((name.strip(), "lookup"),) for name in after.split("+"))
    else:
        right = terms(
            after, [name for name in names if name not in target[0].columns], text, intercept=True
        )
    factors = [_factors(term, categories) for term in right]
    parsed = ParsedFormula(target[0], () in factors, tuple(term for term in factors if term))
    if not factors:
        raise UserError(
            WHERE,
            "has nothing to fit",
            found=text,
            todo="name a column, or 1 for the intercept alone",
        )
    features = {column for term in parsed.terms for factor in term for column in factor.columns}
    if len(target[0].columns) == 1 and features & set(target[0].columns):
        todo = f"leave {target[0].columns[0]} out on the right"
        raise UserError(WHERE, "has its target among the features", found=text, todo=todo)
    return parsed


def plan(parsed: ParsedFormula) -> dict[str, Any]:
    """Return the terms of the design as plain data, with a reference level left out where one is
    redundant.

    Each term is a list of factors {"factor", "kind", "columns"}, a category's with "base" (its
    reference level or None) and "full" (whether the reference level has a column too).
    """
    if any(factor.kind == "category" for term in parsed.terms for factor in term):
        terms = _coded(parsed)
    else:
        terms = [[_as_data(factor, full=True) for factor in term] for term in parsed.terms]
    return {
        "intercept": parsed.intercept,
        "target": _as_data(parsed.target, full=True),
        "terms": terms,
    }


def _coded(parsed: ParsedFormula) -> list[list[dict[str, Any]]]:
    """Ask formulaic which levels are redundant, with a two-level stand-in for each factor.

    Which columns a design needs depends on which factors are categories, not on their values, so
    that nothing that the user wrote is evaluated.
    """
    import pandas as pd
    from formulaic import Formula

    distinct = dict.fromkeys(factor for term in parsed.terms for factor in term)
    factors = {f"f{i}": factor for i, factor in enumerate(distinct)}
    stand_ins = {factor: name for name, factor in factors.items()}
    values = {
        name: pd.Categorical(["a", "b"]) if factor.kind == "category" else [0.0, 1.0]
        for name, factor in factors.items()
    }
    sums = [":".join(stand_ins[factor] for factor in term) for term in parsed.terms]
    formula = Formula(" + ".join(["1" if parsed.intercept else "0", *sums]))
    terms = []
    for structure in formula.get_model_matrix(pd.DataFrame(values)).model_spec.structure:
        # A scoped term's factors have no order of their own; the formula's is the one people expect
        # in names.
        order = [factor.expr for factor in structure.term.factors]
        for scoped in structure.scoped_terms:
            inner = sorted(scoped.factors, key=lambda each: order.index(each.factor.expr))
            if inner:
                terms.append(
                    [_as_data(factors[each.factor.expr], full=not each.reduced) for each in inner]
                )
    return terms


def _as_data(factor: Factor, *, full: bool) -> dict[str, Any]:
    data: dict[str, Any] = {
        "factor": factor.text,
        "kind": factor.kind,
        "columns": list(factor.columns),
    }
    return data | ({"base": factor.base, "full": full} if factor.kind == "category" else {})


def _factors(term: Term, categories: frozenset[str]) -> tuple[Factor, ...]:
    """Return a term's factors; none for the intercept."""
    if term == (("1", "literal"),):
        return ()
    return tuple(_factor(text, method, categories) for text, method in term)


def _factor(text: str, method: str, categories: frozenset[str]) -> Factor:
    if method == "lookup":
        return Factor(text, "category" if text in categories else "number", (text,))
    if method == "literal":
        raise unsupported(text)
    tree, names = parse_python(text)
    match tree:
        case ast.Call(func=ast.Name(id="C"), args=[ast.Name(id=column)], keywords=[]):
            return Factor(text, "category", (names.get(column, column),))
        case ast.Call(func=ast.Name(id="C"), args=[ast.Name(id=column), base], keywords=[]):
            return Factor(text, "category", (names.get(column, column),), _level(base, text))
        case _:
            expression = parse_expression(text)
            if not expression.columns:
                raise unsupported(text)
            return Factor(text, "number", expression.columns)


def _level(node: ast.expr, text: str) -> str | int | float | bool:
    try:
        level = ast.literal_eval(node)
        # it goes into schema.json
        json.dumps(level, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, TypeError, RecursionError, MemoryError):
        raise unsupported(text) from None
    if not isinstance(level, str | int | float):
        raise unsupported(text)
    return level
