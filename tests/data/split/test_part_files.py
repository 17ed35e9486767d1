from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linreg.data.split.part_files import assign_shards, select, write_parts
from linreg.data.split.partition import partition_rows
from linreg.data.split.unseen_levels import LevelFilter
from linreg.data.tables import parquet
from linreg.data.tables.parquet import TableFile, write_table
from linreg.params.split import Split
from linreg.process.workers import ALONE, Workers

PARAMS = Split(train=0.5, validation=0.3, test=0.2, shards=2)


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TableFile:
    """The numbers 0 … 49 in row groups of 7."""
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", 7)
    rows = pa.table({"x": range(50)})
    write_table(tmp_path / "table.parquet", rows.schema, [rows])
    return TableFile(tmp_path / "table.parquet")


def write(table: TableFile, top: Path, params: Split, workers: Workers = ALONE) -> list[str]:
    for name in ("parts", "scratch"):
        (top / name).mkdir(exist_ok=True, parents=True)
    partition = partition_rows(table, params)
    shards = assign_shards(partition, params)
    levels = LevelFilter("drop", {})
    folders = (top / "parts", top / "scratch")
    return write_parts(table, partition, shards, levels, *folders, workers)


def cells(path: Path) -> list[int]:
    found: list[int] = pq.read_table(path)["x"].to_pylist()
    return found


def test_every_row_is_in_one_file_and_the_shards_share_the_training_rows(
    table: TableFile, tmp_path: Path
) -> None:
    files = write(table, tmp_path, PARAMS)
    assert files == [
        "train/shard-00000.parquet",
        "train/shard-00001.parquet",
        "validation.parquet",
        "test.parquet",
    ]
    found = [cells(tmp_path / "parts" / file) for file in files]
    assert [len(each) for each in found] == [13, 12, 15, 10]
    assert sorted(cell for each in found for cell in each) == list(range(50))
    # Validation and test rows are in the order of the table, training rows are not.
    assert [each == sorted(each) for each in found] == [False, False, True, True]
    assert list((tmp_path / "scratch").iterdir()) == []


def test_several_processes_write_the_same_files(
    table: TableFile, tmp_path: Path, together: Callable[..., list[Any]]
) -> None:
    files = write(table, tmp_path / "one", PARAMS)
    found = together(3, lambda workers: write(table, tmp_path / "three", PARAMS, workers))
    assert found == [files] * 3
    for file in files:
        one, three = (tmp_path / top / "parts" / file for top in ("one", "three"))
        assert one.read_bytes() == three.read_bytes()


def test_the_training_rows_of_another_seed_are_in_another_order(
    table: TableFile, tmp_path: Path
) -> None:
    everything = {"train": 1.0, "validation": 0, "test": 0}
    one, same, other = (
        cells(tmp_path / str(number) / "parts" / write(table, tmp_path / str(number), params)[0])
        for number, params in enumerate(
            [Split(**everything, seed=1), Split(**everything, seed=1), Split(**everything, seed=2)]  # type: ignore[arg-type]
        )
    )
    assert one == same != other
    assert sorted(one) == sorted(other) == list(range(50))


def test_the_rows_with_a_label_are_selected_in_their_order() -> None:
    rows = pa.table({"x": [5, 4, 3, 2]})
    labels = np.array([1, 0, 1, 2], np.int16)
    assert select(rows, labels, 1)["x"].to_pylist() == [5, 3]
    assert select(rows, labels, 3).num_rows == 0
