"""CSV files converted to typed Parquet files, in memory bounded by the block.

The types are inferred from the first rows of each file, and the files converted accordingly by
pyarrow, at full speed. When a later cell does not fit, the types are inferred again from all cells,
and the files are converted once more, from text.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from linreg.data.csv.dialect import CsvFile, read_header
from linreg.data.csv.rows import read_first_rows, read_rows
from linreg.data.csv.type_inference import (
    DECIMAL_COMMA,
    Candidates,
    CellFormat,
    common_schema,
    common_types,
    convert_cells,
    find_candidates,
    format_of_type,
)
from linreg.data.tables.parquet import TableWriter
from linreg.data.tables.progress import with_progress
from linreg.data.tables.reading_note import ReadingNote
from linreg.files import new_file
from linreg.params.ingest import READ_AS_IS, ReadOptions


class ConvertedFiles(NamedTuple):
    """Parquet files with the rows of CSV files, and what a person should know of their reading."""

    paths: Sequence[Path]
    notes: Sequence[ReadingNote]


def csv_columns(path: Path, options: ReadOptions = READ_AS_IS) -> tuple[str, ...]:
    """Return the column names of a CSV file in file order, '' for an unnamed column.

    They are those in its header or those given. Raises UserError like `read_header`.
    """
    return read_header(path, options).names


def csv_to_parquet(
    paths: Sequence[Path], columns: Sequence[str], folder: Path, options: ReadOptions = READ_AS_IS
) -> ConvertedFiles:
    """Convert the named columns of CSV files to Parquet files in `folder`, one per CSV file.

    All have the same schema, and all rows in their order; missing cells are null. A column without
    any value is float64. An empty line is not a row, except in a file of one column, where it is a
    missing cell. Raises UserError, with file and column or data row (the first one below the header
    is 1), for anything that is not a table of UTF-8 text.
    """
    files = [read_header(path, options) for path in paths]
    for file in files:
        for column in columns:
            file.require(column)
    targets = [folder / f"part-{index:05d}.parquet" for index in range(len(files))]
    guess = [_infer_formats(file, columns, first_rows=True) for file in files]
    all_known = all(common_types(guess).values())
    if not (all_known and _convert_while_reading(files, guess, targets)):
        _convert_from_text(files, [_infer_formats(file, columns) for file in files], targets)
    return ConvertedFiles(targets, [note for file in files for note in file.text.notes])


def _infer_formats(
    file: CsvFile, columns: Sequence[str], *, first_rows: bool = False
) -> Candidates:
    """Return the formats of the cells in the first rows, or in all."""
    schema = _as_text(columns)
    tables = read_first_rows(file, schema) if first_rows else _read_text(file, columns)
    return find_candidates(tables, columns, file.has_decimal_commas)


def _convert_while_reading(
    files: Sequence[CsvFile], guess: Sequence[Candidates], targets: Sequence[Path]
) -> bool:
    """Convert with pyarrow's own conversion; return whether every cell fits the guess.

    If so, the guess is what all cells would give: the formats of the first rows include those of
    the whole file, and the narrowest of them has proved to fit.
    """
    schema = common_schema(guess)
    try:
        for file, candidates, target in zip(files, guess, targets, strict=True):
            formats = [format_of_type(each, pa.float64()) for each in candidates.values()]
            decimal = "," if DECIMAL_COMMA in formats else "."
            rows = read_rows(file, schema, decimal)
            _write(target, schema, with_progress(rows, f"reading {file.path.name}"))
    except pa.ArrowInvalid:
        return False
    return True


def _convert_from_text(
    files: Sequence[CsvFile], found: Sequence[Candidates], targets: Sequence[Path]
) -> None:
    """Convert cells that were read as text, each column with its own decimal separator."""
    schema = common_schema(found)
    for file, candidates, target in zip(files, found, targets, strict=True):
        formats = [format_of_type(candidates[field.name], field.type) for field in schema]
        texts = _read_text(file, schema.names)
        _write(target, schema, (_convert_table(text, formats, schema) for text in texts))


def _convert_table(text: pa.Table, formats: Sequence[CellFormat], schema: pa.Schema) -> pa.Table:
    columns = zip(text.columns, formats, strict=True)
    return pa.table([convert_cells(cells, format_) for cells, format_ in columns], schema)


def _read_text(file: CsvFile, columns: Sequence[str]) -> Iterator[pa.Table]:
    rows = read_rows(file, _as_text(columns))
    return with_progress(rows, f"reading {file.path.name} as text")


def _as_text(columns: Sequence[str]) -> pa.Schema:
    return pa.schema([(column, pa.string()) for column in columns])


def _write(target: Path, schema: pa.Schema, rows: Iterable[pa.Table]) -> None:
    """Write a scratch file: neither a power cut nor a damaged disk matters to it."""
    with (
        new_file(target, flush=False) as partial,
        TableWriter(partial, schema, checksums=False) as writer,
    ):
        for table in rows:
            writer.write(table)
