"""Text where the formula asks for something else, refused with the cell that made its column
text.
"""

import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.csv.values import parse_cells
from linreg.data.formula.formula import quote_name
from linreg.data.profile import ColumnProfile
from linreg.data.source import TypedTable
from linreg.data.text_formats import Meaning, Writing
from linreg.errors import UserError


def refuse_unless_category(table: TypedTable, name: str, profile: ColumnProfile) -> None:
    """Raise UserError for a text column that was meant as numbers or dates, or whose values hardly
    repeat.

    `linreg use` leaves out the same columns (linreg.setup.column_checks).
    """
    if not profile.count or not pa.types.is_string(profile.type):
        return
    meaning = Writing.of_levels(profile.levels).meaning if profile.levels is not None else None
    if meaning is None and not profile.is_free_text:
        return
    # once more, now with the places of the cells
    writing = Writing()
    for part in table.parts():
        writing.read(part, name)
    if writing.meaning is not None:
        raise _meant_otherwise(table, name, writing, writing.meaning)
    raise UserError(
        first_text(table, name),
        "is text whose values hardly repeat, no category",
        found=profile.min,
        todo=f"correct the cell, or write C({quote_name(name)}) if every value is a level",
    )


def first_text(table: TypedTable, name: str) -> str:
    """Return where the first cell of a text column is that is no number: it made the whole column
    text.
    """
    for part in table.parts():
        column = part.rows.column(name)
        if pa.types.is_string(column.type):
            is_text = pc.and_(column.is_valid(), parse_cells(column, pa.float64()).is_null())
            row = pc.index(is_text, True).as_py()
            if row >= 0:
                return f"{part.origin}: row {part.first_row + row}: column {name}: {column[row].as_py()!r}"
    return f"{table.files[0][1]}: column {name}"


def _meant_otherwise(table: TypedTable, name: str, writing: Writing, meaning: Meaning) -> UserError:
    category = f"or write C({quote_name(name)}) if it is a category"
    if meaning == "number":
        what, todo = "holds numbers as text", f"make a number of it, {category}"
        return UserError(f"{table.files[0][1]}: column {name}", what, todo=todo)
    if meaning == "dressed number":
        place, cell = writing.undressed or ("", "")
        what, todo = (
            "is text because of how the number is written",
            f"write it plainly, such as 1200.5, {category}",
        )
    elif meaning == "date":
        place, cell = writing.odd or ("", "")
        what = "is a date, which is no feature"
        todo = f"leave the column out of model.formula (written as 2024-12-31 it can be used in split.by), {category}"
    else:
        place, cell = writing.odd or ("", "")
        what = f"is no number, as {writing.dressed} of the column's {writing.count} cells are"
        todo = f"correct it (a missing cell is empty, NA or ?), {category}"
    return UserError(f"{place}: column {name}: {cell!r}", what, todo=todo)
