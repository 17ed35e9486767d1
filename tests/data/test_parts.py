"""Shards and parts as train and evaluate open them; tests/faults has what damage they refuse."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from linreg.data.formula.design import Design
from linreg.data.parts import RowGroups, open_part, open_shards
from linreg.data.rows import Rows
from linreg.data.tables import parquet
from linreg.data.tables.parquet import write_table
from linreg.process.workers import Workers

NUM_ROWS = 23
TABLE = pa.table({"y": np.arange(NUM_ROWS) * 1.5, "x": np.arange(NUM_ROWS) - 7.0})
BYTES_OF_A_FILE = NUM_ROWS * 8 * (1 + 2)
"""The chunks of `y ~ x`: one column of X, y and the place of w."""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Writes a file of 23 rows in row groups of 5."""
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", 5)
    write_table(tmp_path / "t.parquet", TABLE.schema, [TABLE])
    return tmp_path / "t.parquet"


@pytest.fixture
def design(learn: Callable[..., Design]) -> Design:
    return learn("y ~ x", TABLE)


def is_cached(rows: Rows, index: int) -> bool:
    return rows.chunk(index).X is rows.chunk(index).X


def test_the_shards_of_a_process_share_one_cache(path: Path, design: Design) -> None:
    def cached(workers: Workers) -> list[bool]:
        shards = open_shards([path] * 3, design, workers, cache_bytes=2 * BYTES_OF_A_FILE)
        return [is_cached(shard, 0) for shard in shards]

    assert cached(Workers(0, 1)) == [True, True, False]
    assert cached(Workers(1, 2)) == [False, True, True]


def test_every_shard_belongs_to_one_process(path: Path, design: Design) -> None:
    for rank, expected in ((0, [5, 0, 0]), (1, [0, 5, 5])):
        shards = open_shards([path] * 3, design, Workers(rank, 2))
        assert [len(list(shard)) for shard in shards] == expected
        groups = list(RowGroups([path] * 3, Workers(rank, 2)))
        assert len(groups) == sum(expected)


def test_every_chunk_of_a_part_belongs_to_one_process(path: Path, design: Design) -> None:
    owned = [list(open_part(path, design, Workers(rank, 3)).own) for rank in range(3)]
    assert owned == [[0], [1, 2], [3, 4]]
    targets = [chunk.y for rank in range(3) for chunk in open_part(path, design, Workers(rank, 3))]
    np.testing.assert_array_equal(np.concatenate(targets), TABLE["y"].to_numpy())
