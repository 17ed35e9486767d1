from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from linreg.data.split.partition import TRAIN, partition_rows
from linreg.data.tables import parquet
from linreg.data.tables.parquet import TableFile, write_table
from linreg.params.split import Split
from linreg.setup.survey.training_rows import training_rows

NUM_ROWS = 100
ROWS = pa.table(
    {
        "row": np.arange(NUM_ROWS),
        "shop": [f"s{i % 23}" for i in range(NUM_ROWS)],
        "day": np.random.default_rng(1).integers(0, 40, NUM_ROWS),
    }
)


@pytest.mark.parametrize("by", ["row", "group:shop", "time:day"])
@pytest.mark.parametrize("rows_per_chunk", [1, 13, 100])
def test_they_are_those_of_the_split_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str, rows_per_chunk: int
) -> None:
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", 16)
    split = Split(by=by, seed=3)
    path = tmp_path / "table.parquet"
    write_table(path, ROWS.schema, [ROWS])
    table = TableFile(path)
    partition = partition_rows(table, split)
    labels = np.concatenate([partition.labels(group) for group in range(table.num_row_groups)])

    def rows() -> Iterator[pa.Table]:
        starts = range(0, NUM_ROWS, rows_per_chunk)
        return (ROWS.slice(start, rows_per_chunk) for start in starts)

    found = pa.concat_tables(training_rows(rows, ROWS.schema, split)())
    assert found["row"].to_pylist() == np.flatnonzero(labels == TRAIN).tolist()
    assert found.schema == ROWS.schema


def test_of_a_table_too_small_to_be_split_they_are_all_rows() -> None:
    few = ROWS.slice(0, 3)
    assert list(training_rows(lambda: iter([few]), few.schema, Split())()) == [few]
