"""A survey of a table: one pass for the profiles, distinct values and oddities of its columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.formula.schema import kind_of
from linreg.data.ingest.profile import ColumnProfile
from linreg.data.ingest.text_formats import TextFormats
from linreg.data.tables.arrays import as_numpy
from linreg.data.tables.source_chunk import SourceChunk
from linreg.data.typed_table import TypedTable
from linreg.setup.survey.cell_hashes import Hashes, cell_hashes, fingerprint, row_hashes
from linreg.setup.survey.distinct_sample import DistinctSample

MOST_VALUES = 4096
"""Up to so many distinct values of a column are counted exactly, beyond it they are estimated."""
MOST_ROWS = 1 << 20
"""Up to so many distinct rows are counted exactly, beyond it they are estimated."""


@dataclass
class ColumnSurvey:
    """The survey of one column, updated chunk by chunk.

    profile         as ingest makes it, with infinite numbers taken for missing ones
    distinct        its distinct values, without missing ones
    num_infinite    how many numbers are infinite; `first_infinite` is where the first is
    is_consecutive  whether it holds integers that increase by one from row to row
    fingerprint     equal for columns whose cells are equal in every row
    text_formats    the formats of text
    """

    profile: ColumnProfile
    distinct: DistinctSample = field(default_factory=lambda: DistinctSample(MOST_VALUES))
    num_infinite: int = 0
    first_infinite: str = ""
    is_consecutive: bool = True
    fingerprint: int = 0
    text_formats: TextFormats = field(default_factory=TextFormats)
    _last_integer: int | None = None

    def update(self, chunk: SourceChunk, name: str, first_row: int) -> Hashes:
        """Add the cells of a chunk whose first row in the table is given; return hashes."""
        chunk = self._without_infinities(chunk, name)
        column = chunk.rows.column(name)
        self.profile.update(chunk, name)
        cells = cell_hashes(column)
        self.fingerprint = (self.fingerprint + fingerprint(cells, first_row)) % 2**64
        self.distinct.add(cell_hashes(column.drop_null()) if column.null_count else cells)
        self.is_consecutive = self.is_consecutive and self._continues(column)
        if pa.types.is_string(self.profile.type) and column.null_count < len(column):
            self.text_formats.update(chunk, name)
        return cells

    def _without_infinities(self, chunk: SourceChunk, name: str) -> SourceChunk:
        """Count the infinite numbers of a chunk, and return it with null in their place."""
        column = chunk.rows.column(name)
        if not pa.types.is_floating(column.type):
            return chunk
        infinite = pc.and_(pc.is_valid(column), pc.invert(pc.is_finite(column)))
        first = pc.index(infinite, True).as_py()
        if first < 0:
            return chunk
        if not self.num_infinite:
            self.first_infinite = f"{chunk.origin}: row {chunk.row_number(first)}"
        self.num_infinite += pc.sum(infinite).as_py()
        finite = pc.if_else(infinite, pa.scalar(None, column.type), column)
        index = chunk.rows.schema.names.index(name)
        return chunk._replace(rows=chunk.rows.set_column(index, name, finite))

    def _continues(self, column: pa.ChunkedArray) -> bool:
        """Return whether the cells are integers that continue those before them in steps of one."""
        if not pa.types.is_integer(column.type) or column.null_count:
            return False
        values = as_numpy(column)
        if not len(values):
            return True
        last, self._last_integer = self._last_integer, int(values[-1])
        return last in (None, int(values[0]) - 1) and bool((np.diff(values) == 1).all())


@dataclass(frozen=True)
class Survey:
    """The survey of a table: its columns by name, in the order of the file, and its rows."""

    columns: Mapping[str, ColumnSurvey]
    rows: DistinctSample
    num_rows: int

    @property
    def profiles(self) -> dict[str, ColumnProfile]:
        """The profile of every column."""
        return {name: column.profile for name, column in self.columns.items()}

    def is_number(self, name: str) -> bool:
        """Whether there is such a column, of numbers."""
        return name in self.columns and kind_of(self.columns[name].profile.type) == "number"


def survey_table(table: TypedTable) -> Survey:
    """Read a table once; raises UserError for a cell that cannot be read."""
    columns = {each.name: ColumnSurvey(ColumnProfile(each.type)) for each in table.schema}
    rows = DistinctSample(MOST_ROWS)
    num_rows = 0
    for chunk in table.chunks():
        cells = [column.update(chunk, name, num_rows) for name, column in columns.items()]
        rows.add(row_hashes(cells))
        num_rows += chunk.rows.num_rows
    return Survey(columns, rows, num_rows)
