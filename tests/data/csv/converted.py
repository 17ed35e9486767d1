"""CSV text converted to tables, for the tests of this folder."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, settings

from linreg.data.csv.convert import ConvertedFiles, csv_to_parquet
from linreg.data.csv.dialect import read_header
from linreg.errors import UserError
from linreg.params.ingest import READ_AS_IS, ReadOptions

quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def to_parquet(
    paths: Sequence[Path], columns: Sequence[str], folder: Path, options: ReadOptions = READ_AS_IS
) -> ConvertedFiles:
    """Convert CSV files to Parquet files in a folder."""
    return csv_to_parquet([read_header(path, options) for path in paths], columns, folder, options)


def converted(
    folder: Path, *contents: str | bytes, columns: Sequence[str] = ("x",)
) -> list[pa.Table]:
    """Write a CSV file of each content and return what the files are converted to."""
    paths = []
    for index, content in enumerate(contents):
        paths.append(folder / f"{index}.csv")
        paths[-1].write_bytes(content.encode() if isinstance(content, str) else content)
    converted = to_parquet(paths, columns, folder / "out")
    return [pq.read_table(path) for path in converted.paths]


def one_column(folder: Path, cells: Sequence[str], end: str = "\n") -> pa.ChunkedArray:
    """Return a column of cells, next to one that keeps their lines from being empty."""
    lines = ["x,row", *(f"{cell},r" for cell in cells)]
    [table] = converted(folder, end.join(lines) + end)
    assert table.num_rows == len(cells)
    return table["x"]


def quoted(cell: str) -> str:
    """Return a cell in quotes, its own doubled."""
    return '"' + cell.replace('"', '""') + '"'


def bits(values: Sequence[float | None]) -> list[str | None]:
    """Return floats in a form that tells apart all of them, -0.0 and 0.0 included."""
    return [None if value is None else value.hex() for value in values]


def refused(path: Path, column: str = "x") -> str:
    """Return the one line that refuses a file, without the path at its beginning."""
    with pytest.raises(UserError) as caught:
        to_parquet([path], [column], path.parent / "out")
    assert not list(path.parent.glob("out/*"))
    message = str(caught.value)
    assert message.startswith(str(path))
    assert len(message.splitlines()) == 1
    return message.removeprefix(str(path))
