"""Numeric expressions over columns, such as `I(age**2)` or `log(price / area)`.

A formula is data: its expressions are parsed into a tree, and only what is listed here is computed.
No text in a formula is executed as Python.
"""

import ast
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from linreg.arrays import Floats
from linreg.data.formula import portable_math
from linreg.errors import UserError

Compute = Callable[[Mapping[str, Floats]], Floats]

WHERE = "params.yaml: model.formula"

FUNCTIONS: dict[str, Callable[[Floats], Floats]] = {
    "I": lambda x: x,
    "abs": np.abs,
    "exp": portable_math.exp,
    "log": portable_math.log,
    "log10": portable_math.log10,
    "sqrt": np.sqrt,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Floats, Floats], Floats]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
}
LARGEST_POWER = 10
_DEEPEST_NESTING = 50


@dataclass(frozen=True)
class Expression:
    """A parsed expression: its text, the columns that it reads, and how it is computed."""

    text: str
    columns: tuple[str, ...]
    compute: Compute

    def __call__(self, columns: Mapping[str, Floats]) -> Floats:
        """Return the values (n,), float64, from columns of the same shape; not always finite."""
        # The caller reports values that are not finite, with their rows.
        with np.errstate(all="ignore"):
            return self.compute(columns)


def expression_of(factor: str, columns: Sequence[str]) -> Expression:
    """Return how a numeric factor is computed from its columns.

    A factor that is a column may have any name: it is not parsed.
    """
    if list(columns) == [factor]:
        return Expression(factor, (factor,), lambda values: values[factor])
    return parse_expression(factor)


def product(factors: Sequence[Expression]) -> Expression:
    """Return the product of numeric factors, multiplied in their order as a design does."""
    return Expression(
        ":".join(factor.text for factor in factors),
        tuple(dict.fromkeys(name for factor in factors for name in factor.columns)),
        lambda values: reduce(np.multiply, [factor.compute(values) for factor in factors]),
    )


def parse_expression(text: str) -> Expression:
    """Parse an expression; raises UserError unless it is one of columns, numbers and FUNCTIONS."""
    tree, names = parse_python(text)
    columns: dict[str, None] = {}
    compute = _compile(tree, text, names, columns, depth=0)
    return Expression(text, tuple(columns), compute)


def parse_python(text: str) -> tuple[ast.expr, dict[str, str]]:
    """Return an expression's syntax tree, and the column's name by identifier of a back-quoted one.

    Raises UserError for what Python cannot parse.
    """
    names: dict[str, str] = {}
    prefix = "_quoted"
    # A column may have a name that looks like one of the identifiers.
    while prefix in text:
        prefix += "_"

    def identifier(match: re.Match[str]) -> str:
        name = f"{prefix}{len(names)}"
        names[name] = match.group(1)
        return name

    code = re.sub(r"`([^`]+)`", identifier, text).strip()
    try:
        # Python warns of an escape such as \d, which is taken literally.
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(code, mode="eval").body, names
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise unsupported(text) from None


def unsupported(text: str) -> UserError:
    """Return the error for an expression that a formula cannot have."""
    return UserError(
        WHERE,
        "contains an expression that is not supported",
        found=text,
        todo=f"use columns, numbers, + - * / **, C(column) and {', '.join(sorted(FUNCTIONS))}",
    )


def _compile(
    node: ast.expr, text: str, names: dict[str, str], columns: dict[str, None], depth: int
) -> Compute:
    """Return the function of a node of the tree; add the columns that it reads to `columns`."""
    if depth > _DEEPEST_NESTING:
        raise unsupported(text)

    def inner(child: ast.expr) -> Compute:
        return _compile(child, text, names, columns, depth + 1)

    match node:
        case ast.Name(id=identifier):
            column = names.get(identifier, identifier)
            columns[column] = None
            return lambda values: values[column]
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float() as number) if abs(number) < 1e308:
            return lambda _: np.float64(number)  # type: ignore[return-value]  # numpy broadcasts it
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            negated = inner(operand)
            return lambda values: -negated(values)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return inner(operand)
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int() as power)) if (
            power is not True and 0 < power <= LARGEST_POWER
        ):
            base = inner(left)
            return lambda values: _power(base(values), power)
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _ARITHMETIC:
            apply = _ARITHMETIC[type(operator)]
            first = inner(left)
            second = inner(right)
            return lambda values: apply(first(values), second(values))
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
            function = FUNCTIONS[name]
            value = inner(argument)
            return lambda values: function(value(values))
        case _:
            pass
    raise unsupported(text)


def _power(x: Floats, power: int) -> Floats:
    """Return x multiplied by itself: unlike the C library's pow, the same bits on every CPU."""
    result = x
    for _ in range(power - 1):
        result = result * x
    return result
