"""Numeric expressions over columns, such as `I(age**2)` or `log(price / area)`.

A formula is data: its expressions are parsed into a tree and only what is listed here is computed.
Nothing in a formula can call Python.
"""

import ast
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linreg.data.formula import portable_math as strict_math
from linreg.errors import UserError

Floats = NDArray[np.float64]
Compute = Callable[[Mapping[str, Floats]], Floats]

WHERE = "params.yaml: model.formula"

FUNCTIONS: dict[str, Callable[[Floats], Floats]] = {
    "I": lambda x: x,
    "abs": np.abs,
    "exp": strict_math.exp,
    "log": strict_math.log,
    "log10": strict_math.log10,
    "sqrt": np.sqrt,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Floats, Floats], Floats]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
}
_MOST_NESTED = 50
LARGEST_POWER = 10


@dataclass(frozen=True)
class Expression:
    """A parsed expression: its text, the columns it reads, and how it is computed."""

    text: str
    columns: tuple[str, ...]
    compute: Compute

    def __call__(self, columns: Mapping[str, Floats]) -> Floats:
        """Return the values, float64 of shape (n,), from columns of the same shape; not always
        finite.
        """
        with np.errstate(
            all="ignore"
            # what is not finite is found, and told with its row, by the caller
        ):
            return self.compute(columns)


def parse_expression(text: str) -> Expression:
    """Parse a numeric expression; raises UserError for anything but columns, numbers, + - * / **
    and FUNCTIONS.
    """
    tree, names = parse_python(text)
    columns: dict[str, None] = {}
    compute = _compile(tree, text, names, columns, depth=0)
    return Expression(text, tuple(columns), compute)


def parse_python(text: str) -> tuple[ast.expr, dict[str, str]]:
    """Return the syntax tree, and for each identifier that stands for a back-quoted name that
    name.
    """
    names: dict[str, str] = {}
    stem = "_quoted"
    # a column may be named like a stand-in
    while stem in text:
        stem += "_"

    def identifier(match: re.Match[str]) -> str:
        name = f"{stem}{len(names)}"
        names[name] = match.group(1)
        return name

    try:
        with warnings.catch_warnings(
            action="ignore"
            # of an escape such as \d, which means itself
        ):
            return ast.parse(
                re.sub(r"`([^`]+)`", identifier, text).strip(), mode="eval"
            ).body, names
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise unsupported(text) from None


def unsupported(text: str) -> UserError:
    """The error for an expression that a formula cannot hold."""
    return UserError(
        WHERE,
        "holds an expression that is not supported",
        found=text,
        todo=f"use columns, numbers, + - * / **, C(column) and {', '.join(sorted(FUNCTIONS))}",
    )


def _compile(
    node: ast.expr, text: str, names: dict[str, str], columns: dict[str, None], depth: int
) -> Compute:
    if depth > _MOST_NESTED:
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
            apply, first, second = _ARITHMETIC[type(operator)], inner(left), inner(right)
            return lambda values: apply(first(values), second(values))
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
            function, value = FUNCTIONS[name], inner(argument)
            return lambda values: function(value(values))
        case _:
            pass
    raise unsupported(text)


def _power(x: Floats, power: int) -> Floats:
    """x multiplied by itself: unlike the C library's pow, the same bits everywhere."""
    result = x
    for _ in range(power - 1):
        result = result * x
    return result
