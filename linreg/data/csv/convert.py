"""CSV files converted to typed Parquet files, in memory bounded by the block.

The types are inferred from the first rows of each file, and the files converted accordingly by
pyarrow, at full speed. When a later cell does not fit, the types are inferred again from all cells,
and the files are converted once more, from text.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from linreg.data.cells.cell_format import CellFormat
from linreg.data.cells.conversion import convert_cells
from linreg.data.csv.dialect import CsvFile
from linreg.data.csv.formats import guess_formats, infer_formats, read_text
from linreg.data.csv.layout_notes import left_out_notes
from linreg.data.csv.rows import LeftOut, read_rows
from linreg.data.csv.type_inference import Candidates, common_schema, format_of_type
from linreg.data.tables.parquet import TableWriter
from linreg.data.tables.progress import with_progress
from linreg.data.tables.reading_note import ReadingNote
from linreg.files import new_file
from linreg.params.ingest import READ_AS_IS, ReadOptions


class ConvertedFiles(NamedTuple):
    """Parquet files with the rows of CSV files, and what a person should know of their reading.

    formats  by column how its cells are written, if not plainly
    """

    paths: Sequence[Path]
    notes: Sequence[ReadingNote]
    formats: Mapping[str, CellFormat]


def csv_to_parquet(
    files: Sequence[CsvFile],
    columns: Sequence[str],
    folder: Path,
    options: ReadOptions = READ_AS_IS,
) -> ConvertedFiles:
    """Convert the named columns of CSV files to Parquet files in `folder`, one per CSV file.

    `options` are those with which their headers were read. All files have the same schema, and all
    rows in their order; missing cells are null. A column without any value is float64. An empty
    line is not a row, except in a file of one column, where it is a missing cell; nor is one of
    empty cells, a comment, or units below the names. Raises UserError, with file and column or data
    row (the first one below the header is 1, and what is no row does not count), for anything that
    is not a table of text.
    """
    for file in files:
        file.require(columns)
    targets = [folder / f"part-{index:05d}.parquet" for index in range(len(files))]
    formats = guess_formats(files, columns, options)
    left_out = [LeftOut() for _ in files]
    if not (formats and _convert_while_reading(files, formats.candidates, targets, left_out)):
        left_out = [LeftOut() for _ in files]
        formats = infer_formats(files, columns, options)
        _convert_from_text(files, formats.candidates, targets, left_out)
    notes = [*_notes(files, left_out), *formats.notes]
    return ConvertedFiles(targets, notes, formats.of_table)


def _notes(files: Sequence[CsvFile], left_out: Sequence[LeftOut]) -> list[ReadingNote]:
    """Return the notes of all files, one for those that are alike."""
    files_by_note: dict[tuple[str, str], list[Path]] = {}
    for file, no_rows in zip(files, left_out, strict=True):
        for note in (*file.notes, *left_out_notes(file.path, no_rows.num_empty, no_rows.footer)):
            files_by_note.setdefault((note.what, note.option), []).append(file.path)
    notes = []
    for (what, option), (first, *others) in files_by_note.items():
        more = f", like {len(others)} other file{'s' if len(others) > 1 else ''}," if others else ""
        notes.append(ReadingNote(f"{first.name}{more}", what, option))
    return notes


def _convert_while_reading(
    files: Sequence[CsvFile],
    guess: Sequence[Candidates],
    targets: Sequence[Path],
    left_out: Sequence[LeftOut],
) -> bool:
    """Convert with pyarrow's own conversion; return whether every cell fits the guess.

    If so, the guess is what all cells would give: the formats of the first rows include those of
    the whole file, and the narrowest of them has proved to fit.
    """
    schema = common_schema(guess)
    try:
        each = zip(files, guess, targets, left_out, strict=True)
        for file, candidates, target, no_rows in each:
            floats = [field.name for field in schema if pa.types.is_floating(field.type)]
            decimals = {format_of_type(candidates[name], pa.float64()).decimal for name in floats}
            if len(decimals) > 1:
                return False
            rows = read_rows(file, schema, next(iter(decimals), "."), no_rows)
            _write(target, schema, with_progress(rows, f"reading {file.path.name}"))
    except pa.ArrowInvalid:
        return False
    return True


def _convert_from_text(
    files: Sequence[CsvFile],
    found: Sequence[Candidates],
    targets: Sequence[Path],
    left_out: Sequence[LeftOut],
) -> None:
    """Convert cells that were read as text, each column with its own decimal separator."""
    schema = common_schema(found)
    each = zip(files, found, targets, left_out, strict=True)
    for file, candidates, target, no_rows in each:
        formats = [format_of_type(candidates[field.name], field.type) for field in schema]
        texts = read_text(file, schema.names, no_rows)
        _write(target, schema, (_convert_table(text, formats, schema) for text in texts))


def _convert_table(text: pa.Table, formats: Sequence[CellFormat], schema: pa.Schema) -> pa.Table:
    columns = zip(text.columns, formats, strict=True)
    return pa.table([convert_cells(cells, format_) for cells, format_ in columns], schema)


def _write(target: Path, schema: pa.Schema, rows: Iterable[pa.Table]) -> None:
    """Write a scratch file: neither a power cut nor a damaged disk matters to it."""
    with (
        new_file(target, flush=False) as partial,
        TableWriter(partial, schema, checksums=False) as writer,
    ):
        for table in rows:
            writer.write(table)
