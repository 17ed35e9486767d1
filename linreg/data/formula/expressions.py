"""Numeric expressions over columns, such as `I(age**2)` or `log(price / area)`.

A formula is data: its expressions are parsed into a tree, and only what is listed here is computed.
No text in a formula is executed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from linreg.arrays import Floats
from linreg.data.formula import portable_math
from linreg.data.formula.grammar.syntax import (
    LARGEST_POWER,
    Binary,
    Call,
    Literal,
    Name,
    Node,
    Unary,
    parse,
)
from linreg.data.formula.grammar.tokens import FormulaSyntaxError
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
ARITHMETIC: dict[str, Callable[[Floats, Floats], Floats]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
}
SUPPORTED = f"use columns, numbers, + - * / **, C(column) and {', '.join(sorted(FUNCTIONS))}"
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
    try:
        return compile_expression(parse(text), text)
    except FormulaSyntaxError:
        raise unsupported(text) from None


def compile_expression(tree: Node, text: str) -> Expression:
    """Return how a tree is computed; raises UserError like `parse_expression`."""
    columns: dict[str, None] = {}
    compute = _compile(tree, text, columns, depth=0)
    return Expression(text, tuple(columns), compute)


def unsupported(text: str) -> UserError:
    """Return the error for an expression that a formula cannot have."""
    return UserError(
        WHERE, "contains an expression that is not supported", found=text, todo=SUPPORTED
    )


def _compile(node: Node, text: str, columns: dict[str, None], depth: int) -> Compute:
    """Return the function of a node of the tree; add the columns that it reads to `columns`."""
    if depth > _DEEPEST_NESTING:
        raise unsupported(text)

    def inner(child: Node) -> Compute:
        return _compile(child, text, columns, depth + 1)

    match node:
        case Name(name=column):
            columns[column] = None
            return lambda values: values[column]
        case Literal(value=int() | float() as number) if abs(number) < 1e308:
            return lambda _: np.float64(number)  # type: ignore[return-value]  # numpy broadcasts it
        case Unary(operator="-", operand=operand):
            negated = inner(operand)
            return lambda values: -negated(values)
        case Unary(operator="+", operand=operand):
            return inner(operand)
        case Binary(operator="**" | "^", left=left, right=Literal(value=int() as power)) if (
            0 < power <= LARGEST_POWER
        ):
            base = inner(left)
            return lambda values: _power(base(values), power)
        case Binary(operator=operator, left=left, right=right) if operator in ARITHMETIC:
            apply = ARITHMETIC[operator]
            first = inner(left)
            second = inner(right)
            return lambda values: apply(first(values), second(values))
        case Call(function=name, arguments=[argument], keywords=()) if name in FUNCTIONS:
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
