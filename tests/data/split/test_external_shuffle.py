import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linreg.data.split import external_shuffle
from linreg.data.split.external_shuffle import ExternalShuffle
from linreg.process.workers import Workers
from linreg.seeds import generator


def numbers(start: int, count: int) -> pa.Table:
    return pa.table({"row": range(start, start + count)}, pa.schema([("row", pa.int64())]))


def shuffled(
    num_rows: int,
    lengths: Sequence[int],
    seed: int = 1,
    shard: int = 0,
    num_workers: int = 1,
    writer: int = 0,
) -> list[int]:
    """Return the order of the rows 0, 1, …, which workers add in row groups of these lengths."""
    schema = numbers(0, 0).schema
    ends = np.cumsum(lengths).tolist()
    assert ends[-1] == num_rows
    with TemporaryDirectory() as folder:
        workers = [Workers(rank, num_workers) for rank in range(num_workers)]
        shuffles = [
            ExternalShuffle(num_rows, seed, shard, schema, Path(folder), each) for each in workers
        ]
        # In reverse: it must not matter which worker is done first.
        for each, shuffle in reversed(list(zip(workers, shuffles, strict=True))):
            for group in each.own_range(len(lengths)):
                shuffle.add(numbers(ends[group] - lengths[group], lengths[group]), group)
            shuffle.close()
        shuffles[writer].write(Path(folder) / "out.parquet")
        assert sorted(path.name for path in Path(folder).iterdir()) == ["_out.seal", "out.parquet"]
        return list(pq.read_table(Path(folder) / "out.parquet").column("row").to_pylist())


@settings(max_examples=40)
@given(
    lengths=st.lists(st.integers(0, 30), min_size=1, max_size=6),
    rows_per_bucket=st.integers(1, 40),
    num_workers=st.integers(2, 8),
    data=st.data(),
)
def test_the_order_is_a_permutation_that_does_not_depend_on_the_number_of_workers(
    lengths: list[int], rows_per_bucket: int, num_workers: int, data: st.DataObject
) -> None:
    num_rows = sum(lengths)
    writer = data.draw(st.integers(0, num_workers - 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(external_shuffle, "ROWS_PER_BUCKET", rows_per_bucket)
        order = shuffled(num_rows, lengths)
        assert sorted(order) == list(range(num_rows))
        assert order == shuffled(num_rows, lengths, num_workers=num_workers, writer=writer)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=6))
def test_the_order_of_a_single_bucket_does_not_depend_on_the_row_groups(lengths: list[int]) -> None:
    """With several buckets it does: each row group draws buckets from its own generator."""
    num_rows = sum(lengths)
    order = shuffled(num_rows, lengths)
    assert order == shuffled(num_rows, [num_rows])
    assert order == shuffled(num_rows, [1] * num_rows or [0])
    expected = generator(1, "shuffle", 0, 0).permutation(num_rows).tolist()
    assert order == expected


@pytest.mark.parametrize(
    ("rows_per_bucket", "lengths"),
    [(2, [4]), pytest.param(2, [1, 1, 1, 1], marks=pytest.mark.slow), (100, [4])],
)
def test_every_order_is_equally_likely_with_one_bucket_or_several(
    monkeypatch: pytest.MonkeyPatch, rows_per_bucket: int, lengths: list[int]
) -> None:
    monkeypatch.setattr(external_shuffle, "ROWS_PER_BUCKET", rows_per_bucket)
    draws = 360
    orders = [tuple(shuffled(4, lengths, seed=seed)) for seed in range(draws)]
    counts = np.array([orders.count(order) for order in itertools.permutations(range(4))])
    chi_square = float(((counts - draws / 24) ** 2 / (draws / 24)).sum())
    # 23 degrees of freedom: four standard deviations above.
    assert chi_square < 23 + 4 * math.sqrt(46)


def test_shards_are_shuffled_differently() -> None:
    assert shuffled(50, [50], shard=0) != shuffled(50, [50], shard=1)


# Columns by the bytes of a row; text counts 32 bytes and a truth value one bit.
WIDE = {
    128: pa.schema(
        [("row", pa.int64()), ("s", pa.string()), *((f"x{i}", pa.float64()) for i in range(11))]
    ),
    130: pa.schema(
        [
            ("row", pa.int64()),
            *((f"s{i}", pa.string()) for i in range(3)),
            ("d", pa.decimal128(9)),
            ("t", pa.timestamp("us")),
            ("i", pa.int16()),
        ]
    ),
    1024: pa.schema([("row", pa.int64()), *((f"x{i}", pa.float32()) for i in range(254))]),
    1025: pa.schema(
        [("row", pa.int64()), *((f"x{i}", pa.float64()) for i in range(127)), ("b", pa.bool_())]
    ),
}


@pytest.mark.parametrize(("num_bytes", "times"), [(128, 1), (130, 2), (1024, 8), (1025, 16)])
def test_buckets_have_fewer_rows_where_rows_are_wide(
    tmp_path: Path, num_bytes: int, times: int
) -> None:
    """Of at most 2^20 rows and 128 MiB: the rows that just fill three buckets, and one more."""
    most = (1 << 20) // times
    for num_rows, num_buckets in (
        (1, 1),
        (most, 1),
        (most + 1, 2),
        (3 * most, 3),
        (3 * most + 1, 4),
    ):
        folder = tmp_path / str(num_rows)
        folder.mkdir()
        ExternalShuffle(num_rows, 1, 0, WIDE[num_bytes], folder).close()
        assert len(list(folder.iterdir())) == num_buckets


def test_wide_rows_are_shuffled_without_loss(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Rows of 1024 bytes are eight times as wide as BYTES_PER_ROW: 8 of them fill a bucket.
    monkeypatch.setattr(external_shuffle, "ROWS_PER_BUCKET", 64)
    schema = WIDE[1024]
    rows = pa.table(
        {
            "row": np.arange(50),
            **{name: np.arange(50, dtype=np.float32) for name in schema.names[1:]},
        }
    )
    shuffle = ExternalShuffle(50, 1, 0, schema, tmp_path)
    shuffle.add(rows, 0)
    shuffle.close()
    assert len(list(tmp_path.iterdir())) == 7
    shuffle.write(tmp_path / "out.parquet")
    read = pq.read_table(tmp_path / "out.parquet")
    assert sorted(read.column("row").to_pylist()) == list(range(50))
    assert read.equals(rows.take(read.column("row")))


def test_the_shuffles_of_a_process_share_one_buffer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(external_shuffle, "ROWS_PER_BUCKET", 10)
    monkeypatch.setattr(external_shuffle, "BUFFERED_ROWS", 40)

    def on_disk() -> int:
        return sum(path.stat().st_size for path in tmp_path.iterdir())

    for num_shuffles, buffer_size in ((1, 40), (2, 20), (4, 10), (100, 1)):
        shuffle = ExternalShuffle(
            100, 1, num_shuffles, numbers(0, 0).schema, tmp_path, num_shuffles=num_shuffles
        )
        empty = on_disk()
        for row in range(buffer_size):
            assert on_disk() == empty
            shuffle.add(numbers(row, 1), row)
        assert on_disk() > empty
