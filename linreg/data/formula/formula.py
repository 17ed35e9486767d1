"""A formula such as `mpg ~ weight + C(origin)`, parsed before any row is read.

`formulaic` parses R's notation (formulaic_parser.py); here its terms become factors that read
columns. A sum of plain names, such as `y ~ x1 + x2`, is parsed without formulaic, whose import
takes longer than ingesting a million rows.
"""

import ast
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from linreg.data.formula.expressions import WHERE, parse_expression, parse_python, unsupported
from linreg.data.formula.formulaic_parser import Term, parse_terms, split_sides
from linreg.errors import UserError

_PLAIN_SUM = re.compile(
    r"\s*([A-Za-z_]\w*)\s*~\s*([A-Za-z_]\w*(?:\s*\+\s*[A-Za-z_]\w*)*)\s*", re.ASCII
)
_INTERCEPT: Term = (("1", "literal"),)


def quote_name(column: str) -> str:
    """Return a column's name as a formula takes it: in back-quotes unless it is an identifier."""
    return column if column.isidentifier() else f"`{column}`"


@dataclass(frozen=True)
class Factor:
    """One factor of a term: a number, or a category that becomes one column per level.

    text     as in the names of coefficients, such as `C(zone)` or `I(age ** 2)`
    columns  the columns that it reads
    base     the reference level of `C(column, base)`; None for the first level
    """

    text: str
    kind: Literal["number", "category"]
    columns: tuple[str, ...]
    base: str | int | float | bool | None = None

    @property
    def source(self) -> str:
        """The factor as a formula takes it: names quoted, bare arithmetic in braces."""
        if self.columns == (self.text,):
            return quote_name(self.text)
        is_call = self.text.endswith(")") and re.match(r"\w+\(", self.text)
        return self.text if is_call else f"{{{self.text}}}"


@dataclass(frozen=True)
class ParsedFormula:
    """A formula in which every column has a name; `terms` exclude the intercept."""

    target: Factor
    intercept: bool
    terms: tuple[tuple[Factor, ...], ...]

    def __str__(self) -> str:
        """Return the formula with every term written out; parsing it gives the same formula."""
        right = [":".join(factor.source for factor in term) for term in self.terms]
        if not self.intercept:
            right.insert(0, "0")
        return f"{self.target.source} ~ {' + '.join(right or ['1'])}"

    @property
    def factors(self) -> tuple[Factor, ...]:
        """The factors of all terms, in order."""
        return tuple(factor for term in self.terms for factor in term)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the formula reads, the target's first, each once."""
        factors = (self.target, *self.factors)
        return tuple(dict.fromkeys(column for factor in factors for column in factor.columns))


def parse_formula(
    text: str, names: Sequence[str], categories: frozenset[str] = frozenset()
) -> ParsedFormula:
    """Parse a formula in which `.` stands for `names` without the target.

    A column in `categories` is a category. Raises UserError for text that is not a formula, has an
    unsupported expression, or has no target.
    """
    if not text.partition("~")[2].strip():
        raise UserError(
            WHERE, "must name its terms", found=text, todo="write it as TARGET ~ TERM + TERM"
        )
    plain_sum = _PLAIN_SUM.fullmatch(text)
    if plain_sum:
        target = Factor(plain_sum[1], _kind(plain_sum[1], categories), (plain_sum[1],))
        right = _plain_terms(plain_sum[2])
    else:
        target, right = _parse_sides(text, names, categories)
    if not right:
        raise UserError(
            WHERE,
            "has nothing to fit",
            found=text,
            todo="name a column, or 1 for the intercept alone",
        )
    factors = [_factors(term, categories) for term in right]
    parsed = ParsedFormula(target, () in factors, tuple(term for term in factors if term))
    _check_target_is_no_feature(parsed, text)
    return parsed


def _plain_terms(text: str) -> list[Term]:
    """Return the terms of `x1 + x2`, each once, with an intercept."""
    names = dict.fromkeys(name.strip() for name in text.split("+"))
    return [_INTERCEPT, *(((name, "lookup"),) for name in names)]


def _parse_sides(
    text: str, names: Sequence[str], categories: frozenset[str]
) -> tuple[Factor, list[Term]]:
    """Return the target, and the terms on the right of the ~."""
    left, right = split_sides(text)
    terms = parse_terms(left, [], text, intercept=False)
    targets = [factor for term in terms for factor in _factors(term, categories)]
    if len(targets) != 1:
        raise UserError(WHERE, "must have one column as its target", found=text)
    others = [name for name in names if name not in targets[0].columns]
    return targets[0], parse_terms(right, others, text, intercept=True)


def _check_target_is_no_feature(parsed: ParsedFormula, text: str) -> None:
    """Raise UserError for a target of one column that a term reads too."""
    features = {column for factor in parsed.factors for column in factor.columns}
    if len(parsed.target.columns) == 1 and features & set(parsed.target.columns):
        todo = f"leave {parsed.target.columns[0]} out on the right"
        raise UserError(WHERE, "has its target among the features", found=text, todo=todo)


def _factors(term: Term, categories: frozenset[str]) -> tuple[Factor, ...]:
    """Return a term's factors; none for the intercept."""
    if term == _INTERCEPT:
        return ()
    return tuple(_factor(text, method, categories) for text, method in term)


def _factor(text: str, method: str, categories: frozenset[str]) -> Factor:
    if method == "lookup":
        return Factor(text, _kind(text, categories), (text,))
    if method == "literal":
        raise unsupported(text)
    tree, names = parse_python(text)
    match tree:
        case ast.Call(func=ast.Name(id="C"), args=[ast.Name(id=column)], keywords=[]):
            return Factor(text, "category", (names.get(column, column),))
        case ast.Call(func=ast.Name(id="C"), args=[ast.Name(id=column), contrast], keywords=[]):
            base = _level(_base_of(contrast), text)
            return Factor(text, "category", (names.get(column, column),), base)
        case _:
            expression = parse_expression(text)
            if not expression.columns:
                raise unsupported(text)
            return Factor(text, "number", expression.columns)


def _kind(column: str, categories: frozenset[str]) -> Literal["number", "category"]:
    return "category" if column in categories else "number"


def _base_of(contrast: ast.expr) -> ast.expr:
    """Return the reference level in `"a"`, `Treatment("a")` (patsy) or `contr.treatment("a")`.

    The last is formulaic's; both may name their argument, `reference` and `base`.
    """
    match contrast:
        case ast.Call(func=ast.Name(id="Treatment"), args=[base], keywords=[]):
            return base
        case ast.Call(
            func=ast.Name(id="Treatment"),
            args=[],
            keywords=[ast.keyword(arg="reference", value=base)],
        ):
            return base
        case ast.Call(
            func=ast.Attribute(value=ast.Name(id="contr"), attr="treatment"),
            args=[base],
            keywords=[],
        ):
            return base
        case ast.Call(
            func=ast.Attribute(value=ast.Name(id="contr"), attr="treatment"),
            args=[],
            keywords=[ast.keyword(arg="base", value=base)],
        ):
            return base
    return contrast


def _level(node: ast.expr, text: str) -> str | int | float | bool:
    """Return the literal that names a reference level."""
    try:
        level = ast.literal_eval(node)
        # It goes into schema.json, which holds no other value.
        json.dumps(level, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, TypeError, RecursionError, MemoryError):
        raise unsupported(text) from None
    if not isinstance(level, str | int | float):
        raise unsupported(text)
    return level
