"""The features of a table, coerced to the types that they had in training.

A cell that cannot be coerced becomes null and is recorded with its column, so that an error can
name it; a column whose type is wrong as a whole is an error at once.
"""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from linreg.arrays import Mask
from linreg.data.cells.number_style import NumberStyle, add_shown_decimals, read_numbers
from linreg.data.cells.numbers import parse_cells
from linreg.data.dates.coercion import TIME, as_times, may_be_times
from linreg.data.formula.schema import Schema
from linreg.data.tables.arrays import as_mask, with_one_zero, without_nan
from linreg.data.tables.sentinels import without_sentinels
from linreg.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

ArrowColumn: TypeAlias = pa.Array | pa.ChunkedArray


class ArrowStream(Protocol):
    """A frame that exports its columns through Arrow's C interface, as polars and duckdb do."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return a capsule with an ArrowArrayStream."""


Frame: TypeAlias = "pd.DataFrame | pa.Table | ArrowStream"
"""What predictions are made from: rows with named columns."""


class InvalidCells(NamedTuple):
    """The rows (n,) whose value is not of the column's type, and the column before coercion."""

    rows: Mask
    original: ArrowColumn


class CoercedTable(NamedTuple):
    """Features of n rows in the types of training.

    invalid    by column, the cells that are null for being invalid
    precision  by column, the type that cells of less than double precision had
    """

    table: pa.Table
    invalid: Mapping[str, InvalidCells]
    precision: Mapping[str, pa.DataType] = MappingProxyType({})

    def missing(self, name: str) -> Mask | None:
        """Return the rows (n,) in which a column has no value; None where there is no such row."""
        column = self.table.column(name)
        if not column.null_count:
            return None
        is_null = as_mask(column.is_null())
        return is_null & ~self.invalid[name].rows if name in self.invalid else is_null


def coerce(
    frame: Frame,
    schema: Schema,
    origin: object,
    *,
    text: bool = False,
    styles: Mapping[str, NumberStyle] = MappingProxyType({}),
) -> CoercedTable:
    """Return the features of a schema, taken from a table with any columns.

    Any numeric type will do for a number: 3 in a float column, 3.5 in one that was integer in
    training. With `text`, numbers and booleans may also be text that spells them, in the style of
    their column; without one, as the cells themselves show or else as in training.

    Raises UserError for a column of `origin` that is absent, is there twice, or has an incompatible
    type, and for what has no named columns.
    """
    frame = _table_or_pandas(frame, origin)
    names = list(frame.column_names if isinstance(frame, pa.Table) else map(str, frame.columns))
    columns: dict[str, ArrowColumn] = {}
    invalid: dict[str, InvalidCells] = {}
    precision: dict[str, pa.DataType] = {}
    counts = Counter(names)
    positions = {name: position for position, name in enumerate(names)}
    for name, type_ in feature_types(schema).items():
        where = f"{origin}: column {name}"
        if counts[name] != 1:
            what = "is missing" if name not in names else "appears more than once"
            found = ", ".join(names) or "no column"
            raise UserError(where, what, found=found, todo="name the columns as in training")
        index = positions[name]
        values = frame.column(index) if isinstance(frame, pa.Table) else frame.iloc[:, index]
        remembered = NumberStyle.remembered(schema.features[name].format)
        spelling = _Spelling(styles.get(name, remembered), name not in styles) if text else None
        if type_ == TIME:
            original, columns[name] = _coerce_times(values, where, schema.reading.dates.get(name))
        else:
            original, columns[name] = _coerce_column(values, type_, where, spelling)
        if original.type in (pa.float16(), pa.float32()):
            precision[name] = original.type
        if columns[name].null_count > original.null_count:
            rows = as_mask(pc.and_(columns[name].is_null(), original.is_valid()))
            invalid[name] = InvalidCells(rows, original)
        if name in schema.category_columns:
            columns[name] = with_one_zero(columns[name])
    # A table without columns would forget its number of rows.
    table = pa.table(columns) if columns else pa.table({"": pa.nulls(len(frame))})
    table = without_sentinels(table, schema.sentinels, precision)
    return CoercedTable(table, invalid, precision)


def _table_or_pandas(frame: Any, origin: object) -> Any:
    """Return a frame of pandas as it is, since its columns may hold any objects; others in Arrow.

    That needs no library but pyarrow, whoever made the frame.
    """
    if isinstance(frame, pa.Table) or hasattr(frame, "iloc"):
        return frame
    if not (hasattr(frame, "__arrow_c_stream__") or hasattr(frame, "__arrow_c_array__")):
        raise UserError(
            origin,
            "must be rows of named columns: a frame of pandas or polars, a table of pyarrow, or "
            "another that has __arrow_c_stream__",
            found=f"{type(frame).__module__}.{type(frame).__qualname__}",
        )
    try:
        return pa.table(frame)
    # What exports the columns is not ours, and has errors of its own.
    except Exception as error:
        raise UserError(origin, "cannot be read through Arrow", found=error) from error


def feature_types(schema: Schema) -> dict[str, pa.DataType]:
    """Return the features' types by name: float64 for a number that is not used as a category."""
    return {
        name: pa.float64()
        if column.kind == "number" and name not in schema.category_columns
        else column.cells
        for name, column in schema.features.items()
    }


def _coerce_column(
    values: Any, type_: pa.DataType, where: str, spelling: "_Spelling | None"
) -> tuple[ArrowColumn, ArrowColumn]:
    """Return a column as it was, and coerced, with null for each cell that is not of the type."""
    if spelling and not isinstance(values, ArrowColumn) and values.dtype == object:
        spelled = _as_text(values, where)
        is_text = pa.array([isinstance(value, str) for value in values], pa.bool_())
        texts = pc.if_else(is_text, spelled, None)
        if pa.types.is_string(type_):
            return spelled, texts
        # Python's own numbers have a decimal point.
        others = parse_cells(pc.if_else(is_text, None, spelled), type_)
        return spelled, pc.coalesce(spelling.read(texts, type_), others)
    cells = _as_arrow(values, type_, where)
    if cells.null_count == len(cells):
        return cells, pa.nulls(len(cells), type_)
    if spelling and pa.types.is_string(cells.type) and not pa.types.is_string(type_):
        return cells, spelling.read(cells, type_)
    if pa.types.is_integer(type_) and pa.types.is_floating(cells.type):
        return cells, pc.if_else(_is_exact_integer(cells), cells, None).cast(type_, safe=False)
    return cells, _cast(cells, type_, where)


def _coerce_times(values: Any, where: str, written: str | None) -> tuple[ArrowColumn, ArrowColumn]:
    """Return a column as it was, and as times, with null for each cell that is none."""
    is_object = not isinstance(values, ArrowColumn) and values.dtype == object
    cells = _as_text(values, where) if is_object else _as_arrow(values, TIME, where)
    if not may_be_times(cells.type):
        raise UserError(where, "must hold dates or times", found=f"{cells.type}")
    return cells, as_times(cells, written)


class _Spelling(NamedTuple):
    """How text spells numbers, and whether the cells themselves may show another decimal sign."""

    style: NumberStyle
    may_differ: bool

    def read(self, cells: ArrowColumn, type_: pa.DataType) -> ArrowColumn:
        """Return text as numbers or truth values; null for a cell that is none."""
        if pa.types.is_boolean(type_):
            return parse_cells(cells, type_)
        shown: set[str] = set()
        if self.may_differ:
            add_shown_decimals(shown, cells)
        return read_numbers(cells, type_, self.style.as_shown(shown))


def _as_text(values: "pd.Series[Any]", where: str) -> pa.Array:
    """Return Python objects, of different types perhaps, as text; None and NaN as null."""
    try:
        spelled = [
            None if is_missing else str(value)
            for value, is_missing in zip(values, values.isna(), strict=True)
        ]
        return pa.array(spelled, pa.string())
    except UnicodeError as error:
        raise UserError(where, "must hold text that is valid Unicode", found=error) from None


def _as_arrow(values: Any, type_: pa.DataType, where: str) -> ArrowColumn:
    """Return a column of a frame or a table in Arrow, decoded if it is a dictionary."""
    if not isinstance(values, ArrowColumn):
        # pyarrow would read a boolean among numbers as 0 or 1.
        if (
            values.dtype == object
            and not pa.types.is_boolean(type_)
            and any(isinstance(value, bool) for value in values)
        ):
            raise UserError(where, f"must hold {type_}", found="a truth value")
        values = _from_pandas(values, type_, where)
    if pa.types.is_dictionary(values.type):
        values = _decoded(values)
    return values.cast(pa.string()) if _is_text(values.type) else without_nan(values)


def _decoded(values: ArrowColumn) -> ArrowColumn:
    """Return a dictionary's values by row; text as pa.string(), whatever polars has it as."""
    type_ = pa.string() if _is_text(values.type.value_type) else values.type.value_type
    chunks = values.chunks if isinstance(values, pa.ChunkedArray) else [values]
    return pa.chunked_array(
        [each.dictionary.cast(type_).take(each.indices) for each in chunks], type_
    )


def _from_pandas(values: "pd.Series[Any]", type_: pa.DataType, where: str) -> pa.Array:
    try:
        # Unlike pa.array, this takes NaN for a missing value.
        return pa.Array.from_pandas(values)
    except (pa.ArrowException, OverflowError, UnicodeError) as error:
        raise UserError(where, f"must hold {type_}", found=error) from None


def _cast(cells: ArrowColumn, type_: pa.DataType, where: str) -> ArrowColumn:
    """Cast a column; unlike pyarrow, raise UserError between text, booleans and numbers."""
    kinds = (pa.types.is_string, pa.types.is_binary, pa.types.is_boolean)
    if not pa.types.is_null(cells.type) and any(is_(type_) != is_(cells.type) for is_ in kinds):
        raise UserError(where, f"must hold {type_}", found=f"{cells.type}, such as {_first(cells)}")
    try:
        # An integer above 2^53 is meant to be rounded to float64.
        rounds = pa.types.is_float64(type_) and pa.types.is_integer(cells.type)
        return cells.cast(type_, safe=not rounds)
    except pa.ArrowException as error:
        raise UserError(where, f"must hold {type_}", found=error) from None


def _first(cells: ArrowColumn) -> Any:
    return next((cell for cell in cells if cell.is_valid), None)


def _is_text(type_: pa.DataType) -> bool:
    return type_ in (pa.string(), pa.large_string(), pa.string_view())


def _is_exact_integer(cells: ArrowColumn) -> ArrowColumn:
    """Return which floats are integers that both int64 and float64 represent exactly."""
    small = pc.less_equal(pc.abs(cells), pa.scalar(2.0**53, cells.type))
    return pc.and_(small, pc.equal(cells, pc.floor(cells)))
