"""Rows on disk seen through a design: X and y, one window at a time."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from linreg.data.formula.design import Design
from linreg.data.tables.arrays import as_floats
from linreg.data.tables.integrity import require_same_table, seal_hash
from linreg.data.tables.parquet import TableFile
from linreg.data.tables.prefetch import prefetch
from linreg.errors import UserError
from linreg.files import read_document
from linreg.process.workers import ALONE, Workers

Floats = NDArray[np.float64]

KEPT_BYTES = 128 << 20
"""Windows are kept in memory, as float64, up to this size: those of all training shards of a
process together, and those of validation and of test up to as much each. Files beyond it are read
again in each pass, the next window while this one is worked on, which changes no result."""


class Chunk(NamedTuple):
    """Some consecutive rows: X (n, M), y (n,) and, where rows are weighed, w (n,); all float64."""

    X: Floats
    y: Floats
    w: Floats | None = None


class Rows:
    """The rows of one table file as windows of X and y; a window is a row group.

    Iterating visits the windows in `own`: all of them, or this process's share.

    Raises UserError when the file lacks a column of the design: it was made for another formula or
    source.
    """

    def __init__(self, path: Path, design: Design) -> None:
        self._table, self._design = TableFile(path), design
        for name, column in design.schema.columns.items():
            if (
                name not in self._table.schema.names
                or str(self._table.schema.field(name).type) != column.type
            ):
                raise UserError(
                    f"{path}: column {name}",
                    f"must be there with type {column.type}, as the formula needs it",
                    found=self._table.schema.to_string(),
                    todo="run `dvc repro`: it belongs to other parameters",
                )
        self.path, self.num_rows, self.num_chunks = (
            path,
            self._table.num_rows,
            self._table.num_row_groups,
        )
        lengths = [self.chunk_length(index) for index in range(self.num_chunks)]
        self._first_rows = list(accumulate(lengths, initial=1))
        self.own = range(self.num_chunks)

    @property
    def own(self) -> range:
        """The windows that iterating visits."""
        return self._own

    @own.setter
    def own(self, chunks: range) -> None:
        self._own = chunks
        self.keep_within(KEPT_BYTES)

    def keep_within(self, num_bytes: int) -> int:
        """Keep our own windows in memory, and no others, if they take no more than this; returns
        what they take, or 0.

        That is 8 bytes for each row and column of X, y and w, whether rows are weighed or not.
        """
        self._kept: dict[int, Chunk] = {}
        num_rows = sum(self.chunk_length(index) for index in self.own)
        needed = num_rows * 8 * (len(self._design.names) + 2)
        self._keeps = needed <= num_bytes
        return needed if self._keeps else 0

    def chunk_length(self, index: int) -> int:
        """Return the number of rows of one window, without reading it."""
        return self._table.row_group_length(index)

    def chunk(self, index: int) -> Chunk:
        """Return one window; raises UserError, with file and row, for cells that the design cannot
        take.
        """
        if index in self._kept:
            return self._kept[index]
        table = self._table.row_group(index)
        first_row = self._first_rows[index]
        weights = self._design.schema.weights
        chunk = Chunk(
            self._design.matrix(table, self.path, first_row),
            self._design.target(table, self.path, first_row),
            as_floats(table.column(weights)) if weights else None,
        )
        if self._keeps and index in self.own:
            self._kept[index] = chunk
        return chunk

    def __iter__(self) -> Iterator[Chunk]:
        chunks = (self.chunk(index) for index in self.own)
        return chunks if self._keeps else prefetch(chunks)


def shard_files(split: Path, *beside: Path) -> list[Path]:
    """Return the files of the training rows that the split stage has written.

    Raises UserError unless all files of the split are there and are those that split.json names,
    and `beside`, documents that ingest has written, are about the table that was split.
    """
    require_same_table(split / "split.json", *beside)
    document = read_document(split / "split.json")
    for name, expected in document["files"].items():
        path = split / name
        # which compares the file with its seal
        TableFile(path)
        if (found := seal_hash(path)) != expected:
            raise UserError(
                path,
                "is of another split than split.json",
                found=f"a seal with MD5 {found}",
                todo="run `dvc repro` to make it again",
            )
    return [
        split / "train" / f"shard-{index:05d}.parquet" for index in range(len(document["shards"]))
    ]


def groups_of(paths: Sequence[Path], workers: Workers = ALONE) -> Iterator[pa.Table]:
    """Read the row groups of files, of which every process owns whole files."""
    return prefetch(
        rows
        for index in workers.own_range(len(paths))
        for rows in TableFile(paths[index]).row_groups()
    )


def whole_shards(paths: Sequence[Path], design: Design, workers: Workers = ALONE) -> list[Rows]:
    """Return the rows of each file, of which every process owns whole files."""
    files = [Rows(path, design) for path in paths]
    room = KEPT_BYTES
    for index, rows in enumerate(files):
        rows.own = range(rows.num_chunks if index in workers.own_range(len(files)) else 0)
        room -= rows.keep_within(room)
    return files


def divided(path: Path, design: Design, workers: Workers = ALONE) -> Rows:
    """Return the rows of a file, of which every process owns some windows."""
    rows = Rows(path, design)
    rows.own = workers.own_range(rows.num_chunks)
    return rows
