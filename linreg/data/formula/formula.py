"""A formula such as `mpg ~ weight + C(origin)`, parsed before any row is read.

The text is parsed into a tree (`syntax.py`), the tree expanded into terms (`terms.py`), and here
what stands in a term becomes a factor that reads columns.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal as OneOf

from linreg.data.formula.expressions import SUPPORTED, WHERE, compile_expression, unsupported
from linreg.data.formula.grammar.syntax import (
    Braces,
    Call,
    Literal,
    Name,
    Node,
    Unary,
    parse,
    parse_tokens,
    unparse,
)
from linreg.data.formula.grammar.terms import TermExpansion
from linreg.data.formula.grammar.tokens import FormulaSyntaxError, quote_name, tokenize
from linreg.errors import UserError

_TODO = "write it as TARGET ~ TERM + TERM"


@dataclass(frozen=True)
class Factor:
    """One factor of a term: a number, or a category that becomes one column per level.

    A factor is a column if that is its text and the only column that it reads; no expression has
    the name of its column as its text.

    text     as in the names of coefficients, such as `C(zone)` or `I(age ** 2)`
    columns  the columns that it reads
    base     the reference level of `C(column, base)`; None for the first level
    """

    text: str
    kind: OneOf["number", "category"]
    columns: tuple[str, ...]
    base: str | int | float | bool | None = None

    @property
    def source(self) -> str:
        """The factor as a formula takes it: names quoted, bare arithmetic in braces."""
        if self.columns == (self.text,):
            return quote_name(self.text)
        return self.text if isinstance(parse(self.text), Call) else f"{{{self.text}}}"


@dataclass(frozen=True)
class ParsedFormula:
    """A formula in which every column has a name; `terms` exclude the intercept.

    removed  the columns of terms that the text subtracts
    """

    target: Factor
    intercept: bool
    terms: tuple[tuple[Factor, ...], ...]
    removed: tuple[str, ...] = field(default=(), compare=False)

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
    try:
        parsed = _parse(text, names, categories)
    except FormulaSyntaxError as error:
        todo = f"{_TODO}; {SUPPORTED}"
        raise UserError(WHERE, f"is not a formula ({error})", found=text, todo=todo) from None
    if not parsed.terms and not parsed.intercept:
        todo = "name a column, or 1 for the intercept alone"
        raise UserError(WHERE, "has nothing to fit", found=text, todo=todo)
    _check_target_is_no_feature(parsed, text)
    return parsed


def _parse(text: str, names: Sequence[str], categories: frozenset[str]) -> ParsedFormula:
    tokens = tokenize(text)
    tildes = [i for i, token in enumerate(tokens) if (token.kind, token.value) == ("operator", "~")]
    if (tildes and tildes[0] == len(tokens) - 1) or not tildes:
        raise UserError(WHERE, "must name its terms", found=text, todo=_TODO)
    if len(tildes) > 1:
        raise UserError(WHERE, "must have one ~", found=text, todo=_TODO)

    def factor_of(node: Node) -> Factor:
        return _factor(node, categories)

    left = parse_tokens(text, tokens[: tildes[0]])
    if not isinstance(left, Name | Call | Braces):
        raise UserError(WHERE, "must have one column as its target", found=text)
    target = factor_of(left)
    others = [factor_of(Name(name)) for name in names if name not in target.columns]
    expansion = TermExpansion(factor_of, others)
    terms = expansion.terms(parse_tokens(text, tokens[tildes[0] + 1 :]))
    removed = dict.fromkeys(name for factor in expansion.removed for name in factor.columns)
    return ParsedFormula(target, expansion.intercept, tuple(terms), tuple(removed))


def _check_target_is_no_feature(parsed: ParsedFormula, text: str) -> None:
    """Raise UserError for a target of one column that a term reads too."""
    features = {column for factor in parsed.factors for column in factor.columns}
    if len(parsed.target.columns) == 1 and features & set(parsed.target.columns):
        todo = f"leave {parsed.target.columns[0]} out on the right"
        raise UserError(WHERE, "has its target among the features", found=text, todo=todo)


def _factor(node: Node, categories: frozenset[str]) -> Factor:
    """Return the factor of a part of a term; raises UserError for an unsupported expression."""
    match node:
        case Name(name=column):
            return Factor(column, "category" if column in categories else "number", (column,))
        case Call(function="C", arguments=[Name(name=column)], keywords=()):
            return Factor(unparse(node), "category", (column,))
        case Call(function="C", arguments=[Name(name=column), contrast], keywords=()):
            base = _level(_base_of(contrast), node.source)
            return Factor(unparse(node), "category", (column,), base)
        case Call(source=source):
            expression = compile_expression(node, source)
        case Braces(inner=inner, source=source):
            expression = compile_expression(inner, source)
            node = inner
        case _:
            raise FormulaSyntaxError("a term is a column, a call, or arithmetic in {braces}")
    if not expression.columns:
        raise unsupported(source)
    return Factor(unparse(node), "number", expression.columns)


def _base_of(contrast: Node) -> Node:
    """Return the reference level in `"a"`, `Treatment("a")` (patsy) or `contr.treatment("a")`.

    The last is R's and formulaic's; both may name their argument, `reference` and `base`.
    """
    match contrast:
        case Call(function="Treatment" | "contr.treatment", arguments=[base], keywords=()):
            return base
        case (
            Call(function="Treatment", arguments=(), keywords=[("reference", base)])
            | Call(function="contr.treatment", arguments=(), keywords=[("base", base)])
        ):
            return base
    return contrast


def _level(node: Node, text: str) -> str | int | float | bool:
    """Return the value that names a reference level; schema.json can hold it."""
    match node:
        case Name(name="True" | "False" as truth, quoted=False):
            return truth == "True"
        case Literal(value=str() as level) if _is_unicode(level):
            return level
        case (
            Literal(value=int() | float() as number)
            | Unary(operator="+", operand=Literal(value=int() | float() as number))
        ) if number < math.inf:
            return number
        case Unary(operator="-", operand=Literal(value=int() | float() as number)) if (
            number < math.inf
        ):
            return -number
    raise unsupported(text)


def _is_unicode(text: str) -> bool:
    """Return whether JSON in UTF-8 can hold a text: it has no half of a surrogate pair."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
