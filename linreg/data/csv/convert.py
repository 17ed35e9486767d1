"""CSV files to typed Parquet files, block by block.

Memory is bounded by the block, whatever the size of the file. A column has the narrowest of these
types that holds every cell of it in all files: int64, float64, bool, date32, timestamp (micro- or
nanoseconds, with or without time zone), else text, which keeps its cells exactly as they are
written. A float64 is the one nearest to all digits of the cell. With the delimiter `;` a column may
write its numbers with a decimal comma.

The types are guessed from the first block of each file and the conversion tried with them, at full
speed. When a later cell does not fit, every cell is looked at, and the files are converted once
more, from text.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.csv.dialect import CsvFile, read_header
from linreg.data.csv.rows import csv_rows
from linreg.data.csv.values import with_point
from linreg.data.csv.words import BLANKS, FALSE, TRUE
from linreg.data.tables.parquet import TableWriter
from linreg.data.tables.progress import with_progress
from linreg.files import new_file


class Kind(NamedTuple):
    """A type that cells can have, and how they write it."""

    type: pa.DataType
    decimal: str = "."


_TEXT = Kind(pa.string())
_COMMA = Kind(pa.float64(), decimal=",")
# the narrowest first
_KINDS = (
    Kind(pa.int64()),
    Kind(pa.float64()),
    _COMMA,
    Kind(pa.bool_()),
    Kind(pa.date32()),
    Kind(pa.timestamp("us")),
    Kind(pa.timestamp("ns")),
    Kind(pa.timestamp("us", "UTC")),
    Kind(pa.timestamp("ns", "UTC")),
)
Possible = Mapping[str, Sequence[Kind]]
"""By column, the kinds that hold every cell seen so far; all of them while only missing cells were
seen.
"""


def csv_columns(path: Path, given_names: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """Return the column names in a CSV file's header, in file order ('' for an unnamed one), or
    those given.

    Raises UserError when the file cannot be read, has no header, or a name stands in it twice.
    """
    return read_header(path, given_names).names


def csv_to_parquet(
    paths: Sequence[Path],
    columns: Sequence[str],
    folder: Path,
    given_names: tuple[str, ...] | None = None,
) -> list[Path]:
    """Convert the named columns of CSV files to Parquet files in `folder`: one per CSV file, same
    order.

    All get one schema; rows keep their order, every row is kept, missing cells are null (a column
    without any value is float64). An empty line is no row, except in a file of one column, where it
    is a missing cell. Files without a header have `given_names`. Raises UserError, with the file
    and the data row (the first after the header is 1) or column, for anything that is not a table
    of UTF-8 text.
    """
    files = [read_header(path, given_names) for path in paths]
    for file in files:
        for column in columns:
            file.require(column)
    targets = [folder / f"part-{index:05d}.parquet" for index in range(len(files))]
    guess = [_possible_kinds(file, columns, num_blocks=1) for file in files]
    if not (all(_types(guess).values()) and _convert_by_type(files, guess, targets)):
        _convert_from_text(files, [_possible_kinds(file, columns) for file in files], targets)
    return targets


def _convert_by_type(
    files: Sequence[CsvFile], guess: Sequence[Possible], targets: Sequence[Path]
) -> bool:
    """Convert with pyarrow's own conversion, unless a cell does not fit the guess; returns whether
    all did.

    A guess that holds is what looking at every cell gives: the kinds possible for the first block
    include those possible for the file, and the narrowest of them proved possible.
    """
    schema = _schema(guess)
    try:
        for file, possible, target in zip(files, guess, targets, strict=True):
            decimal = (
                ","
                if _COMMA in (_kind(kinds, pa.float64()) for kinds in possible.values())
                else "."
            )
            _write(
                target,
                schema,
                with_progress(csv_rows(file, schema, decimal), f"reading {file.path.name}"),
            )
    except pa.ArrowInvalid:
        return False
    return True


def _convert_from_text(
    files: Sequence[CsvFile], found: Sequence[Possible], targets: Sequence[Path]
) -> None:
    """Convert cells as text, free of blanks around them, each column by its own decimal sign."""
    schema = _schema(found)
    for file, possible, target in zip(files, found, targets, strict=True):
        kinds = [_kind(possible[field.name], field.type) for field in schema]
        rows = (
            pa.table([_typed(*cells) for cells in zip(text.columns, kinds, strict=True)], schema)
            for text in _text_rows(file, schema.names)
        )
        _write(target, schema, rows)


def _write(target: Path, schema: pa.Schema, rows: Iterable[pa.Table]) -> None:
    with new_file(target) as partial, TableWriter(partial, schema) as writer:
        for part in rows:
            writer.write(part)


def _possible_kinds(
    file: CsvFile, columns: Sequence[str], num_blocks: int | None = None
) -> Possible:
    """Find the kinds that hold every cell of the first blocks (of all, without a number)."""
    kinds = [kind for kind in _KINDS if kind is not _COMMA or file.delimiter == ";"]
    possible = dict.fromkeys(columns, kinds)
    for rows in islice(_text_rows(file, columns), num_blocks):
        for column in columns:
            values = rows[column].drop_null()
            possible[column] = [kind for kind in possible[column] if _fits(values, kind)]
    return possible


def _types(possible: Sequence[Possible]) -> dict[str, pa.DataType | None]:
    """Find the narrowest type of each column over all files; None where no value was seen."""
    every_type = {kind.type for kind in _KINDS}
    types: dict[str, pa.DataType | None] = {}
    for column in possible[0]:
        common = every_type.intersection(
            *({kind.type for kind in kinds[column]} for kinds in possible)
        )
        narrowest = next((kind for kind in _KINDS if kind.type in common), _TEXT)
        types[column] = None if common == every_type else narrowest.type
    return types


def _schema(possible: Sequence[Possible]) -> pa.Schema:
    return pa.schema([(column, kind or pa.float64()) for column, kind in _types(possible).items()])


def _kind(possible: Sequence[Kind], wanted: pa.DataType) -> Kind:
    """Tell how a file's column writes the wanted type."""
    return next((kind for kind in possible if kind.type == wanted), Kind(wanted))


def _fits(values: pa.ChunkedArray, kind: Kind) -> bool:
    try:
        _typed(
            values[:16],
            kind,
            # a cast that fails does not stop at the first cell, and takes very long
        )
        _typed(values, kind)
    except pa.ArrowInvalid:
        return False
    return True


def _typed(cells: pa.ChunkedArray, kind: Kind) -> pa.ChunkedArray:
    """Convert text, as pyarrow's CSV conversion would; raises ArrowInvalid when a cell is of
    another kind.
    """
    if kind == _TEXT:
        return cells
    cells = pc.ascii_trim(cells, BLANKS)
    if kind.type == pa.bool_():
        return _truth(cells)
    if kind == _COMMA:
        cells = with_point(cells)
    return pc.cast(cells, kind.type)


def _truth(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    true, false = (pc.is_in(cells, pa.array(words)) for words in (TRUE, FALSE))
    if pc.any(pc.invert(pc.or_(pc.or_(true, false), pc.is_null(cells)))).as_py():
        raise pa.ArrowInvalid("not a truth value")
    return pc.if_else(pc.is_null(cells), None, true)


def _text_rows(file: CsvFile, columns: Sequence[str]) -> Iterator[pa.Table]:
    rows = csv_rows(file, pa.schema([(column, pa.string()) for column in columns]))
    return with_progress(rows, f"reading {file.path.name} as text")
