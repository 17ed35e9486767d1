"""Numeric expressions over columns, such as `I(age**2)` or `log(price / area)`.

A formula is data: its expressions are parsed into a tree, and only what is listed here is computed.
No text in a formula is executed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from linreg.arrays import Floats
from linreg.data.formula.functions import calendar
from linreg.data.formula.functions.learning import WHERE, Learner
from linreg.data.formula.functions.other_names import called_here
from linreg.data.formula.functions.standardization import Standardization, standardize
from linreg.data.formula.grammar.syntax import parse
from linreg.data.formula.grammar.syntax_tree import (
    LARGEST_POWER,
    Binary,
    Call,
    Literal,
    Name,
    Node,
    Unary,
    unparse,
)
from linreg.data.formula.grammar.tokens import FormulaSyntaxError
from linreg.data.tables.arrays import as_floats
from linreg.errors import UserError
from linreg.portable_math import exponentials, trigonometry

Learned = Mapping[str, Mapping[str, Any]]
"""What functions have learned from the training rows, by their text in the formula."""
Compute = Callable[[Mapping[str, Floats], Learned], Floats]

NOTHING: Learned = MappingProxyType({})

FUNCTIONS: dict[str, Callable[[Floats], Floats]] = {
    "I": lambda x: x,
    "abs": np.abs,
    "cos": trigonometry.cosine,
    "exp": exponentials.exp,
    "expm1": exponentials.expm1,
    "log": exponentials.log,
    "log10": exponentials.log10,
    "log1p": exponentials.log1p,
    "log2": exponentials.log2,
    "sin": trigonometry.sine,
    "sqrt": np.sqrt,
}
LEARNING_FUNCTIONS = {"center": False, "scale": True}
"""Functions with values that depend on the training rows, and whether they divide by the standard
deviation.
"""
CONSTANTS = {"pi": 3.141592653589793}
ARITHMETIC: dict[str, Callable[[Floats, Floats], Floats]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
}
_OTHER_FUNCTIONS = ("bs", "cut", "ns", "offset", "poly")
SUPPORTED = "use columns, numbers, + - * / **, C(column) and " + ", ".join(
    sorted([*FUNCTIONS, *LEARNING_FUNCTIONS, *calendar.PARTS, *_OTHER_FUNCTIONS])
)
_DEEPEST_NESTING = 50


@dataclass(frozen=True)
class LearningFunction:
    """A call in an expression that learns from the training rows.

    text      by which what it has learned is stored
    argument  what it learns from
    learner   makes what learns it
    """

    text: str
    argument: "Expression"
    learner: Callable[[], Learner]


@dataclass(frozen=True)
class Expression:
    """A parsed expression: its text, the columns that it reads, and how it is computed.

    times    those of the columns that hold dates or times
    learned  the calls in it that learn from the training rows
    trends   those of the times that it goes by as days or years, outside of sin and cos
    """

    text: str
    columns: tuple[str, ...]
    compute: Compute
    times: tuple[str, ...] = ()
    learned: tuple[LearningFunction, ...] = ()
    trends: tuple[str, ...] = ()

    def __call__(self, columns: Mapping[str, Floats], learned: Learned = NOTHING) -> Floats:
        """Return the values (n,), float64, from columns of the same shape; not always finite."""
        # The caller reports values that are not finite, with their rows.
        with np.errstate(all="ignore"):
            return self.compute(columns, learned)


def expression_of(factor: str, columns: Sequence[str]) -> Expression:
    """Return how a numeric factor is computed from its columns.

    A factor that is a column may have any name: it is not parsed.
    """
    if list(columns) == [factor]:
        return Expression(factor, (factor,), lambda values, _: values[factor])
    return parse_expression(factor)


def product(factors: Sequence[Expression]) -> Expression:
    """Return the product of numeric factors, multiplied in their order as a design does."""
    return Expression(
        ":".join(factor.text for factor in factors),
        tuple(dict.fromkeys(name for factor in factors for name in factor.columns)),
        lambda values, learned: reduce(
            np.multiply, [factor.compute(values, learned) for factor in factors]
        ),
        tuple(dict.fromkeys(name for factor in factors for name in factor.times)),
        tuple(call for factor in factors for call in factor.learned),
    )


def numeric_cells(column: pa.ChunkedArray) -> Floats:
    """Return a column (n,) as an expression takes it: NaN for a missing cell.

    A time is a number of microseconds since 1970-01-01.
    """
    if calendar.is_time(column.type):
        column = calendar.as_microseconds(column)
    if not column.null_count:
        # To fill one in, pyarrow imports pandas.
        return as_floats(column)
    return as_floats(pc.fill_null(column.cast(pa.float64(), safe=False), np.nan))


def parse_expression(text: str) -> Expression:
    """Parse an expression; raises UserError unless it is one of columns, numbers and FUNCTIONS."""
    try:
        return compile_expression(parse(text), text)
    except FormulaSyntaxError:
        raise unsupported(text) from None


def compile_expression(tree: Node, text: str) -> Expression:
    """Return how a tree is computed; raises UserError like `parse_expression`."""
    compilation = _Compilation(text)
    compute = compilation.compile(tree, depth=0)
    times = compilation.times
    if mixed := [name for name in compilation.columns if times.get(name) == {False, True}]:
        raise UserError(
            WHERE, f"uses {mixed[0]} as a time and as a number", found=text, todo=SUPPORTED
        )
    return Expression(
        text,
        tuple(compilation.columns),
        compute,
        tuple(name for name, roles in times.items() if roles == {True}),
        tuple(compilation.learned.values()),
        tuple(compilation.trends),
    )


def unsupported(text: str) -> UserError:
    """Return the error for an expression that a formula cannot have."""
    return UserError(
        WHERE, "contains an expression that is not supported", found=text, todo=SUPPORTED
    )


class _Compilation:
    """Turns the tree of an expression into a function, and collects what it reads."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.columns: dict[str, None] = {}
        self.times: dict[str, set[bool]] = {}
        self.learned: dict[str, LearningFunction] = {}
        self.trends: dict[str, None] = {}
        self._num_periodic = 0

    def compile(self, node: Node, depth: int) -> Compute:
        """Return the function of a node of the tree; raises UserError like `parse_expression`."""
        if depth > _DEEPEST_NESTING:
            raise unsupported(self._text)

        def inner(child: Node) -> Compute:
            return self.compile(child, depth + 1)

        match node:
            case Name(name=name, quoted=False) if name in CONSTANTS:
                constant = CONSTANTS[name]
                return lambda _, __: np.float64(constant)  # type: ignore[return-value]
            case Name(name=column):
                return self._column(column, is_time=False)
            case Literal(value=int() | float() as number) if abs(number) < 1e308:
                # numpy broadcasts it.
                return lambda _, __: np.float64(number)  # type: ignore[return-value]
            case Unary(operator="-", operand=operand):
                negated = inner(operand)
                return lambda values, learned: -negated(values, learned)
            case Unary(operator="+", operand=operand):
                return inner(operand)
            case Binary(operator="**" | "^", left=left, right=Literal(value=int() as power)) if (
                0 < power <= LARGEST_POWER
            ):
                base = inner(left)
                return lambda values, learned: _power(base(values, learned), power)
            case Binary(operator=operator, left=left, right=right) if operator in ARITHMETIC:
                apply = ARITHMETIC[operator]
                first, second = inner(left), inner(right)
                return lambda values, learned: apply(
                    first(values, learned), second(values, learned)
                )
            case Call(function=name, arguments=[argument], keywords=()) if name in FUNCTIONS:
                is_periodic = name in ("sin", "cos")
                self._num_periodic += is_periodic
                function, value = FUNCTIONS[name], inner(argument)
                self._num_periodic -= is_periodic
                return lambda values, learned: function(value(values, learned))
            case Call(function=name, arguments=[Name(name=column)], keywords=()) if (
                name in calendar.PARTS
            ):
                if name in ("days", "year") and not self._num_periodic:
                    self.trends[column] = None
                part, time = calendar.PARTS[name], self._column(column, is_time=True)
                return lambda values, learned: part(time(values, learned))
            case Call(function=name, arguments=[argument], keywords=()) if (
                name in LEARNING_FUNCTIONS
            ):
                return self._learning(node, argument, LEARNING_FUNCTIONS[name], inner(argument))
            case Call(function=name, source=source) if todo := called_here(name):
                what = f"has {name}(), which is not among the functions of a formula"
                raise UserError(WHERE, what, found=source, todo=f"write {todo}")
            case _:
                raise unsupported(self._text)

    def _column(self, name: str, *, is_time: bool) -> Compute:
        self.columns[name] = None
        self.times.setdefault(name, set()).add(is_time)
        return lambda values, _: values[name]

    def _learning(self, call: Node, argument: Node, divides: bool, value: Compute) -> Compute:
        """Return the function of a call whose argument depends on no training row itself."""
        text = unparse(call)
        of_argument = compile_expression(argument, unparse(argument))
        if of_argument.learned or not of_argument.columns:
            raise unsupported(self._text)
        self.learned[text] = LearningFunction(
            text, of_argument, lambda: Standardization(text, divides=divides)
        )
        return lambda values, learned: standardize(value(values, learned), learned[text])


def _power(x: Floats, power: int) -> Floats:
    """Return x multiplied by itself: unlike the C library's pow, the same bits on every CPU."""
    result = x
    for _ in range(power - 1):
        result = result * x
    return result
