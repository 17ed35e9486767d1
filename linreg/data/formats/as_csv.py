"""JSON and workbooks rewritten as CSV, so that a cell has the same one reading in every format.

What numbers, dates, truth values and missing cells are, and what is said about them, is then what
the reader of CSV files says.
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from linreg.data.formats.json_rows import open_json, read_objects, survey_objects
from linreg.data.formats.value_kinds import ColumnKinds, NumberText
from linreg.data.formats.workbook import formula_without_value, read_sheet
from linreg.data.tables.reading_note import ReadingNote
from linreg.errors import UserError
from linreg.params.ingest import ReadOptions

MISSING_WORD = "NA"


class Rewritten(NamedTuple):
    """What is known of a file after it was rewritten as CSV.

    columns  the kinds of the cells of each column, in the order of the file
    """

    columns: Sequence[ColumnKinds]
    notes: tuple[ReadingNote, ...]

    def unreadable(self, names: Sequence[str]) -> dict[str, str]:
        """Return by the name of a column why it cannot be read."""
        named = zip(names, self.columns, strict=False)
        return {name: kinds.unreadable for name, kinds in named if kinds.unreadable}

    def notes_about(self, path: Path, names: Sequence[str]) -> Iterator[ReadingNote]:
        """Yield what a person should know of the file."""
        yield from self.notes
        for name, kinds in zip(names, self.columns, strict=False):
            if kinds.number_as_text and not kinds.unreadable:
                what = f"holds numbers stored as text, such as {kinds.number_as_text}"
                yield ReadingNote(f"{path.name}: column {name}", what)


def csv_options(options: ReadOptions) -> ReadOptions:
    """Return how the rewritten files are read."""
    decimal = options.decimal or ("," if options.thousands == "." else ".")
    layout = {"encoding": None, "skip": 0, "comment": None, "sheet": None}
    delimiter = ";" if decimal == "," else ","
    return options.model_copy(update={**layout, "decimal": decimal, "delimiter": delimiter})


def json_to_csv(path: Path, target: Path, options: ReadOptions) -> Rewritten:
    """Rewrite a JSON file: once read for its columns, and again for its rows.

    A key that a row lacks is a missing cell there.
    """
    file = open_json(path, options)
    columns = survey_objects(path, read_objects(file))
    with _new_csv(target, options) as writer:
        writer.writerow(columns)
        signs = csv_options(options)
        for row in read_objects(file):
            cells = [_spelled(row.get(name), signs) for name in columns]
            # An object without values is a row, unlike a line of delimiters in a CSV file.
            writer.writerow(cells if any(cells) else [MISSING_WORD, *cells[1:]])
    return Rewritten(tuple(columns.values()), file.notes)


def sheet_to_csv(path: Path, target: Path, options: ReadOptions) -> Rewritten:
    """Rewrite a sheet of a workbook."""
    sheet = read_sheet(path, options.sheet, options.skip)
    columns: list[ColumnKinds] = []
    signs = csv_options(options)
    with _new_csv(target, options) as writer:
        for number, row in enumerate(sheet.rows()):
            writer.writerow([_spelled(cell, signs) for cell in row])
            for column in range(len(columns), len(row)):
                place = partial(sheet.place, column)
                columns.append(ColumnKinds(place, has_header=options.names is None))
            for kinds, cell in zip(columns, row, strict=False):
                kinds.see(cell, number)
    notes = sheet.notes
    if cell := formula_without_value(path, sheet.name):
        what = f"has formulas without a value, such as in cell {cell}: they are missing cells"
        notes += (ReadingNote(f"{path.name}: sheet {sheet.name}", what),)
    return Rewritten(columns, notes)


@contextmanager
def messages_about(originals: Mapping[Path, Path]) -> Iterator[None]:
    """Let a UserError about a rewritten file name the user's file, which is in `originals`."""
    try:
        yield
    except UserError as error:
        error.args = (renamed(str(error), originals),)
        raise


def renamed(text: str, originals: Mapping[Path, Path]) -> str:
    """Return a message with the names of the user's files in place of those rewritten."""
    for rewritten, original in originals.items():
        text = text.replace(str(rewritten), str(original))
    return text


@contextmanager
def _new_csv(target: Path, options: ReadOptions) -> Iterator[Any]:
    with target.open("w", encoding="utf-8", newline="") as file:
        delimiter = csv_options(options).delimiter or ","
        yield csv.writer(file, delimiter=delimiter, lineterminator="\n")


def _spelled(value: Any, signs: ReadOptions) -> str:
    """Return a value as a cell of CSV."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case NumberText():
            return value.replace(".", ",") if signs.decimal == "," else value
        case str():
            return value
        case dict() | list():
            return json.dumps(value)
    return str(value)
