"""The rows of a table file as the numbers that a model is fitted to: X, y and weights."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from linreg.arrays import Floats, Mask
from linreg.data.formula.coercion import CoercedTable
from linreg.data.formula.compact_matrix import DesignMatrix, Layout
from linreg.data.formula.design import Design
from linreg.data.formula.row_errors import RaisingHandler
from linreg.data.tables.arrays import as_floats
from linreg.data.tables.parquet import TableFile
from linreg.data.tables.prefetch import prefetch
from linreg.errors import UserError
from linreg.params.model import WeightsKind

CACHE_BYTES = 128 << 20
"""The size up to which chunks are cached in memory: those of all training shards of a process
together, and those of validation and of test up to as much each. Other files are read again in each
pass, which changes no result.
"""


class Chunk(NamedTuple):
    """Consecutive rows: X (n, M), y (n,) and, if rows have weights, w (n,); all float64."""

    X: DesignMatrix
    y: Floats
    w: Floats | None = None

    @property
    def target(self) -> Floats:
        """The target (n,) as the table has it."""
        return self.y

    def as_target(self, values: Floats) -> Floats:
        """Return predictions (n,) of y as predictions of the target."""
        return values

    def unweighted(self) -> "Chunk":
        """Return the rows without their weights."""
        return Chunk(self.X, self.y)

    def take(self, rows: Mask) -> "Chunk":
        """Return some of the rows."""
        return Chunk(self.X[rows], self.y[rows], None if self.w is None else self.w[rows])


class ChunkWithOffset(Chunk):
    """Rows with an offset (n,), which predictions add: y is the target less the offset."""

    offset: Floats

    @classmethod
    def of_target(cls, chunk: Chunk, offset: Floats) -> "ChunkWithOffset":
        """Return the rows of a chunk whose y is still the target."""
        return cls._with_offset(Chunk(chunk.X, chunk.y - offset, chunk.w), offset)

    @property
    def target(self) -> Floats:
        """The target (n,) as the table has it, but for rounding."""
        return self.y + self.offset

    def as_target(self, values: Floats) -> Floats:
        """Return predictions (n,) of y as predictions of the target."""
        return values + self.offset

    def unweighted(self) -> Chunk:
        """Return the rows without their weights."""
        return self._with_offset(super().unweighted(), self.offset)

    def take(self, rows: Mask) -> Chunk:
        """Return some of the rows."""
        return self._with_offset(super().take(rows), self.offset[rows])

    @classmethod
    def _with_offset(cls, chunk: Chunk, offset: Floats) -> "ChunkWithOffset":
        result = cls(*chunk)
        result.offset = offset
        return result


class Rows:
    """The rows of a table file as chunks, one for each row group.

    Iterating yields the chunks whose numbers are in `own`: all of them, or those of this process.

    Raises UserError when the file lacks a column of the design: it was made for another formula or
    source.
    """

    def __init__(self, path: Path, design: Design) -> None:
        self._table = TableFile(path)
        self._design = design
        self._require_columns(path)
        self.path = path
        self.num_rows = self._table.num_rows
        self.num_chunks = self._table.num_row_groups
        lengths = [self.chunk_length(index) for index in range(self.num_chunks)]
        self._first_rows = list(accumulate(lengths, initial=1))
        self.own = range(self.num_chunks)

    @property
    def own(self) -> range:
        """The numbers of the chunks that iterating yields. Setting them empties the cache."""
        return self._own

    @own.setter
    def own(self, chunks: range) -> None:
        self._own = chunks
        self.limit_cache(CACHE_BYTES)

    def limit_cache(self, num_bytes: int) -> int:
        """Empty the cache, and cache our own chunks from now on if they all fit into `num_bytes`.

        Returns how many bytes they will take, 0 if they do not fit: those of X, and 8 for y and w
        each, whether there are weights or not.
        """
        self._cache: dict[int, Chunk] = {}
        num_rows = sum(self.chunk_length(index) for index in self.own)
        of_offset = 8 if self._design.schema.offset else 0
        needed = num_rows * (self.layout.bytes_per_row + 16 + of_offset)
        self._is_cached = needed <= num_bytes
        return needed if self._is_cached else 0

    @property
    def design(self) -> Design:
        """What makes X and y of the rows."""
        return self._design

    @property
    def layout(self) -> Layout:
        """The columns of X."""
        return self._design.layout

    @property
    def weights_kind(self) -> WeightsKind:
        """What the weights are."""
        return self._design.schema.weights_kind

    @property
    def has_frequencies(self) -> bool:
        """Whether weights are frequencies: a row of weight w stands for w rows."""
        return self.weights_kind == "frequency"

    def chunk_length(self, index: int) -> int:
        """Return the number of rows of a chunk, without reading it."""
        return self._table.row_group_length(index)

    def first_row(self, index: int) -> int:
        """Return the number, from 1, of the first row of a chunk."""
        return self._first_rows[index]

    def cells(self, index: int, columns: Sequence[str], positions: pa.Array) -> pa.Table:
        """Return some cells as they are in the file: of rows of a chunk, counted from 0 in it."""
        return self._table.row_group(index, columns).take(positions)

    def column(self, index: int, name: str) -> pa.ChunkedArray:
        """Return a column of a chunk as it is in the file, whether the formula has it or not."""
        return self._table.row_group(index, [name]).column(name)

    def chunk(self, index: int) -> Chunk:
        """Return a chunk.

        Raises UserError, with file and row, for a cell that the design cannot take.
        """
        if index in self._cache:
            return self._cache[index]
        table = self._table.row_group(index)
        first_row = self._first_rows[index]
        weights = self._design.schema.weights
        chunk = Chunk(
            self._design.matrix(table, self.path, first_row),
            self._design.target(table, self.path, first_row),
            as_floats(table.column(weights)) if weights else None,
        )
        errors = RaisingHandler(table.num_rows, self.path, first_row)
        offset = self._design.offset(CoercedTable(table, {}), errors)
        if offset is not None:
            chunk = ChunkWithOffset.of_target(chunk, offset)
        if self._is_cached and index in self.own:
            self._cache[index] = chunk
        return chunk

    def __iter__(self) -> Iterator[Chunk]:
        chunks = (self.chunk(index) for index in self.own)
        return chunks if self._is_cached else prefetch(chunks)

    def _require_columns(self, path: Path) -> None:
        schema = self._table.schema
        for name, column in self._design.schema.columns.items():
            if name not in schema.names or str(schema.field(name).type) != column.type:
                raise UserError(
                    f"{path}: column {name}",
                    f"must be there with type {column.type}, as the formula needs it",
                    found=schema.to_string(),
                    todo="run `dvc repro`: the file was made with other parameters",
                )
