import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linreg.data.formula.design import Design
from linreg.data.rows import Chunk, Rows
from linreg.data.split.quotas import shard_sizes
from linreg.data.tables import parquet as table_module
from linreg.data.tables.parquet import write_table
from linreg.fit.coordinates.scaling import Scaling
from linreg.fit.sgd.batches import Batch, ShuffledBatches
from linreg.fit.sgd.shuffling import BatchPlan
from linreg.process.torch_setup import torch

Learn = Callable[..., Design]
Batches = list[list[list[int]]]
"""By batch and micro-batch, the numbers of the rows."""


@pytest.fixture(scope="module")
def design(learn: Learn) -> Design:
    return learn("y ~ x", pa.table({"y": [0.0], "x": [0.0]}))


def shards(folder: Path, design: Design, sizes: list[int], rows_per_group: int) -> list[Rows]:
    """Shards whose rows are numbered through: x is the number, y its negative."""
    found, start = [], 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table_module, "ROWS_PER_GROUP", rows_per_group)
        for index, size in enumerate(sizes):
            x = np.arange(start, start + size, dtype=float)
            table = pa.table({"y": -x, "x": x, "w": x + 1})
            write_table(folder / f"shard-{index}.parquet", table.schema, [table])
            found.append(Rows(folder / f"shard-{index}.parquet", design))
            start += size
    return found


def batches(
    rows: list[Rows], batch_size: int, seed: int = 1, own: range | None = None
) -> ShuffledBatches:
    plan = BatchPlan(rows, batch_size)
    return ShuffledBatches(rows, Scaling.identity(1), plan, seed, torch.double, "cpu", own)


def visited(of: ShuffledBatches, epoch: int) -> Batches:
    found = []
    for batch in of.epoch(epoch):
        for shard, (X, y, _) in batch.micro_batches:
            assert X.shape == y.shape == (batch.lengths[shard], 1)
            assert torch.equal(X, -y)  # the cells of a row stay together
        of_shards = [shard for shard, _ in batch.micro_batches]
        assert of_shards == [shard for shard, length in enumerate(batch.lengths) if length]
        assert batch.num_rows == sum(len(micro_batch.y) for _, micro_batch in batch.micro_batches)
        found.append(
            [
                [int(x) for x in micro_batch.X[:, 0].tolist()]
                for _, micro_batch in batch.micro_batches
            ]
        )
    return found


@pytest.mark.slow
@settings(max_examples=150)
@given(
    num_rows=st.integers(1, 90),
    num_shards=st.integers(1, 7),
    rows_per_group=st.integers(1, 40),
    extra=st.integers(0, 60),
    epoch=st.integers(1, 3),
)
def test_every_row_comes_exactly_once_per_epoch_in_batches_of_batch_size(
    design: Design, num_rows: int, num_shards: int, rows_per_group: int, extra: int, epoch: int
) -> None:
    batch_size = num_shards + extra
    sizes = shard_sizes(num_rows, num_shards)
    with TemporaryDirectory() as folder:
        rows = shards(Path(folder), design, sizes, rows_per_group)
        plan = BatchPlan(rows, batch_size)
        found = visited(batches(rows, batch_size), epoch)
    assert sorted(row for batch in found for micro_batch in batch for row in micro_batch) == list(
        range(num_rows)
    )
    assert len(found) == plan.steps_per_epoch
    assert plan.num_rows == num_rows
    lengths = [sum(map(len, batch)) for batch in found]
    # Every batch is full until the first shard is empty; shards of nearly the same length end
    # nearly together.
    shares = shard_sizes(batch_size, num_shards)
    full = min(size // share for size, share in zip(sizes, shares, strict=True))
    assert lengths[:full] == [batch_size] * full
    assert all(0 < length <= batch_size for length in lengths)
    if num_shards == 1:
        assert lengths[:-1] == [batch_size] * (len(lengths) - 1)


@pytest.mark.parametrize("num_shards", [2, 3, 5])
def test_every_shard_gives_its_share_in_the_order_of_the_shards(
    design: Design, tmp_path: Path, num_shards: int
) -> None:
    sizes = shard_sizes(60, num_shards)
    of = batches(shards(tmp_path, design, sizes, 4), 11)
    starts = np.cumsum([0, *sizes])
    for batch in visited(of, 1)[: min(sizes) // math.ceil(11 / num_shards)]:
        assert [len(micro_batch) for micro_batch in batch] == shard_sizes(11, num_shards)
        for shard, micro_batch in enumerate(batch):
            assert all(starts[shard] <= row < starts[shard + 1] for row in micro_batch)


def order(found: Batches) -> list[int]:
    return [row for batch in found for micro_batch in batch for row in micro_batch]


def test_the_same_seed_and_epoch_give_the_same_order_and_others_another(
    design: Design, tmp_path: Path
) -> None:
    rows = shards(tmp_path, design, [50], 20)
    first = order(visited(batches(rows, 8), 1))
    assert order(visited(batches(rows, 8), 1)) == first
    assert order(visited(batches(rows, 8), 2)) != first
    assert order(visited(batches(rows, 8, seed=2), 1)) != first


def test_epochs_can_be_visited_in_any_order(design: Design, tmp_path: Path) -> None:
    rows = shards(tmp_path, design, [30, 30], 7)
    of = batches(rows, 8)
    third = visited(of, 3)
    visited(of, 1)
    assert visited(of, 3) == third == visited(batches(rows, 8), 3)


def test_the_batch_size_cuts_the_same_order_differently(design: Design, tmp_path: Path) -> None:
    rows = shards(tmp_path, design, [53], 10)
    assert (
        order(visited(batches(rows, 1), 4))
        == order(visited(batches(rows, 9), 4))
        == order(visited(batches(rows, 99), 4))
    )


def test_chunks_that_are_read_again_give_the_same_batches(design: Design, tmp_path: Path) -> None:
    cached = visited(batches(shards(tmp_path, design, [40, 39], 9), 8), 2)
    uncached = shards(tmp_path, design, [40, 39], 9)
    for shard in uncached:
        shard.limit_cache(0)
    assert visited(batches(uncached, 8), 2) == cached


def test_every_order_of_the_rows_of_a_chunk_is_equally_likely(
    design: Design, tmp_path: Path
) -> None:
    rows = shards(tmp_path, design, [4], 10)
    draws = 2400
    orders = [tuple(order(visited(batches(rows, 4), epoch))) for epoch in range(1, draws + 1)]
    counts = np.array([orders.count(each) for each in set(orders)])
    assert len(counts) == 24
    chi_square = float(((counts - draws / 24) ** 2 / (draws / 24)).sum())
    assert chi_square < 23 + 4 * math.sqrt(
        46
    )  # 23 degrees of freedom: four standard deviations above


def test_chunks_are_read_in_a_random_order_one_after_the_other(
    design: Design, tmp_path: Path
) -> None:
    rows = shards(tmp_path, design, [40], 10)
    of = batches(rows, 10)
    chunks = []
    for epoch in range(1, 200):
        chunk_of_batch = [{row // 10 for row in batch[0]} for batch in visited(of, epoch)]
        assert all(len(each) == 1 for each in chunk_of_batch)  # memory is bounded by a chunk
        chunks.append(chunk_of_batch[0].pop())
    # Each of four chunks comes first a quarter of the time: five standard deviations of 199 draws.
    assert np.abs(np.bincount(chunks, minlength=4) - 199 / 4).max() < 5 * math.sqrt(199 * 3 / 16)


@pytest.mark.parametrize(("name", "dtype"), [("float32", torch.float), ("float64", torch.double)])
def test_batches_are_scaled_and_have_the_type_of_the_training(
    design: Design, tmp_path: Path, name: str, dtype: torch.dtype
) -> None:
    scaling = Scaling(np.array([3.0]), np.array([7.0]), -2.0, 0.3)
    rows_of_shards = shards(tmp_path, design, [9], 9)
    of = ShuffledBatches(rows_of_shards, scaling, BatchPlan(rows_of_shards, 9), 1, dtype, "cpu")
    ((_, (X, y, _)),) = next(of.epoch(1)).micro_batches
    assert (X.dtype, y.dtype) == (dtype, dtype)
    rows = sorted(zip(X[:, 0].tolist(), y[:, 0].tolist(), strict=True))
    expected = [((x - 3.0) / 7.0, (-x + 2.0) / 0.3) for x in np.arange(9.0)]
    assert rows == [tuple(np.array(pair).astype(name).tolist()) for pair in expected]


# in the middle of an epoch, and divided among processes


@pytest.mark.slow
@settings(max_examples=60)
@given(
    sizes=st.lists(st.integers(0, 40), min_size=1, max_size=5).filter(any),
    rows_per_group=st.integers(1, 40),
    extra=st.integers(0, 20),
    epoch=st.integers(1, 3),
    weighted=st.booleans(),
    data=st.data(),
)
def test_an_epoch_from_any_batch_on_is_the_epoch_without_those_before(
    design: Design,
    sizes: list[int],
    rows_per_group: int,
    extra: int,
    epoch: int,
    weighted: bool,
    data: st.DataObject,
) -> None:
    """Shards of any lengths, of which some are empty; with k = 0 it is what the tests above are
    about.
    """
    design = with_weights(design) if weighted else design
    with TemporaryDirectory() as folder:
        of = batches(shards(Path(folder), design, sizes, rows_per_group), len(sizes) + extra)
        whole = [as_lists(batch) for batch in of.epoch(epoch)]
        assert sum(sum(lengths) for lengths, _ in whole) == sum(sizes)
        first = data.draw(st.integers(0, len(whole)))
        assert [as_lists(batch) for batch in of.epoch(epoch, first)] == whole[first:]
    weights = {micro_batch[3] is None for batch in whole for micro_batch in batch[1]}
    assert weights == {not weighted}


@pytest.mark.slow
@settings(max_examples=60)
@given(
    sizes=st.lists(st.integers(0, 40), min_size=1, max_size=6).filter(any),
    rows_per_group=st.integers(1, 40),
    extra=st.integers(0, 20),
    data=st.data(),
)
def test_a_process_has_the_micro_batches_of_its_own_shards_and_all_lengths(
    design: Design, sizes: list[int], rows_per_group: int, extra: int, data: st.DataObject
) -> None:
    design = with_weights(design)
    start = data.draw(st.integers(0, len(sizes)))
    own = range(start, data.draw(st.integers(start, len(sizes))))
    with TemporaryDirectory() as folder:
        of_all = shards(Path(folder), design, sizes, rows_per_group)
        whole = batches(of_all, len(sizes) + extra)
        ours = batches(of_all, len(sizes) + extra, own=own)
        num_batches = BatchPlan(of_all, len(sizes) + extra).steps_per_epoch
        first = data.draw(st.integers(0, num_batches))
        expected = [as_lists(batch) for batch in whole.epoch(2, first)]
        found = [as_lists(batch) for batch in ours.epoch(2, first)]
    assert [lengths for lengths, _ in found] == [lengths for lengths, _ in expected]
    assert [micro_batches for _, micro_batches in found] == [
        [micro_batch for micro_batch in micro_batches if micro_batch[0] in own]
        for _, micro_batches in expected
    ]


class Counting(Rows):
    """Rows that record which chunks were read."""

    def __init__(self, path: Path, design: Design) -> None:
        super().__init__(path, design)
        self.read: list[int] = []

    def chunk(self, index: int) -> Chunk:
        self.read.append(index)
        return super().chunk(index)


@pytest.mark.parametrize("first", [0, 3, 10])
def test_a_process_reads_only_its_own_chunks_from_the_first_batch_on(
    design: Design, tmp_path: Path, first: int
) -> None:
    """Going on after 10 of 20 batches costs no reading of the rows before them, and others' shards
    none at all.
    """
    counting = [Counting(rows.path, design) for rows in shards(tmp_path, design, [40, 40, 40], 4)]
    of = batches([*counting], 6, own=range(1, 2))
    assert len(list(of.epoch(1, first))) == 20 - first
    assert [len(rows.read) for rows in counting] == [0, 10 - first // 2, 0]
    assert len(set(counting[1].read)) == 10 - first // 2


def with_weights(design: Design) -> Design:
    """The same with the weights in a column, x + 1: each row has its own."""
    return replace(design, schema=replace(design.schema, weights="w"))


def as_lists(
    batch: Batch,
) -> tuple[list[int], list[tuple[int, list[float], list[float], list[float] | None]]]:
    """A batch as numbers: the lengths, and of each micro_batch the shard, x, y and √w."""
    micro_batches = [
        (
            shard,
            X[:, 0].tolist(),
            y[:, 0].tolist(),
            None if sqrt_w is None else sqrt_w[:, 0].tolist(),
        )
        for shard, (X, y, sqrt_w) in batch.micro_batches
    ]
    for _, x, y, sqrt_w in micro_batches:
        assert [-each for each in y] == x
        assert sqrt_w is None or sqrt_w == np.sqrt(np.array(x) + 1).tolist()
    return list(batch.lengths), micro_batches


# in the memory of a device


def chunks_read_again(rows: Counting, free_bytes: int) -> list[int]:
    """The number of chunks that each of three epochs has read from the file."""
    of = batches([rows], 5)
    # What a CUDA device would have.
    of._free_bytes = free_bytes
    counts, found = [], []
    for _ in range(3):
        rows.read.clear()
        found.append([as_lists(batch) for batch in of.epoch(1)])
        counts.append(len(rows.read))
    assert found[0] == found[1] == found[2]
    return counts


@pytest.mark.parametrize("weighted", [False, True])
def test_chunks_stay_on_the_device_while_they_fit_into_its_free_memory(
    design: Design, tmp_path: Path, weighted: bool
) -> None:
    """Four chunks of 4 rows, each of x, y and, with weights, √w in float64."""
    design = with_weights(design) if weighted else design
    rows = Counting(shards(tmp_path, design, [16], 4)[0].path, design)
    of_a_chunk = 4 * 8 * (3 if weighted else 2)
    for fitting in range(5):
        expected = [4, 4 - fitting, 4 - fitting]
        assert chunks_read_again(rows, fitting * of_a_chunk) == expected
        assert chunks_read_again(rows, (fitting + 1) * of_a_chunk - 1) == expected


def test_without_a_device_chunks_are_read_anew(design: Design, tmp_path: Path) -> None:
    rows = Counting(shards(tmp_path, design, [16], 4)[0].path, design)
    of = batches([rows], 5)
    for _ in range(2):
        list(of.epoch(1))
    assert len(rows.read) == 8
