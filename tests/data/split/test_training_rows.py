from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linreg.data.split import external_shuffle
from linreg.data.split.part_files import assign_shards, write_parts
from linreg.data.split.partition import partition_rows
from linreg.data.split.training_rows import TrainingRows
from linreg.data.split.unseen_levels import LevelFilter
from linreg.data.tables import parquet
from linreg.data.tables.parquet import TableFile, write_table
from linreg.params.split import Split
from linreg.process.workers import ALONE


@pytest.mark.parametrize("rows_per_bucket", [4, 1000])
@pytest.mark.parametrize("by", ["row", "group:g", "time:t"])
def test_every_training_row_is_traced_back_to_the_table(
    by: str, rows_per_bucket: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", 11)
    monkeypatch.setattr(external_shuffle, "ROWS_PER_BUCKET", rows_per_bucket)
    x = np.arange(60)
    rows = pa.table({"x": x, "g": x % 9, "t": (x * 7) % 20})
    write_table(tmp_path / "table.parquet", rows.schema, [rows])
    table = TableFile(tmp_path / "table.parquet")
    params = Split(train=0.6, validation=0.2, test=0.2, shards=2, by=by)
    partition = partition_rows(table, params)
    (tmp_path / "scratch").mkdir()
    (tmp_path / "parts").mkdir()
    folders = (tmp_path / "parts", tmp_path / "scratch")
    shards = assign_shards(partition, params)
    write_parts(table, partition, shards, LevelFilter("drop", {}), *folders, ALONE)

    training_rows = TrainingRows(table, params)
    for shard in range(2):
        written = pq.read_table(tmp_path / f"parts/train/shard-{shard:05d}.parquet")["x"]
        cells = written.to_numpy()
        positions = np.arange(len(cells))
        np.testing.assert_array_equal(training_rows.indices(shard, positions), cells)
        some = np.array([5, 0, 3])
        np.testing.assert_array_equal(training_rows.indices(shard, some), cells[some])
