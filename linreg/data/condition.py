"""The condition `ingest.where`, such as `price > 0 and zone == 'north'`: which rows are used.

It is parsed by the grammar of formulas and never executed. As in SQL, a comparison with a missing
cell is neither true nor false, and a row is used if the condition is true. Arithmetic without a
finite result is a missing cell. A number is compared in the precision of the column's cells.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.condition_operands import (
    WHERE,
    Evaluate,
    Operand,
    Operands,
    condition_error,
    is_truth,
)
from linreg.data.csv.header import suggest_name
from linreg.data.dates.columns import DateColumn, DateColumns, given_date_column, read_dates
from linreg.data.formula.grammar.syntax import parse
from linreg.data.formula.grammar.syntax_tree import Binary, Call, Listing, Name, Node, Unary
from linreg.data.formula.grammar.tokens import FormulaSyntaxError
from linreg.data.tables.arrays import as_mask
from linreg.data.tables.source_chunk import SourceChunk
from linreg.errors import UserError

_MOST_CHARACTERS = 10_000
NO_FORMATS: Mapping[str, str] = MappingProxyType({})

_COMPARE = {
    "==": pc.equal,
    "!=": pc.not_equal,
    "<>": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_JOIN = {
    **dict.fromkeys(("and", "&", "&&"), pc.and_kleene),
    **dict.fromkeys(("or", "|", "||"), pc.or_kleene),
}
_MISSING = ("missing", "null", "na", "nan", "none")


@dataclass(frozen=True)
class RowCondition:
    """A condition for rows of a table with these columns; `schema` has what it reads, too.

    dates  how columns that it reads are read as times
    """

    text: str
    schema: pa.Schema
    is_true: Evaluate
    dates: DateColumns

    def select(self, chunk: SourceChunk, columns: Sequence[str]) -> SourceChunk:
        """Return the rows of a chunk in which the condition is true, with these columns."""
        truth = self.is_true(read_dates(chunk, self.dates).rows)
        selected = as_mask(pc.fill_null(truth, False))
        rows = chunk.rows.select(columns)
        if selected.all():
            return chunk._replace(rows=rows)
        indices = pa.array(np.flatnonzero(selected))
        return chunk._replace(rows=rows.take(indices), selected=selected)

    def nothing_left(self, num_rows: int) -> UserError:
        """Return the error for a condition that is true in none of the rows."""
        what = f"leaves none of the {num_rows:,} rows"
        return UserError(WHERE, what, found=self.text, todo="correct the condition")


def parse_condition(text: str, names: Iterable[str]) -> tuple[Node, list[str]]:
    """Return the tree of a condition, and the columns that it reads.

    Raises UserError for text that is no condition, and for a column that is not among `names`.
    """
    available = [name for name in names if name]
    try:
        if len(text) > _MOST_CHARACTERS:
            raise FormulaSyntaxError(f"longer than {_MOST_CHARACTERS:,} characters")
        tree = parse(text, words=True)
    except FormulaSyntaxError as error:
        raise condition_error(f"is not a condition ({error})", text) from None
    columns = list(dict.fromkeys(_columns(tree)))
    for name in columns:
        if name not in available:
            raise UserError(
                WHERE,
                f"needs a column {name}, which is not in the file",
                found=", ".join(available),
                todo=suggest_name(name, available)
                or "correct the name; names with spaces go in `back-quotes`, text in 'quotes'",
            )
    return tree, columns


def compile_condition(
    text: str, tree: Node, schema: pa.Schema, formats: Mapping[str, str] = NO_FORMATS
) -> RowCondition:
    """Return a condition for columns of these types; raises UserError where they do not fit.

    `formats` are those of `ingest.dates`: what they name is compared as times.
    """
    on_one_line = " ".join(text.split())
    dates: dict[str, DateColumn] = {}
    compared = schema
    for name in dict.fromkeys(_columns(tree)):
        if name in formats:
            index = schema.get_field_index(name)
            dates[name] = given_date_column(name, formats[name], schema.field(index).type)
            compared = compared.set(index, pa.field(name, dates[name].type))
    return RowCondition(on_one_line, schema, _Compiler(text, compared).condition(tree), dates)


def _columns(tree: Node) -> Iterator[str]:
    """Yield the columns that a condition reads."""
    nodes = [tree]
    while nodes:
        node = nodes.pop()
        match node:
            case Name(name=name) if not is_truth(node):
                yield name
            case Unary(operand=operand):
                nodes.append(operand)
            case Binary(operator="is" | "is not", left=left):
                nodes.append(left)
            case Binary(left=left, right=right):
                nodes += [right, left]
            case Call(arguments=arguments):
                nodes += reversed(arguments)
            case Listing(items=items):
                nodes += reversed(items)


class _Compiler:
    def __init__(self, text: str, schema: pa.Schema) -> None:
        self._text = text
        self._operands = Operands(text, schema)

    def condition(self, node: Node) -> Evaluate:
        """Return how the truth of a condition is computed."""
        # Many conditions in a row are a tree that is as deep as they are many.
        joined: list[tuple[Any, Evaluate]] = []
        while isinstance(node, Binary) and node.operator in _JOIN:
            joined.append((_JOIN[node.operator], self.condition(node.right)))
            node = node.left
        first = self._single_condition(node)
        if not joined:
            return first

        def evaluate(rows: pa.Table) -> Any:
            truth = first(rows)
            for join, other in reversed(joined):
                truth = join(truth, other(rows))
            return truth

        return evaluate

    def _single_condition(self, node: Node) -> Evaluate:
        match node:
            case Unary(operator="not", operand=operand):
                inner = self.condition(operand)
                return lambda rows: pc.invert(inner(rows))
            case Binary(operator="is" | "is not" as operator, left=left, right=right):
                return self._missing(left, right, is_missing=operator == "is")
            case Binary(operator="in" | "not in" as operator, left=left, right=right):
                is_in = self._in(left, right)
                return is_in if operator == "in" else lambda rows: pc.invert(is_in(rows))
            case Binary(operator=operator, left=left, right=right) if operator in _COMPARE:
                return self._comparison(
                    operator, self._operands.operand(left), self._operands.operand(right)
                )
        if isinstance(node, Name) and not is_truth(node):
            column = self._operands.operand(node)
            if column.kind == "truth" and column.evaluate:
                return column.evaluate
        raise condition_error("must say what is to be true, such as price > 0", self._text)

    def _comparison(self, operator: str, left: Operand, right: Operand) -> Evaluate:
        if left.evaluate is None:
            operator, left, right = _MIRRORED.get(operator, operator), right, left
        column = left.evaluate
        if column is None:
            raise condition_error("compares two values and no column", self._text)
        compare = _comparison_of_any_numbers(_COMPARE[operator])
        if left.kind == "truth" and operator not in ("==", "!=", "<>"):
            what = f"compares {left.description} by {operator}, but true and false have no order"
            raise condition_error(what, self._text)
        if right.evaluate is None:
            value = self._operands.scalar(left, right)
            if left.kind == "text" and operator in _MIRRORED and _has_digit(right.value):
                raise condition_error(
                    f"compares {left.description} with {right.description} by {operator}, which"
                    " would go letter by letter, not by time or size",
                    self._text,
                    "name how its dates are written in ingest.dates, or use == and in",
                )
            return lambda rows: compare(column(rows), value)
        if left.kind != right.kind:
            raise self._operands.mismatch(left, right)
        other = right.evaluate
        return lambda rows: compare(column(rows), other(rows))

    def _in(self, left: Node, right: Node) -> Evaluate:
        """Return whether a column has one of the values of a list."""
        items = right.items if isinstance(right, Listing) else (right,)
        column = self._operands.operand(left)
        values = [self._operands.operand(item) for item in items]
        if column.evaluate is None or not values or any(value.evaluate for value in values):
            what = "must have a column before in, and a list of values such as ['a', 'b'] after it"
            raise condition_error(what, self._text)
        scalars = [self._operands.scalar(column, value) for value in values]
        # A number that the type of the cells does not have is in no cell.
        known = [scalar for scalar in scalars if scalar.type == column.type]
        value_set = pa.array([scalar.as_py() for scalar in known], column.type)
        if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
            value_set = pa.concat_arrays([pa.array([scalar]) for scalar in known])
        evaluate = column.evaluate

        def is_in(rows: pa.Table) -> Any:
            cells = evaluate(rows)
            found = pc.is_in(cells, value_set=value_set)
            return pc.if_else(pc.is_valid(cells), found, pa.scalar(None, pa.bool_()))

        return is_in

    def _missing(self, left: Node, right: Node, *, is_missing: bool) -> Evaluate:
        if not isinstance(right, Name) or right.name.lower() not in _MISSING:
            raise condition_error(
                "has `is` without `missing` or `not missing` after it", self._text
            )
        # A column of any type will do.
        if isinstance(left, Name) and not is_truth(left):
            evaluate: Evaluate | None = self._operands.column(left.name)
        else:
            evaluate = self._operands.operand(left).evaluate
        if evaluate is None:
            raise condition_error("asks whether a value is missing, and not a column", self._text)
        read, check = evaluate, pc.is_null if is_missing else pc.is_valid
        return lambda rows: check(read(rows))


def _has_digit(value: object) -> bool:
    return isinstance(value, str) and any(each.isdigit() for each in value)


def _comparison_of_any_numbers(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return a comparison for numbers of two types, too; integers above 2^53 are rounded then."""

    def compared(left: Any, right: Any) -> Any:
        is_number = pa.types.is_integer(left.type) or pa.types.is_floating(left.type)
        if is_number and left.type != right.type:
            left, right = (each.cast(pa.float64(), safe=False) for each in (left, right))
        return compare(left, right)

    return compared
