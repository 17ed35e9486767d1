"""The columns that a model needs, each with the type that it has in training; cells that cannot
have it are noted.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.csv import values as text_cells
from linreg.data.formula.row_errors import Mask
from linreg.data.formula.schema import Schema
from linreg.data.tables.arrays import as_mask
from linreg.errors import UserError

if TYPE_CHECKING:
    import pandas as pd


class Unreadable(NamedTuple):
    """Cells of a column that are there but cannot have its type: the rows (n,), and all cells as
    they came.
    """

    rows: Mask
    cells: pa.Array | pa.ChunkedArray


class Typed(NamedTuple):
    """The features of n rows in the types of training; a cell that cannot be read is null, and
    noted by its column.
    """

    table: pa.Table
    unreadable: Mapping[str, Unreadable]

    def missing(self, name: str) -> Mask | None:
        """Return the rows (n,) without a cell in a column; None for no such row, the usual case."""
        column = self.table.column(name)
        if not column.null_count:
            return None
        missing = as_mask(column.is_null())
        return missing & ~self.unreadable[name].rows if name in self.unreadable else missing


def typed(
    frame: "pd.DataFrame | pa.Table", schema: Schema, origin: object, *, text: bool = False
) -> Typed:
    """Take the features of a schema out of a frame.

    A number may come as any number: 3 for 3.0 in a float column, 3.5 in one that had integers in
    training. With `text`, numbers and truth values may also come as text that spells them.

    Raises UserError for a column of `origin` that is absent, comes twice or has another type as a
    whole.
    """
    names = list(frame.column_names if isinstance(frame, pa.Table) else map(str, frame.columns))
    columns: dict[str, pa.Array | pa.ChunkedArray] = {}
    unreadable: dict[str, Unreadable] = {}
    for name, type_ in feature_types(schema).items():
        where = f"{origin}: column {name}"
        if names.count(name) != 1:
            what = "is missing" if name not in names else "appears more than once"
            found = ", ".join(names) or "no column"
            raise UserError(where, what, found=found, todo="name the columns as in training")
        index = names.index(name)
        values = frame.column(index) if isinstance(frame, pa.Table) else frame.iloc[:, index]
        cells, columns[name] = _read(values, type_, where, text)
        if columns[name].null_count > cells.null_count:
            lost = as_mask(pc.and_(columns[name].is_null(), cells.is_valid()))
            unreadable[name] = Unreadable(lost, cells)
    return Typed(pa.table(columns) if columns else pa.table({"": pa.nulls(len(frame))}), unreadable)


def feature_types(schema: Schema) -> dict[str, pa.DataType]:
    """Return the types that the features have in a design, by column: float64 unless the column is
    a category.
    """
    return {
        name: pa.float64()
        if column.kind == "number" and name not in schema.category_columns
        else pa.type_for_alias(column.type)
        for name, column in schema.features.items()
    }


def _read(
    values: Any, type_: pa.DataType, where: str, text: bool
) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Return a column's cells as they came, and with their type: null where they cannot have it."""
    if text and not isinstance(values, pa.Array | pa.ChunkedArray) and values.dtype == object:
        spelt = _spelt(values, where)
        if not pa.types.is_string(type_):
            return spelt, text_cells.read(spelt, type_)
        return spelt, pc.if_else(pa.array([isinstance(cell, str) for cell in values]), spelt, None)
    cells = _cells(values, type_, where)
    if cells.null_count == len(cells):
        return cells, pa.nulls(len(cells), type_)
    if text and pa.types.is_string(cells.type) and not pa.types.is_string(type_):
        return cells, text_cells.read(cells, type_)
    if pa.types.is_integer(type_) and pa.types.is_floating(cells.type):
        return cells, pc.if_else(_is_whole(cells), cells, None).cast(type_, safe=False)
    return cells, _cast(cells, type_, where)


def _spelt(values: "pd.Series[Any]", where: str) -> pa.Array:
    """Return cells of any Python type, mixed perhaps, as text."""
    missing = values.isna()
    try:
        spelt = [
            None if is_missing else str(cell)
            for cell, is_missing in zip(values, missing, strict=True)
        ]
        return pa.array(spelt, pa.string())
    except UnicodeError as error:
        raise UserError(where, "must hold text that is valid Unicode", found=error) from None


def _cells(values: Any, type_: pa.DataType, where: str) -> pa.Array | pa.ChunkedArray:
    """Return the cells as Arrow has them, text as plain strings."""
    if not isinstance(values, pa.Array | pa.ChunkedArray):
        if (
            values.dtype == object
            and not pa.types.is_boolean(type_)
            and any(isinstance(cell, bool) for cell in values)
        ):
            # Among numbers pyarrow takes a truth value for one.
            raise UserError(where, f"must hold {type_}", found="a truth value")
        values = _from_pandas(values, type_, where)
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    return values.cast(pa.string()) if _is_text(values.type) else values


def _from_pandas(values: "pd.Series[Any]", type_: pa.DataType, where: str) -> pa.Array:
    try:
        # NaN in a frame means missing
        return pa.Array.from_pandas(values)
    except (pa.ArrowException, OverflowError, UnicodeError) as error:
        raise UserError(where, f"must hold {type_}", found=error) from None


def _cast(
    cells: pa.Array | pa.ChunkedArray, type_: pa.DataType, where: str
) -> pa.Array | pa.ChunkedArray:
    """Cast a column as a whole.

    pyarrow would turn text and truth values into numbers, or numbers into truth values, without a
    word.
    """
    tests = (pa.types.is_string, pa.types.is_binary, pa.types.is_boolean)
    if not pa.types.is_null(cells.type) and any(test(type_) != test(cells.type) for test in tests):
        raise UserError(where, f"must hold {type_}", found=f"{cells.type}, such as {_first(cells)}")
    try:
        # Rounding is the purpose when the cell is an integer above 2^53.
        return cells.cast(
            type_, safe=not (pa.types.is_float64(type_) and pa.types.is_integer(cells.type))
        )
    except pa.ArrowException as error:
        raise UserError(where, f"must hold {type_}", found=error) from None


def _first(cells: pa.Array | pa.ChunkedArray) -> Any:
    return next((cell for cell in cells if cell.is_valid), None)


def _is_text(type_: pa.DataType) -> bool:
    return any(
        test(type_)
        for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    )


def _is_whole(cells: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Tell which floats are integers that int64 and float64 both hold exactly."""
    small = pc.less_equal(pc.abs(cells), pa.scalar(2.0**53, cells.type))
    return pc.and_(small, pc.equal(cells, pc.floor(cells)))
