from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from linreg.data.split.ordered_rows import OrderedRows
from linreg.process.workers import Workers

SCHEMA = pa.schema([("x", pa.int64())])


def rows(*cells: int) -> pa.Table:
    return pa.table({"x": list(cells)}, SCHEMA)


def test_rows_are_written_in_the_order_in_which_they_were_added(tmp_path: Path) -> None:
    ordered = OrderedRows("part", SCHEMA, tmp_path)
    for each in (rows(3, 1), rows(), rows(2)):
        ordered.add(each)
    ordered.close()
    ordered.write(tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet")["x"].to_pylist() == [3, 1, 2]
    # What was collected is deleted.
    assert not list(tmp_path.glob("*.arrow"))


def test_without_rows_the_table_is_empty(tmp_path: Path) -> None:
    ordered = OrderedRows("part", SCHEMA, tmp_path)
    ordered.close()
    ordered.write(tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").equals(rows())


def test_rows_of_several_processes_are_in_the_order_of_their_ranks(
    tmp_path: Path, together: Callable[..., list[Any]]
) -> None:
    def work(workers: Workers) -> None:
        ordered = OrderedRows("part", SCHEMA, tmp_path, workers)
        ordered.add(rows(10 * workers.rank, 10 * workers.rank + 1))
        ordered.close()
        workers.barrier()
        if workers.rank == 1:
            ordered.write(tmp_path / "out.parquet")

    together(3, work)
    assert pq.read_table(tmp_path / "out.parquet")["x"].to_pylist() == [0, 1, 10, 11, 20, 21]
    assert not list(tmp_path.glob("*.arrow"))
