"""Arrow files have the columns of Parquet files, and are read batch by batch."""

import datetime
import decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from linreg.data.formats.arrow_file import ArrowFile
from linreg.data.source import open_source
from linreg.data.typed_table import open_typed_table, unreadable_columns
from linreg.errors import UserError

COLUMNS = {
    "x": pa.array([0.5, float("nan"), None, 2, 3]),
    "half": pa.array([0.5, 1, 2, 3, None], pa.float16()),
    "n": pa.array([1, 2, None, 4, 5], pa.int8()),
    "g": pa.array(["a", "b", None, "a", "a"], pa.large_string()),
    "d": pa.array(["a", "b", None, "a", "a"]).dictionary_encode(),
    "dx": pa.array([0.5, 1, float("nan"), 3, None]).dictionary_encode(),
    "m": pa.array([decimal.Decimal("0.10")] * 5),
    "day": pa.array([datetime.date(2020, 2, 29)] * 5),
    "wait": pa.array([datetime.timedelta(seconds=3)] * 5),
    "view": pa.array(["a", "b", None, "a", "a"], pa.string_view()),
}
EXPECTED: dict[str, list[Any]] = {
    "x": [0.5, None, None, 2, 3],
    "half": [0.5, 1, 2, 3, None],
    "n": [1, 2, None, 4, 5],
    "g": ["a", "b", None, "a", "a"],
    "d": ["a", "b", None, "a", "a"],
    "dx": [0.5, 1, None, 3, None],
    "m": [0.1] * 5,
    "day": [datetime.date(2020, 2, 29)] * 5,
    "wait": [datetime.timedelta(seconds=3)] * 5,
    "view": ["a", "b", None, "a", "a"],
}


def write(path: Path, *, stream: bool, compression: str | None = None) -> Path:
    table = pa.table(COLUMNS)
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with new(str(path), table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=2)
    return path


def read(path: Path, *columns: str) -> dict[str, list[Any]]:
    source = open_source(path)
    table = open_typed_table(source, columns or source.columns, path.parent)
    return dict(pa.concat_tables(chunk.rows for chunk in table.chunks()).to_pydict())


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_columns_are_those_of_parquet(
    tmp_path: Path, stream: bool, compression: str | None
) -> None:
    path = write(tmp_path / "t", stream=stream, compression=compression)
    assert read(path) == EXPECTED
    assert read(path, "d", "n") == {name: EXPECTED[name] for name in ("d", "n")}


@pytest.mark.parametrize("stream", [False, True])
def test_batches_are_read_in_any_order(tmp_path: Path, stream: bool) -> None:
    file = ArrowFile(write(tmp_path / "t", stream=stream))
    assert [file.row_group_length(index) for index in range(file.num_row_groups)] == [2, 2, 1]
    assert file.num_rows == 5
    for index in (2, 0, 1, 1):
        rows = file.row_group(index, ["n", "g"]).to_pydict()
        cells = slice(2 * index, 2 * index + 2)
        assert rows == {"n": EXPECTED["n"][cells], "g": EXPECTED["g"][cells]}


@pytest.mark.parametrize("stream", [False, True])
def test_a_file_that_is_cut_off_is_one_line(tmp_path: Path, stream: bool) -> None:
    path = write(tmp_path / "t", stream=stream)
    content = path.read_bytes()
    for end in range(20, len(content), 101):
        path.write_bytes(content[:end])
        with pytest.raises(UserError, match=r"cannot be read as Arrow|without the mark of its end"):
            read(path)
    if stream:
        # What is left of it are whole batches.
        path.write_bytes(content[:-8])
        with pytest.raises(UserError, match="ends without the mark of its end"):
            read(path)


def test_nested_columns_are_not_read(tmp_path: Path) -> None:
    table = pa.table({"x": [1], "l": [[1]]})
    with pa.ipc.new_file(str(tmp_path / "t"), table.schema) as writer:
        writer.write(table)
    why = "has the type list<item: int64>, which is neither number, text nor time"
    assert unreadable_columns(open_source(tmp_path / "t")) == {"l": why}
