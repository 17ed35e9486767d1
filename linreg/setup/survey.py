"""A table seen for the first time: one pass that notes, beside every column's profile, what may be
odd about it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.ingest.profile import ColumnProfile
from linreg.data.ingest.text_formats import TextFormats
from linreg.data.tables.arrays import as_numpy
from linreg.data.tables.source_chunk import SourceChunk
from linreg.data.typed_table import TypedTable
from linreg.setup.distinct import Distinct, Hashes, cell_hashes, order_hash, row_hashes

MOST_VALUES = 4096
"""Up to so many different values of a column are counted one by one; beyond it their number is an
estimate.
"""
MOST_ROWS = 1 << 20
"""Up to so many different rows are compared with all others; beyond it repeated rows are an
estimate.
"""


@dataclass
class ColumnSurvey:
    """What one column holds.

    profile         as ingest makes it, infinite numbers taken for missing ones
    distinct        its different values, missing ones not counted
    infinite        how many numbers are not finite, and `first_infinite` where the first stands
    counts_up       whether its whole numbers go up in steps of one from row to row
    fingerprint     equal for columns whose cells are equal in every row
    text_formats    of text
    """

    profile: ColumnProfile
    distinct: Distinct = field(default_factory=lambda: Distinct(MOST_VALUES))
    infinite: int = 0
    first_infinite: str = ""
    counts_up: bool = True
    fingerprint: int = 0
    text_formats: TextFormats = field(default_factory=TextFormats)
    _last: int | None = None

    def read(self, part: SourceChunk, name: str, num_before: int) -> Hashes:
        """Take in one part's cells, before which the table has `num_before` rows; returns their
        hashes.
        """
        part = self._without_infinities(part, name)
        column = part.rows.column(name)
        self.profile.update(part, name)
        cells = cell_hashes(column)
        self.fingerprint = (self.fingerprint + order_hash(cells, num_before)) % 2**64
        if column.null_count:
            self.distinct.add(cell_hashes(column.drop_null()))
        else:
            self.distinct.add(cells)
        if pa.types.is_integer(self.profile.type):
            self._count_up(column)
        if pa.types.is_string(self.profile.type) and column.null_count < len(column):
            self.text_formats.update(part, name)
        return cells

    def _without_infinities(self, part: SourceChunk, name: str) -> SourceChunk:
        column = part.rows.column(name)
        if not pa.types.is_floating(column.type):
            return part
        infinite = pc.and_(pc.is_valid(column), pc.invert(pc.is_finite(column)))
        first = pc.index(infinite, True).as_py()
        if first < 0:
            return part
        if not self.infinite:
            self.first_infinite = f"{part.origin}: row {part.first_row + first}"
        self.infinite += pc.sum(infinite).as_py()
        finite = pc.if_else(infinite, pa.scalar(None, column.type), column)
        return part._replace(
            rows=part.rows.set_column(part.rows.schema.names.index(name), name, finite)
        )

    def _count_up(self, column: pa.ChunkedArray) -> None:
        if not self.counts_up or column.null_count or not len(column):
            self.counts_up = self.counts_up and not column.null_count
            return
        values = as_numpy(column)
        linked = self._last is None or int(values[0]) == self._last + 1
        self.counts_up = linked and bool((np.diff(values) == 1).all())
        self._last = int(values[-1])


@dataclass(frozen=True)
class Survey:
    """A whole table: its columns by name, in the order of the file, and its rows."""

    columns: Mapping[str, ColumnSurvey]
    rows: Distinct
    num_rows: int

    @property
    def profiles(self) -> dict[str, ColumnProfile]:
        """The profile of every column."""
        return {name: column.profile for name, column in self.columns.items()}


def survey(table: TypedTable) -> Survey:
    """Read a table once; raises UserError like the readers."""
    columns = {each.name: ColumnSurvey(ColumnProfile(each.type)) for each in table.schema}
    rows, num_rows = Distinct(MOST_ROWS), 0
    for part in table.chunks():
        cells = [column.read(part, name, num_rows) for name, column in columns.items()]
        rows.add(row_hashes(cells))
        num_rows += part.rows.num_rows
    return Survey(columns, rows, num_rows)
