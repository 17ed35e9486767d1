"""The formats of the columns of a table, inferred from its files."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa

from linreg.data.cells.cell_format import CellFormat
from linreg.data.cells.file_signs import (
    Evidence,
    FileSigns,
    are_ambiguous,
    notes_about,
    shown_signs,
    usual_decimal,
)
from linreg.data.csv.dialect import CsvFile
from linreg.data.csv.rows import LeftOut, read_first_rows, read_rows
from linreg.data.csv.type_inference import (
    Candidates,
    common_schema,
    common_types,
    find_candidates,
    find_evidence,
    format_of_type,
)
from linreg.data.tables.progress import with_progress
from linreg.data.tables.reading_note import ReadingNote
from linreg.errors import UserError
from linreg.params.ingest import ReadOptions


class InferredFormats(NamedTuple):
    """The formats of the columns of a table.

    candidates  by file, the formats that its columns may have
    of_table    by column how the table writes its cells, if not plainly
    notes       what a person should know about the formats
    is_open     whether further cells may show what these do not: a decimal sign, a value
    """

    candidates: Sequence[Candidates]
    of_table: Mapping[str, CellFormat]
    notes: Sequence[ReadingNote]
    is_open: bool


def guess_formats(
    files: Sequence[CsvFile], columns: Sequence[str], options: ReadOptions
) -> InferredFormats | None:
    """Infer from the first rows; None where these do not tell or pyarrow cannot convert."""
    try:
        guess = infer_formats(files, columns, options, first_rows=True)
    except UserError:
        # Later cells may show the decimal sign.
        return None
    types = common_types(guess.candidates)
    is_plain = all(
        type_ and format_of_type(each[name], type_).is_plain
        for each in guess.candidates
        for name, type_ in types.items()
    )
    return guess if is_plain and not guess.is_open else None


def infer_formats(
    files: Sequence[CsvFile],
    columns: Sequence[str],
    options: ReadOptions,
    *,
    first_rows: bool = False,
) -> InferredFormats:
    """Return the formats of the cells in the first rows, or in all.

    Raises UserError for numbers that allow two readings if nothing decides.
    """
    found = [_find_evidence(file, columns, options, first_rows) for file in files]
    shown = [shown_signs(evidence) for evidence in found]
    # A file that does not show its sign has that of the others.
    all_shown = {decimal for each in shown for decimal in each}
    known = all_shown.pop() if len(all_shown) == 1 else None
    signs = [
        FileSigns(each, known, usual_decimal(file.delimiter))
        for file, each in zip(files, shown, strict=True)
    ]
    each_file = list(zip(files, found, signs, strict=True))
    candidates = [
        find_candidates(evidence, columns, sign, file.path) for file, evidence, sign in each_file
    ]
    schema = common_schema(candidates)
    of_table: dict[str, CellFormat] = {}
    notes: dict[ReadingNote, None] = {}
    for evidence, sign, each in zip(found, signs, candidates, strict=True):
        formats = {field.name: format_of_type(each[field.name], field.type) for field in schema}
        notes |= dict.fromkeys(notes_about(evidence, formats, sign))
        special = {name: each for name, each in formats.items() if each != CellFormat(each.type)}
        of_table = {**special, **of_table}
    is_open = any(
        (are_ambiguous(each) and not known)
        or any(column.words and not column.has_values for column in each.values())
        for each in found
    )
    return InferredFormats(candidates, of_table, list(notes), is_open)


def _find_evidence(
    file: CsvFile, columns: Sequence[str], options: ReadOptions, first_rows: bool
) -> Evidence:
    """Return what columns show; the other columns of the file, too, if these are ambiguous."""
    read = _read_first_text if first_rows else read_text
    evidence = find_evidence(read(file, columns), columns, options)
    read_already = {"", *columns}
    counts = Counter(file.names)
    others = [name for name in file.names if counts[name] == 1 and name not in read_already]
    if others and are_ambiguous(evidence):
        evidence = {**evidence, **find_evidence(read(file, others), others, options)}
    return evidence


def read_text(
    file: CsvFile, columns: Sequence[str], left_out: LeftOut | None = None
) -> Iterator[pa.Table]:
    """Yield columns as text, at most a block at a time; rows of empty cells are counted."""
    rows = read_rows(file, _as_text(columns), left_out=left_out)
    return with_progress(rows, f"reading {file.path.name} as text")


def _read_first_text(file: CsvFile, columns: Sequence[str]) -> Iterator[pa.Table]:
    return read_first_rows(file, _as_text(columns))


def _as_text(columns: Sequence[str]) -> pa.Schema:
    return pa.schema([(column, pa.string()) for column in columns])
