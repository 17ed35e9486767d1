"""Columns typed as times: those that `ingest.dates` names, and the one to split by in time.

A column of text is sorted by time only if its cells have one reading as times, over the whole
column. Otherwise rows of the future could be trained on, so it is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from linreg.arrays import Floats
from linreg.data.cells.numbers import parse_cells
from linreg.data.csv.header import suggest_name
from linreg.data.dates.columns import DateColumn, given_date_column, without_missing_words
from linreg.data.dates.digits import are_years_and_months, formats_in_other_order, may_be_dates
from linreg.data.dates.recognition import Doubt, iso_type, recognise_times
from linreg.data.source import Source
from linreg.data.tables.arrays import as_floats
from linreg.data.tables.reading_note import ReadingNote
from linreg.data.typed_table import TypedTable
from linreg.errors import UserError

_MOST_READINGS = 3
_NO_TIME = "is no time that is recognised, as split.by needs it to sort by time"


def with_times(
    table: TypedTable, formats: Mapping[str, str], source: Source, split_by: str
) -> TypedTable:
    """Return a table with the dates that `ingest.dates` names and the time that rows are split by.

    Raises UserError like the two functions below.
    """
    table = with_given_dates(table, formats, source)
    if not split_by.startswith("time:"):
        return table
    return in_time_order(table, split_by.removeprefix("time:"))


def with_given_dates(table: TypedTable, formats: Mapping[str, str], source: Source) -> TypedTable:
    """Return a table in which the columns that `ingest.dates` names are times.

    Raises UserError for a column that the source does not have, and for a format that tells no
    time. Cells that do not fit are errors when they are read.
    """
    for name, text in formats.items():
        if name not in source.columns:
            where = f"params.yaml: ingest.dates: {name}"
            available = [each for each in source.columns if each]
            todo = suggest_name(name, available)
            what = "is not a column of the table"
            raise UserError(where, what, found=", ".join(available), todo=todo)
        type_ = table.schema.field(name).type if name in table.schema.names else pa.string()
        column = given_date_column(name, text, type_)
        if name in table.schema.names:
            table = _with_dates(table, name, column)
    return table


def in_time_order(table: TypedTable, name: str) -> TypedTable:
    """Return a table in which a column sorts by time, as `split.by` needs it.

    Raises UserError, with a cell, for text without exactly one reading as times.
    """
    type_ = table.schema.field(name).type
    if pa.types.is_string(type_):
        cells = _distinct(table, name)
        return _text_in_time_order(table, name, cells) if len(cells) else table
    if pa.types.is_integer(type_) or pa.types.is_floating(type_):
        numbers = _distinct_numbers(table, name)
        if len(numbers):
            return _numbers_in_time_order(table, name, DateColumn(type_, type_), numbers)
    return table


def _text_in_time_order(table: TypedTable, name: str, cells: pa.Array) -> TypedTable:
    text = pa.string()
    trimmed = pc.utf8_trim_whitespace(cells)
    if iso := iso_type(trimmed):
        return _with_dates(table, name, DateColumn(text, iso))
    numbers = parse_cells(trimmed, pa.float64())
    if not numbers.null_count:
        is_whole = not parse_cells(trimmed, pa.int64()).null_count
        plain = DateColumn(text, pa.int64() if is_whole else pa.float64())
        return _numbers_in_time_order(table, name, plain, as_floats(numbers))
    found = recognise_times(cells)
    if isinstance(found, Doubt):
        raise _doubt_error(table, name, found)
    shown = found.format.parse(pa.array([found.cell]))[0]
    notes: tuple[ReadingNote, ...] = ()
    if found.others:
        notes += (_note(name, f"is read as times, {found.cell!r} as {shown}"),)
    if found.format.is_clock:
        notes += (_note(name, "has no dates, and is sorted as the times of one day"),)
    return _with_dates(table, name, DateColumn(text, found.format.type, found.format), notes)


def _numbers_in_time_order(
    table: TypedTable, name: str, plain: DateColumn, numbers: Floats
) -> TypedTable:
    """Return the column as the numbers that it holds, or as dates if their year comes last."""
    if are_years_and_months(numbers):
        what = "is a number in which January and October, .1 and .10, are the same"
        raise _error(table, name, _first_cell(table, name), what, ["%Y.%m"])
    formats = formats_in_other_order(numbers)
    if not formats:
        return table if plain.type == plain.cells else _with_dates(table, name, plain)
    cell = _first_cell(table, name)
    texts = [each.text for each in formats]
    if len(formats) > 1 or "y" in formats[0].directives:
        raise _error(
            table, name, cell, "may be a date that does not sort by time as a number", texts
        )
    column = DateColumn(plain.cells, formats[0].type, formats[0])
    notes = (_note(name, f"is read as times written as {texts[0]} ({cell})"),)
    return _with_dates(table, name, column, notes)


def _doubt_error(table: TypedTable, name: str, doubt: Doubt) -> UserError:
    cell = doubt.cell
    meanings, formats = [], []
    for reading in doubt.readings:
        spelled = reading.spell(cell)
        meaning = "of no year"
        if reading.directives & set("YyG"):
            formats.append(spelled)
            meaning = str(reading.parse(pa.array([cell]))[0])
        meanings.append(f"{meaning} as {spelled}")
    if len(meanings) > 1:
        what = f"could be {' or '.join(meanings[:_MOST_READINGS])}"
    elif formats:
        what = "is a time with two digits of a year"
    elif meanings:
        what = "is a time of no year, which has no order over several years"
    else:
        what = _NO_TIME
    return _error(table, name, cell, what, formats)


def _error(
    table: TypedTable, name: str, cell: object, what: str, formats: Sequence[str]
) -> UserError:
    """Return the error for a column, at the first row that has a cell."""
    todo = (
        "write dates as 2024-12-31, name their format in ingest.dates, or split by another column"
    )
    if formats:
        choices = " or ".join(f'"{each}"' for each in formats[:_MOST_READINGS])
        todo = f"set ingest.dates: {{{name}: {choices}}}, or write dates as 2024-12-31"
    elif what == _NO_TIME and not any(each.isdigit() for each in str(cell)):
        todo = f"if it stands for a missing cell, add it to ingest.missing_words; otherwise {todo}"
    for chunk in _only(table, name).chunks():
        row = pc.index(chunk.rows.column(name), cell).as_py()
        if row >= 0:
            where = f"{chunk.origin}: row {chunk.first_row + row}: column {name}"
            return UserError(where, what, found=repr(cell), todo=todo)
    raise AssertionError("the table has the cell")


def _note(name: str, what: str) -> ReadingNote:
    return ReadingNote(f"column {name}", what, "ingest.dates")


def _only(table: TypedTable, name: str) -> TypedTable:
    """Return the table with one column."""
    return replace(table, schema=pa.schema([table.schema.field(name)]))


def _distinct(table: TypedTable, name: str) -> pa.Array:
    """Return the distinct cells of a column in the order in which they first occur."""
    distinct = [pc.unique(chunk.rows.column(name)) for chunk in _only(table, name).chunks()]
    cells = pc.unique(pa.chunked_array(distinct, table.schema.field(name).type))
    return without_missing_words(cells).drop_null()


def _distinct_numbers(table: TypedTable, name: str) -> Floats:
    """Return the distinct numbers of a column, none once some of them cannot be dates."""
    numbers: list[Floats] = []
    for chunk in _only(table, name).chunks():
        of_chunk = np.unique(as_floats(chunk.rows.column(name).drop_null()))
        if len(of_chunk) and not may_be_dates(of_chunk):
            return np.empty(0)
        numbers.append(of_chunk)
    return np.unique(np.concatenate(numbers)) if numbers else np.empty(0)


def _first_cell(table: TypedTable, name: str) -> object:
    cells = (cell for chunk in _only(table, name).chunks() for cell in chunk.rows.column(name))
    return next(cell.as_py() for cell in cells if cell.is_valid)


def _with_dates(
    table: TypedTable, name: str, column: DateColumn, notes: tuple[ReadingNote, ...] = ()
) -> TypedTable:
    index = table.schema.get_field_index(name)
    return replace(
        table,
        schema=table.schema.set(index, pa.field(name, column.type)),
        dates={**table.dates, name: column},
        notes=table.notes + notes,
    )
