"""Which row of the user's file a row of the ingested table is: what a later stage says of an error.

Nothing has to be known where no row was dropped and there is one file. Dropped rows are written to
a table of their own, in which ascending row numbers take about a byte each, and the numbers of rows
of several files to profile.json.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linreg.data.tables.arrays import as_arrow, as_numpy
from linreg.data.tables.parquet import TableFile, TableWriter, new_table
from linreg.data.tables.source_chunk import SourceChunk
from linreg.errors import printable
from linreg.files import read_document

DROPPED = "dropped.parquet"
"""The dropped rows in the order of the source; there only if there are some."""
_SCHEMA = pa.schema([("file", pa.string()), ("row", pa.int64()), ("missing", pa.string())])


class DroppedRows:
    """Writes the file, the row in it and the first missing column of each row that is dropped.

    The column is null for a row that `ingest.where` leaves out. The file is named by its path below
    `source`.
    """

    def __init__(self, folder: Path, source: Path) -> None:
        self._path = folder / DROPPED
        self._source = source
        self._opened = ExitStack()
        self._writer: TableWriter | None = None

    def add(self, chunk: SourceChunk, indices: NDArray[np.int64], missing: pa.Array) -> None:
        """Append the rows of a chunk with these indices, and those that the chunk leaves out.

        missing  for each of these indices the name of a column
        """
        if self._writer is None:
            table = new_table(self._path, _SCHEMA, ascending=["row"])
            self._writer = self._opened.enter_context(table)
        name = pa.array([_name(chunk.origin, self._source)], pa.string())
        left_out = chunk.left_out()
        numbers = np.concatenate([chunk.row_numbers(indices), left_out])
        reasons = pa.concat_arrays([missing, pa.nulls(len(left_out), pa.string())])
        files = name.take(as_arrow(np.zeros_like(numbers)))
        order = np.argsort(numbers, kind="stable")
        columns = [files, as_arrow(numbers[order]), reasons.take(as_arrow(order))]
        self._writer.write(pa.table(columns, schema=_SCHEMA))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._opened.__exit__(kind, error, trace)


def files_as_data(files: Iterable[tuple[int, Path]], source: Path) -> list[dict[str, Any]]:
    """Return name and number of rows of each file of a source; empty if there is one file."""
    data = [{"name": _name(origin, source), "rows": num_rows} for num_rows, origin in files]
    return data if len(data) > 1 else []


@dataclass(frozen=True)
class SourceRows:
    """The rows of the ingested table as rows of the user's file or folder `source`.

    ingested  the folder of the ingest stage
    """

    source: Path
    ingested: Path

    def place(self, index: int) -> str:
        """Return file and data row (counted from 1) of the row with this index (from 0)."""
        profile = read_document(self.ingested / "profile.json")
        files = {file["name"]: file["rows"] for file in profile.get("files", [])}
        row = index
        if profile["dropped"] or profile.get("where", {}).get("left_out"):
            for dropped in self._dropped_rows(files):
                # Of the rows above the k-th of these, k are dropped as well.
                without_dropped = dropped - np.arange(len(dropped))
                num_above = int(np.searchsorted(without_dropped, row, side="right"))
                row += num_above
                if num_above < len(dropped):
                    break
        for name, num_rows in files.items():
            if row < num_rows:
                return f"{self.source / name}: row {row + 1}"
            row -= num_rows
        return f"{self.source}: row {row + 1}"

    def _dropped_rows(self, files: Mapping[str, int]) -> Iterator[NDArray[np.int64]]:
        """Yield the ascending indices of the dropped rows among the rows of all files."""
        names = pa.array(list(files), pa.string())
        starts = np.cumsum([0, *files.values()])
        for rows in TableFile(self.ingested / DROPPED).row_groups(["file", "row"]):
            indices = as_numpy(rows.column("row")) - 1
            if files:
                indices += starts[as_numpy(pc.index_in(rows.column("file"), value_set=names))]
            yield indices


def _name(origin: Path, source: Path) -> str:
    """Return the path of a file below the folder that is the source."""
    is_below = origin != source and origin.is_relative_to(source)
    # A name that is not UTF-8 fits neither into JSON nor into a table.
    return printable(origin.relative_to(source).as_posix() if is_below else origin.name)
