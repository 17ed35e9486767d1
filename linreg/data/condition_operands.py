"""What a condition compares: columns, computed numbers, and values that are written in it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.formula.expressions import CONSTANTS, FUNCTIONS, compile_expression, numeric_cells
from linreg.data.formula.functions.calendar import PARTS
from linreg.data.formula.grammar.syntax_tree import (
    Binary,
    Call,
    Literal,
    Name,
    Node,
    Unary,
    with_columns_quoted,
)
from linreg.data.formula.schema import kind_of
from linreg.errors import UserError

WHERE = "params.yaml: ingest.where"
_TRUTH = {"true": True, "false": False}

Evaluate = Callable[[pa.Table], Any]
"""Returns a column or a value (n,) in Arrow; of a condition true, false, or null for unknown."""


class Operand(NamedTuple):
    """What is compared: a column or a computed number, or a literal, which has a value.

    kind  number, text, truth or time
    type  of the cells of a column
    """

    description: str
    kind: str
    evaluate: Evaluate | None = None
    type: pa.DataType | None = None
    value: str | float | bool | None = None


class Operands:
    """The operands of a condition, for columns of the types in `schema`."""

    def __init__(self, text: str, schema: pa.Schema) -> None:
        self._text = text
        self._schema = schema

    def operand(self, node: Node) -> Operand:
        """Return what a part of a condition is; raises UserError where it cannot be compared."""
        match node:
            case Literal(value=str() as text):
                return Operand(f"the text {text!r}", "text", value=text)
            case Name(name=name) if is_truth(node):
                return Operand(name, "truth", value=_TRUTH[name.lower()])
            case Name(name=name):
                type_ = self._schema.field(name).type
                kind = _kind(type_)
                if kind == "other":
                    raise condition_error(
                        f"compares column {name}, which holds {type_}", self._text
                    )
                return Operand(f"column {name} ({type_})", kind, self.column(name), type_)
            case Literal() | Unary() | Binary() | Call():
                return self._number(node)
        raise condition_error("compares something that is no column and no value", self._text)

    def _number(self, node: Node) -> Operand:
        """Return a number that is written or computed."""
        if isinstance(node, Literal):
            return Operand(f"the number {node.value}", "number", value=node.value)
        try:
            constants = CONSTANTS.keys() & set(self._schema.names)
            expression = compile_expression(with_columns_quoted(node, constants), self._text)
        except UserError:
            raise condition_error("contains something that is no condition", self._text) from None
        if expression.learned:
            what = f"uses {expression.learned[0].text}, which only the training rows tell"
            raise condition_error(what, self._text)
        if not expression.columns:
            value = float(expression({}))
            return Operand(f"the number {value:g}", "number", value=value)
        for name in expression.columns:
            needed = "time" if name in expression.times else "number"
            if _kind(self._schema.field(name).type) != needed:
                type_ = self._schema.field(name).type
                raise condition_error(
                    f"computes with column {name}, which holds {type_}", self._text
                )
        columns = {name: self.column(name) for name in expression.columns}

        def evaluate(rows: pa.Table) -> Any:
            cells = {name: numeric_cells(column(rows)) for name, column in columns.items()}
            values = expression(cells)
            return pa.array(values, mask=~np.isfinite(values))

        return Operand("a computed number", "number", evaluate, pa.float64())

    def column(self, name: str) -> Evaluate:
        """Return what reads a column, in which NaN is a missing cell."""
        if not pa.types.is_floating(self._schema.field(name).type):
            return lambda rows: rows.column(name)

        def evaluate(rows: pa.Table) -> Any:
            column = rows.column(name)
            is_nan = pc.is_nan(column)
            if not pc.any(is_nan).as_py():
                return column
            return pc.if_else(is_nan, pa.scalar(None, column.type), column)

        return evaluate

    def scalar(self, column: Operand, literal: Operand) -> pa.Scalar:
        """Return the value of a literal as a cell of a column; UserError where it cannot be one."""
        value, type_ = literal.value, column.type
        if column.kind == "time" and isinstance(value, str):
            try:
                return pa.scalar(value.strip()).cast(type_)
            except pa.ArrowException:
                example = "2024-01-31" if pa.types.is_date(type_) else "2024-01-31 18:00"
                zone = "+00:00" if getattr(type_, "tz", None) else ""
                what = f"compares {column.description} with {literal.description}"
                raise condition_error(what, self._text, f"write it as '{example}{zone}'") from None
        if column.kind != literal.kind or value is None:
            raise self.mismatch(column, literal)
        if column.kind != "number":
            return pa.scalar(value, type_)
        number = float(value)
        if not pa.types.is_integer(type_):
            return pa.scalar(number, type_)
        if number.is_integer() and abs(number) < 2.0**63:
            return pa.scalar(int(value), type_)
        return pa.scalar(number)

    def mismatch(self, left: Operand, right: Operand) -> UserError:
        """Return the error for operands of two kinds."""
        todo = "text stands in 'quotes', numbers do not, names with spaces in `back-quotes`"
        return condition_error(
            f"compares {left.description} with {right.description}", self._text, todo
        )


def is_truth(node: Node) -> bool:
    """Return whether a node is true or false, rather than a column."""
    return isinstance(node, Name) and not node.quoted and node.name.lower() in _TRUTH


def _kind(type_: pa.DataType) -> str:
    """Return what the cells of a column are to a condition."""
    if pa.types.is_boolean(type_):
        return "truth"
    return "text" if pa.types.is_string(type_) else kind_of(type_)


def condition_error(what: str, text: str, todo: str = "") -> UserError:
    """Return the error for a condition."""
    functions = ", ".join(name for name in [*FUNCTIONS, *PARTS] if name != "I")
    usual = (
        "write it as price > 0 and zone == 'north'; there are == != < <= > >=, and, or, not, in"
        f" [1, 2], is missing, + - * / **, {functions}"
    )
    return UserError(WHERE, what, found=text, todo=todo or usual)
