import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from linreg.data.formula.design import Design
from linreg.data.rows import Chunk, Rows
from linreg.data.tables.parquet import write_table
from linreg.fit.compiled import augmented_rows
from linreg.fit.compiled.augmented_rows import (
    MOST_PREFETCHED_SHARDS,
    AugmentedRows,
    RowStream,
    augmented_shards,
)
from linreg.fit.coordinates.scaling import Scaling
from linreg.fit.sgd.shuffling import shuffled_chunks
from linreg.process.workers import ALONE, Workers

Shards = Callable[..., list[Rows]]
Floats = NDArray[np.float64]
SCALING = Scaling(np.array([1.0, -2.0]), np.array([2.0, 4.0]), 3.0, 0.5)


class Counting(Rows):
    """Rows that record which chunks were read."""

    def __init__(self, rows: Rows) -> None:
        super().__init__(rows.path, rows._design)
        self.read: list[int] = []

    def chunk(self, index: int) -> Chunk:
        self.read.append(index)
        return super().chunk(index)


def data(num_rows: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(num_rows)
    return rng.normal(size=(num_rows, 2)), rng.normal(size=num_rows)


def augmented(
    rows: Rows, *, intercept: bool = True, dtype: Any = np.float64, cached: bool = True
) -> AugmentedRows:
    return AugmentedRows(rows, SCALING, intercept, dtype, cached=cached, prefetched=False)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_row_is_the_constant_then_x_and_y_in_scaled_units(
    shards_of: Shards, intercept: bool, dtype: Any
) -> None:
    X, y = data(7)
    (rows,) = shards_of(X, y)
    ((Z, _),) = augmented(rows, intercept=intercept, dtype=dtype).epoch(1, 1, 0, 0)
    scaled = (X - [1.0, -2.0]) / [2.0, 4.0], (y - 3.0) / 0.5
    expected = np.column_stack([np.full(7, float(intercept)), *scaled]).astype(dtype)
    assert Z.dtype == dtype
    np.testing.assert_array_equal(Z, expected)


def test_weights_multiply_the_whole_row_by_their_square_roots(
    tmp_path: Path, learn: Callable[..., Design]
) -> None:
    X, y = data(6)
    w = np.array([0.0, 1.0, 4.0, 9.0, 2.0, 0.5])
    table = pa.table({"x1": X[:, 0], "x2": X[:, 1], "y": y, "w": w})
    design = learn("y ~ x1 + x2", table.drop_columns("w"))
    weighted = replace(design.schema, weights="w")
    write_table(tmp_path / "rows.parquet", table.schema, [table])
    rows = Rows(tmp_path / "rows.parquet", Design(weighted, design.statistics))
    of = AugmentedRows(rows, Scaling.identity(2), True, np.float64, cached=False, prefetched=False)
    ((Z, _),) = of.epoch(1, 1, 0, 0)
    expected = np.column_stack([np.ones(6), X, y]) * np.sqrt(w)[:, None]
    np.testing.assert_array_equal(Z, expected)


def test_a_cell_beyond_float32_is_infinite_without_a_warning(shards_of: Shards) -> None:
    X, y = data(3)
    X[1, 0] = 1e300
    (rows,) = shards_of(X, y)
    ((Z, _),) = augmented(rows, dtype=np.float32).epoch(1, 1, 0, 0)
    assert np.isinf(Z).tolist() == [[i == 1 and j == 1 for j in range(4)] for i in range(3)]


@pytest.mark.parametrize("skipped", [0, 5, 13])
def test_an_epoch_has_the_order_of_the_other_engine(shards_of: Shards, skipped: int) -> None:
    (rows,) = shards_of(*data(23), rows_per_group=6)
    found = list(augmented(rows).epoch(4, 3, 2, skipped))
    expected = list(shuffled_chunks(rows, 4, 3, 2, skipped))
    assert [indices.tolist() for _, indices in found] == [
        indices.tolist() for _, indices in expected
    ]
    for (Z, _), (chunk, _) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(Z[:, -1], (rows.chunk(chunk).y - 3.0) / 0.5)


@pytest.mark.parametrize("cached", [True, False])
def test_chunks_that_are_cached_are_read_once(shards_of: Shards, cached: bool) -> None:
    rows = Counting(shards_of(*data(20), rows_per_group=5)[0])
    of = augmented(rows, cached=cached)
    epochs = [list(of.epoch(1, epoch, 0, 0)) for epoch in (1, 2, 1)]
    assert len(rows.read) == (4 if cached else 12)
    for (first, _), (again, _) in zip(epochs[0], epochs[2], strict=True):
        np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize(("rank", "own"), [(0, [0]), (1, [1, 2]), (2, [3, 4])])
def test_a_process_has_its_own_shards_by_their_numbers(
    shards_of: Shards, rank: int, own: list[int]
) -> None:
    X, y = data(25)
    shards = shards_of(X, y, 5)
    found = augmented_shards(shards, 2, True, SCALING, "float32", Workers(rank, 3))
    assert list(found) == own
    for shard, rows in found.items():
        assert rows.dtype == np.float32
        ((Z, _),) = rows.epoch(1, 1, shard, 0)
        expected = (y[5 * shard : 5 * shard + 5] - 3.0) / 0.5
        np.testing.assert_array_equal(Z[:, -1], expected.astype(np.float32))


@pytest.mark.parametrize(("dtype", "num_bytes"), [("float32", 16), ("float64", 32)])
def test_rows_are_cached_if_all_that_the_process_owns_fit(
    shards_of: Shards, monkeypatch: pytest.MonkeyPatch, dtype: Any, num_bytes: int
) -> None:
    """A row is [c x1 x2 y]; of 30 rows in 3 shards, the second of two processes owns 20."""
    for spare, cached in ((0, True), (-1, False)):
        monkeypatch.setattr(augmented_rows, "CACHE_BYTES", 20 * num_bytes + spare)
        shards = [Counting(rows) for rows in shards_of(*data(30), 3)]
        own = augmented_shards(shards, 2, True, SCALING, dtype, Workers(1, 2))
        for epoch in (1, 2):
            for shard, rows in own.items():
                list(rows.epoch(1, epoch, shard, 0))
        read = 1 if cached else 2
        assert [len(each.read) for each in shards] == [0, read, read]


def chunks_read(shards: Sequence[Counting], seconds: float) -> int:
    """Start an epoch of the first shard, take a chunk, and wait for others to be read ahead."""
    own = augmented_shards(shards, 2, True, SCALING, "float64", ALONE)
    epoch = own[0].epoch(1, 1, 0, 0)
    next(epoch)
    end = time.monotonic() + seconds
    while len(shards[0].read) == 1 and time.monotonic() < end:
        time.sleep(0.001)
    return len(shards[0].read)


def test_chunks_are_read_ahead_unless_the_process_has_many_shards(
    shards_of: Shards, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(augmented_rows, "CACHE_BYTES", 0)
    shards = [Counting(rows) for rows in shards_of(*data(60), 5, rows_per_group=4)]
    assert MOST_PREFETCHED_SHARDS == 4
    assert chunks_read(shards[:4], 10) == 2
    for each in shards:
        each.read.clear()
    assert chunks_read(shards, 0.1) == 1


def test_what_is_cached_is_not_read_ahead(shards_of: Shards) -> None:
    shards = [Counting(rows) for rows in shards_of(*data(60), rows_per_group=4)]
    assert chunks_read(shards, 0.1) == 1


@pytest.mark.parametrize("takes", [[12], [1] * 12, [5, 7], [4, 4, 4], [3, 6, 3], [0, 11, 0, 1]])
def test_a_stream_gives_the_rows_in_order_in_pieces_of_any_length(takes: list[int]) -> None:
    order = [np.array([3, 1, 0, 2]), np.array([0, 1, 4, 3, 2]), np.array([2, 0, 1])]
    chunks = [np.full((5, 2), float(number)) for number in range(3)]
    stream = RowStream(iter(list(zip(chunks, order, strict=True))))
    expected = [(number, index) for number in range(3) for index in order[number].tolist()]
    for num_rows in takes:
        pieces = list(stream.take(num_rows))
        rows = [(int(Z[0, 0]), index) for Z, indices in pieces for index in indices.tolist()]
        assert rows == expected[:num_rows]
        assert len(pieces) == len({number for number, _ in rows})
        expected = expected[num_rows:]
    assert not expected
