"""Several files at once, and long ones."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linreg.data.csv import convert, dialect
from linreg.data.tables.parquet import ROWS_PER_GROUP
from linreg.errors import UserError
from tests.data.csv.converted import converted, to_parquet


def test_columns_that_fit_the_first_block_are_converted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialect, "BLOCK_BYTES", 256)
    # It would be an error to call it.
    monkeypatch.setattr(convert, "_convert_from_text", None)
    rows = [f"{i},{i / 7!r},word {i},true,2024-01-{i % 28 + 1:02}" for i in range(500)]
    [table] = converted(
        tmp_path, "\n".join(["i,x,w,b,d", *rows]), columns=["i", "x", "w", "b", "d"]
    )
    assert table.schema.types == [pa.int64(), pa.float64(), pa.string(), pa.bool_(), pa.date32()]
    assert table["x"].to_pylist() == [i / 7 for i in range(500)]


def test_one_schema_for_all_files_and_each_file_its_own_dialect(tmp_path: Path) -> None:
    tables = converted(
        tmp_path,
        "x,y\n1,a\n",
        "z;y;x\n0;;1,5\n0;b;NA\n",
        "x\ty\n\tc\n",
        "y|x\n",
        columns=["x", "y"],
    )
    assert {table.schema for table in tables} == {
        pa.schema([("x", pa.float64()), ("y", pa.string())])
    }
    assert [table["x"].to_pylist() for table in tables] == [[1.0], [1.5, None], [None], []]
    assert [table["y"].to_pylist() for table in tables] == [["a"], [None, "b"], ["c"], []]


def test_a_file_without_rows_becomes_a_file_without_rows(tmp_path: Path) -> None:
    for header in ("x,y", "x,y\n", "x,y\r\n\r\n\r\n"):
        [table] = converted(tmp_path, header, columns=["x", "y"])
        assert (table.num_rows, table.schema.types) == (0, [pa.float64(), pa.float64()])


def test_a_column_absent_in_a_later_file_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    (tmp_path / "b.csv").write_text("y\n2\n")
    with pytest.raises(
        UserError, match=r"b\.csv: column x: there is no such column; the columns are y$"
    ):
        to_parquet([tmp_path / "a.csv", tmp_path / "b.csv"], ["x"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_row_groups_are_full_and_rows_in_order_in_a_long_file(tmp_path: Path) -> None:
    num_rows = ROWS_PER_GROUP + 70_000
    path = tmp_path / "a.csv"
    path.write_text("x,i\n" + "".join(f"0.{i},{i}\n" for i in range(num_rows)))
    [target] = to_parquet([path], ["i"], tmp_path / "out").paths
    assert target == tmp_path / "out" / "part-00000.parquet"
    assert pq.read_table(target)["i"].to_numpy().tolist() == list(range(num_rows))
    metadata = pq.read_metadata(target)
    assert [metadata.row_group(i).num_rows for i in range(2)] == [ROWS_PER_GROUP, 70_000]


MEASURE = """
import resource, sys
from pathlib import Path
from tests.data.csv.converted import to_parquet
folder = Path(sys.argv[1])
for name in ("short.csv", "long.csv"):
    to_parquet([folder / name], ["x", "w"], folder / "out")
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    row = "0.12345678901234567,word,3\n"
    (tmp_path / "short.csv").write_text("x,w,i\n" + row * 400_000)  # 10 MB
    (tmp_path / "long.csv").write_text("x,w,i\n" + row * 2_000_000)  # 52 MB
    process = subprocess.run(
        [sys.executable, "-c", MEASURE, tmp_path], capture_output=True, text=True, check=True
    )
    short, long = map(int, process.stdout.split())
    assert long - short < 20  # MiB
