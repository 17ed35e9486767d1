"""Errors for text where the formula needs something else, with the cell that made a column text."""

import re
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.cells.numbers import parse_cells
from linreg.data.formula.grammar.tokens import quote_name
from linreg.data.formula.schema import Schema
from linreg.data.ingest.profile import ColumnProfile, Profiles
from linreg.data.ingest.text_formats import MOSTLY, TextContent, TextFormats
from linreg.data.tables.reading_note import ReadingNote
from linreg.data.typed_table import TypedTable
from linreg.errors import UserError

_LIKE_NUMBER = r"\W{0,3}[\d²³¹½¼¾]"


def check_is_category(table: TypedTable, name: str, profile: ColumnProfile) -> None:
    """Raise UserError for text that looks like numbers or dates, or has few repeated values.

    `linreg use` leaves out the same columns (linreg.setup.column_checks).
    """
    if not profile.count or not pa.types.is_string(profile.type):
        return
    content = None
    if profile.levels is not None:
        content = TextFormats.of_levels(profile.levels).content
    if content is None and not profile.is_free_text:
        return
    # Only now that there is an error is the table read again, for the places of the cells.
    formats = TextFormats()
    for chunk in table.chunks():
        formats.update(chunk, name)
    if formats.content is not None:
        raise _content_error(table, name, formats, formats.content)
    raise UserError(
        first_text(table, name),
        "is text with few repeated values, not a category",
        found=profile.min,
        todo=f"correct the cell, or write C({quote_name(name)}) if every value is a level",
    )


def with_notes_about_categories(
    table: TypedTable, schema: Schema, profiles: Profiles
) -> TypedTable:
    """Return a table with a note for each column that is a category for text such as `5k`."""
    names = [
        factor["factor"]
        for term in schema.terms
        for factor in term
        if factor["kind"] == "category" and [factor["factor"]] == factor["columns"]
    ]
    notes = []
    for name in dict.fromkeys(names):
        levels = profiles[name].levels
        if pa.types.is_string(profiles[name].type) and levels:
            like_numbers = [level for level in levels if re.match(_LIKE_NUMBER, level)]
            if sum(levels[level] for level in like_numbers) > MOSTLY * profiles[name].count:
                cell = like_numbers[0]
                what = f"is used as a category, as {cell!r} is no number; C() says that it is right"
                notes.append(ReadingNote(f"column {name}", what))
    return replace(table, notes=(*table.notes, *notes))


def first_text(table: TypedTable, name: str) -> str:
    """Return where the first cell is that is not a number, and so made the whole column text."""
    for chunk in table.chunks():
        column = chunk.rows.column(name)
        if pa.types.is_string(column.type):
            numbers = parse_cells(column, pa.float64())
            row = pc.index(pc.and_(column.is_valid(), numbers.is_null()), True).as_py()
            if row >= 0:
                place = f"{chunk.origin}: row {chunk.row_number(row)}"
                return f"{place}: column {name}: {column[row].as_py()!r}"
    return f"{table.first_file}: column {name}"


def _content_error(
    table: TypedTable, name: str, formats: TextFormats, content: TextContent
) -> UserError:
    """Return the error for text that stands for numbers or dates."""
    as_category = f"or write C({quote_name(name)}) if it is a category"
    if content == "number":
        return UserError(
            f"{table.first_file}: column {name}",
            "contains numbers stored as text",
            todo=f"convert it to numbers, {as_category}",
        )
    cell = formats.first_not_number
    if content == "formatted number":
        cell = formats.first_not_plain
        what = "is a formatted number, which makes the column text"
        todo = f"write plain numbers, such as 1200.5, {as_category}"
    elif content == "date":
        what = "is a date or a time as text, which is no feature by itself"
        todo = (
            f"take a part of it, as in days({quote_name(name)}), with its format in ingest.dates,"
            f" leave the column out of model.formula, {as_category}"
        )
    else:
        what = f"is not a number, unlike {formats.numbers} of the column's {formats.count} cells"
        todo = (
            f"correct it, name it in ingest.missing_words if it stands for a missing cell,"
            f" {as_category}"
        )
    assert cell is not None, "a column of another content than numbers has such a cell"
    return UserError(f"{cell.place}: column {name}: {cell.text!r}", what, todo=todo)
