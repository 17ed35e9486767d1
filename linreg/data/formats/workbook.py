"""A sheet of a workbook as rows of cells: .xlsx, .xlsb, .xls and .ods, by python-calamine.

It takes a sixteenth of the time of openpyxl's read-only mode, at twice its memory, for 100,000
rows of 10 columns.
"""

import datetime
import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice, repeat
from pathlib import Path
from typing import Any

from linreg.data.formats.value_kinds import NumberText
from linreg.data.tables.reading_note import ReadingNote
from linreg.errors import UserError

MOST_BYTES = 16 << 30
"""More than any sheet can hold."""
MOST_TIMES = 200
"""How many times as large as its file the content of a workbook above 1 GiB may be."""
_DAMAGED = "open it in the program that wrote it, and save it again"

Cells = list[Any]
"""Cells of a row: NumberText, text, bool, None, or what no column can hold."""


@dataclass(frozen=True)
class Sheet:
    """A sheet, from its first row with a value on to its last one.

    top, left  its first row, and its first column with a value, counted from 0
    cells      the sheet as calamine reads it
    """

    path: Path
    name: str
    top: int
    left: int
    cells: Any
    notes: tuple[ReadingNote, ...]

    def rows(self) -> Iterator[Cells]:
        """Yield the rows; an empty cell is None."""
        num_empty = 0
        for row in islice(self.cells.iter_rows(), self.top, None):
            if _is_empty(row):
                num_empty += 1
                continue
            yield from repeat([None] * len(row), num_empty)
            num_empty = 0
            yield [_value(cell) for cell in row]

    def place(self, column: int, row: int) -> str:
        """Return the name of a cell, such as `cell B3`, from its indices in `rows`."""
        return f"cell {_letters(self.left + column)}{self.top + row + 1}"


def read_sheet(path: Path, name: str | None, skip: int = 0) -> Sheet:
    """Read a sheet, the first one without a name, below its first `skip` rows.

    Raises UserError for a sheet that is absent or empty, for merged cells in its first row, and for
    a workbook that is encrypted, damaged, or made to fill the memory.
    """
    calamine = _calamine(path)
    _refuse_a_bomb(path)
    try:
        workbook = calamine.CalamineWorkbook.from_path(str(path))
        name, notes = _choose(path, workbook, name)
        cells = workbook.get_sheet_by_name(name)
    except calamine.PasswordError:
        todo = "save it without a password"
        raise UserError(path, "is protected by a password", todo=todo) from None
    except (calamine.CalamineError, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        what = "cannot be read as a workbook"
        raise UserError(path, what, found=error, todo=_DAMAGED) from None
    numbered = islice(enumerate(cells.iter_rows()), skip, None)
    top = next((number for number, row in numbered if not _is_empty(row)), None)
    if top is None:
        found = "the sheets " + ", ".join(workbook.sheet_names)
        raise UserError(f"{path}: sheet {name}", "has no cell with a value", found=found)
    # Cells left of the first column with a value are not among those of a row.
    left = cells.start[1]
    merged = _about_merged_cells(path, name, cells.merged_cell_ranges or (), top)
    return Sheet(path, name, top, left, cells, (*notes, *merged))


def _calamine(path: Path) -> Any:
    try:
        import python_calamine
    except ImportError:
        todo = "install what reads it: `pip install 'linreg[excel]'`, or save the sheet as CSV"
        raise UserError(path, "is a workbook", todo=todo) from None
    return python_calamine


def _refuse_a_bomb(path: Path) -> None:
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        num_bytes = sum(member.file_size for member in archive.infolist())
    if num_bytes > max(1 << 30, min(MOST_BYTES, MOST_TIMES * path.stat().st_size)):
        what = f"holds more than {MOST_TIMES} times its size"
        todo = "a workbook like that fills the memory: save the sheet as CSV if it is a table"
        raise UserError(path, what, found=f"{num_bytes} bytes", todo=todo)


def _choose(path: Path, workbook: Any, name: str | None) -> tuple[str, tuple[ReadingNote, ...]]:
    """Return the sheet to read, and a note where it could have been another one."""
    sheets = [each for each in workbook.sheets_metadata if str(each.typ).endswith("WorkSheet")]
    names = [each.name for each in sheets]
    if name is not None:
        if name not in names:
            found = ", ".join(names)
            raise UserError(path, f"has no sheet {name} (ingest.sheet)", found=found)
        return name, ()
    if not names:
        raise UserError(path, "has no sheet of cells", todo="save the table as CSV")
    visible = [each.name for each in sheets if str(each.visible).endswith("Visible")]
    first = (visible or names)[0]
    if len(names) == 1:
        return first, ()
    others = ", ".join(each for each in names if each != first)
    what = f"is read from its sheet {first}, not from {others}"
    return first, (ReadingNote(path.name, what, "ingest.sheet"),)


def _about_merged_cells(
    path: Path, name: str, ranges: Sequence[Any], top: int
) -> Iterator[ReadingNote]:
    """Yield a note about merged cells below the first row; raises UserError for those in it."""
    merged = [each for each in ranges if each[1][0] >= top]
    for first, last in merged:
        cells = f"{_letters(first[1])}{first[0] + 1}:{_letters(last[1])}{last[0] + 1}"
        if first[0] <= top and last[1] > first[1]:
            raise UserError(
                f"{path}: sheet {name}",
                "has merged cells in its first row",
                found=cells,
                todo="give each column a name of its own, or leave a title out by ingest.skip",
            )
    if merged:
        first = merged[0][0]
        cell = f"{_letters(first[1])}{first[0] + 1}"
        what = f"has merged cells, such as at {cell}: all but the first of them are missing cells"
        yield ReadingNote(f"{path.name}: sheet {name}", what)


def _is_empty(row: Sequence[Any]) -> bool:
    return all(cell == "" for cell in row)


def _value(cell: Any) -> Any:
    """Return a cell of calamine as a value; an error such as #DIV/0! is empty there."""
    match cell:
        case "":
            return None
        case bool() | str():
            return cell
        case float() | int():
            return NumberText(repr(cell).removesuffix(".0"))
        case datetime.datetime():
            return cell.isoformat(" ")
        case datetime.date() | datetime.time():
            return cell.isoformat()
    return cell


def _letters(column: int) -> str:
    """Return the name of a column, counted from 0: A to Z, AA, AB and so on."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


_FORMULA_WITHOUT_VALUE = re.compile(
    rb"<c ([^>]*)>\s*<f(?:[^>]*/>|[^>]*>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>"
)
_PIECE_BYTES = 4 << 20
_OVERLAP = 16 << 10


def formula_without_value(path: Path, name: str) -> str:
    """Return the first cell of a sheet of .xlsx whose formula was never computed; '' for none.

    Programs other than spreadsheets write formulas without their values.
    """
    with suppress(zipfile.BadZipFile, KeyError, OSError), zipfile.ZipFile(path) as archive:
        member = _member_of(archive, name)
        with archive.open(member) as file:
            rest = b""
            while piece := file.read(_PIECE_BYTES):
                text = rest + piece
                # Most sheets have no formula: the expression is not tried on them.
                for match in _FORMULA_WITHOUT_VALUE.finditer(text) if b"<f" in text else ():
                    if b't="str"' not in match[1] and (cell := re.search(rb'r="(\w+)"', match[1])):
                        return cell[1].decode()
                rest = text[-_OVERLAP:]
    return ""


def _member_of(archive: zipfile.ZipFile, name: str) -> str:
    """Return the file of a sheet within a workbook; raises KeyError where it is not found."""
    from xml.sax.saxutils import quoteattr

    sheets = archive.read("xl/workbook.xml").decode()
    links = archive.read("xl/_rels/workbook.xml.rels").decode()
    tags = re.findall(r"<(?:\w+:)?sheet [^>]*>", sheets)
    tag = next((tag for tag in tags if f"name={quoteattr(name)}" in tag), "")
    id_ = re.search(r'r:id="(\w+)"', tag)
    if id_ is None:
        raise KeyError(name)
    link = next(tag for tag in re.findall(r"<Relationship [^>]*>", links) if f'"{id_[1]}"' in tag)
    target = re.search(r'Target="([^"]+)"', link)
    if target is None:
        raise KeyError(name)
    return target[1].lstrip("/") if target[1].startswith("/") else f"xl/{target[1]}"
