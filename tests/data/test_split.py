import datetime
import inspect
import itertools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from linreg.data import split as split_module
from linreg.data.split import (
    PARTS,
    Division,
    Labels,
    RandomAssignment,
    Shuffle,
    allot,
    divide,
    part_sizes,
    parts_of_groups,
    shard_sizes,
)
from linreg.data.tables import parquet as table_module
from linreg.data.tables.parquet import TableFile, write_table
from linreg.errors import UserError
from linreg.files import read_document
from linreg.params import Split
from linreg.process.workers import Workers
from linreg.seeds import generator
from stages import split as stage


class Parts(NamedTuple):
    """The row numbers of each part in the order on disk, and the files' bytes."""

    train: list[list[int]]
    validation: list[int]
    test: list[int]
    files: dict[str, bytes]

    @property
    def all(self) -> list[int]:
        return [*itertools.chain(*self.train), *self.validation, *self.test]


Run = Callable[..., Parts]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, together: Callable[..., list[Any]]) -> Run:
    """Runs the stage on a table with the row numbers in a column `row`, alone or with several
    workers.
    """
    monkeypatch.chdir(tmp_path)

    def run(
        num_rows: int, columns: dict[str, Any] | None = None, num_workers: int = 1, **split: Any
    ) -> Parts:
        assert Path.cwd() == tmp_path  # the stage writes where it runs
        table = pa.table(
            {"row": np.arange(num_rows), "g": [f"g{i}" for i in range(num_rows)], **(columns or {})}
        )
        Path("data/ingested").mkdir(parents=True, exist_ok=True)
        write_table(Path("data/ingested/table.parquet"), table.schema, [table])
        values = {"batch_size": 100 * split.get("shards", 1)}
        Path("params.yaml").write_text(f"split: {Split(**split).model_dump()}\ntrain: {values}\n")
        if num_workers == 1:
            stage.main()
        else:
            together(num_workers, inspect.unwrap(stage.main))
        assert sorted(path.name for path in Path("data").iterdir()) == ["ingested", "split"]
        folder = Path("data/split")
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }

        def rows(path: Path) -> list[int]:
            read = pq.read_table(path)
            assert read.schema.equals(table.schema)
            assert read.equals(
                table.take(read.column("row"))
            )  # whole rows moved, no cell on its own
            return list(read.column("row").to_pylist())

        parts = Parts(
            [rows(path) for path in sorted((folder / "train").glob("*.parquet"))],
            rows(folder / "validation.parquet"),
            rows(folder / "test.parquet"),
            files,
        )
        document = read_document(folder / "split.json")
        assert {key: document[key] for key in ("rows", "shards")} == {
            "rows": {
                "train": sum(map(len, parts.train)),
                "validation": len(parts.validation),
                "test": len(parts.test),
            },
            "shards": [len(shard) for shard in parts.train],
        }
        return parts

    return run


def all_labels(division: Division, rows_per_group: int) -> Labels:
    """The part of each row of a table, from its row groups, whose counts must be those of the
    labels.
    """
    labels = [division.labels(block) for block in range(len(division.counts))]
    assert [len(each) for each in labels[:-1]] == [rows_per_group] * (len(labels) - 1)
    assert [np.bincount(each, minlength=3).tolist() for each in labels] == division.counts
    return np.concatenate(labels)


def in_thirds(**split: Any) -> Split:
    return Split(**{"train": 0.6, "validation": 0.2, "test": 0.2, **split})


# sizes

QUOTAS = st.lists(st.integers(0, 1000), min_size=1, max_size=6)


@given(QUOTAS, st.data())
def test_a_block_is_divided_within_one_row_of_the_quotas_proportion(
    quotas: list[int], data: st.DataObject
) -> None:
    num_rows = data.draw(st.integers(0, sum(quotas)))
    counts = allot(num_rows, quotas)
    assert sum(counts) == num_rows
    for count, quota in zip(counts, quotas, strict=True):
        assert 0 <= count <= quota
        assert abs(count - Fraction(num_rows * quota, max(1, sum(quotas)))) < 1


@settings(max_examples=50)
@given(QUOTAS, st.data())
def test_quotas_are_used_up_exactly_however_long_the_blocks_are(
    quotas: list[int], data: st.DataObject
) -> None:
    lengths, left = [], sum(quotas)
    while left:
        lengths.append(data.draw(st.integers(-(-left // 6), left)))
        left -= lengths[-1]
    dealer, dealt = RandomAssignment(lengths, quotas, 1, "test"), np.zeros(len(quotas), int)
    for block, num_rows in enumerate(lengths):
        labels = dealer.deal(block)
        assert len(labels) == num_rows
        counts = np.bincount(labels, minlength=len(quotas))
        assert counts.tolist() == dealer.counts[block]
        dealt += counts
    assert dealt.tolist() == quotas


def test_a_block_is_dealt_the_same_whoever_deals_the_others() -> None:
    in_order, alone = (RandomAssignment([7, 5, 0, 9], [12, 4, 5], 1, "test") for _ in range(2))
    dealt = [in_order.deal(block).tolist() for block in range(4)]
    assert [alone.deal(block).tolist() for block in (3, 1, 0, 2, 1)] == [
        dealt[block] for block in (3, 1, 0, 2, 1)
    ]


def test_blocks_of_the_same_counts_are_dealt_differently() -> None:
    dealer = RandomAssignment([40] * 5, [100, 100], 1, "test")
    assert dealer.counts == [[20, 20]] * 5
    assert len({tuple(dealer.deal(block).tolist()) for block in range(5)}) == 5


@given(st.integers(0, 10**9), st.integers(1, 4096))
def test_shards_are_as_equal_as_can_be(num_rows: int, num_shards: int) -> None:
    sizes = shard_sizes(num_rows, num_shards)
    assert len(sizes) == num_shards
    assert sum(sizes) == num_rows
    assert max(sizes) - min(sizes) <= 1
    assert sizes == sorted(sizes, reverse=True)


@st.composite
def shares(draw: st.DrawFn) -> Split:
    """Shares in thousandths."""
    validation = draw(st.integers(0, 900))
    test = draw(st.integers(0, 999 - validation))
    return Split(
        train=(1000 - validation - test) / 1000, validation=validation / 1000, test=test / 1000
    )


@given(st.integers(1, 10**9), shares())
def test_validation_and_test_get_their_share_rounded_and_training_the_rest(
    num_rows: int, params: Split
) -> None:
    in_thousandths = [
        round(1000 * share) for share in (params.train, params.validation, params.test)
    ]
    validation, test = (
        math.floor(Fraction(share * num_rows, 1000) + Fraction(1, 2))
        for share in in_thousandths[1:]
    )
    sizes = [num_rows - validation - test, validation, test]
    if any(share > 0 and size <= 0 for share, size in zip(in_thousandths, sizes, strict=True)):
        with pytest.raises(UserError, match="gets no row"):
            part_sizes(num_rows, params)
    else:
        assert part_sizes(num_rows, params) == sizes


@pytest.mark.parametrize(
    ("num_rows", "sizes"),
    [(10_000, [7000, 1500, 1500]), (100, [70, 15, 15]), (10, [6, 2, 2]), (4, [2, 1, 1])],
)
def test_the_default_shares_give_these_sizes(num_rows: int, sizes: list[int]) -> None:
    assert part_sizes(num_rows, Split()) == sizes


@pytest.mark.parametrize(
    ("num_rows", "part"), [(1, "validation"), (2, "validation"), (3, "validation")]
)
def test_a_share_that_gets_no_row_is_told(num_rows: int, part: str) -> None:
    with pytest.raises(
        UserError,
        match=rf"params\.yaml: split\.{part}: gets no row; found 0\.15 of {num_rows} rows",
    ):
        part_sizes(num_rows, Split())


# by row


@pytest.mark.parametrize(("num_rows", "shards"), [(10, 1), (100, 3), (1001, 7), (50, 30)])
def test_every_row_is_in_exactly_one_part_and_every_part_has_its_size(
    run: Run, num_rows: int, shards: int
) -> None:
    parts = run(num_rows, shards=shards)
    assert sorted(parts.all) == list(range(num_rows))
    assert [sum(map(len, parts.train)), len(parts.validation), len(parts.test)] == part_sizes(
        num_rows, Split()
    )
    assert [len(shard) for shard in parts.train] == shard_sizes(sum(map(len, parts.train)), shards)


@pytest.mark.parametrize("rows_per_group", [1, 7, 64])
def test_many_row_groups_lose_no_row(
    run: Run, monkeypatch: pytest.MonkeyPatch, rows_per_group: int
) -> None:
    monkeypatch.setattr(table_module, "ROWS_PER_GROUP", rows_per_group)
    parts = run(203, shards=4)
    assert sorted(parts.all) == list(range(203))
    assert [sum(map(len, parts.train)), len(parts.validation), len(parts.test)] == part_sizes(
        203, Split()
    )


@pytest.mark.parametrize("by", ["row", "group:g", "time:row"])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_rows(run: Run, by: str) -> None:
    first, again, other = (run(200, by=by, seed=seed, shards=2) for seed in (1, 1, 2))
    assert first.files == again.files
    assert first.train != other.train
    if by == "time:row":
        assert first.test == other.test
    else:
        assert sorted(first.test) != sorted(other.test)


def test_validation_and_test_rows_keep_the_order_of_the_table(run: Run) -> None:
    parts = run(500)
    assert parts.validation == sorted(parts.validation)
    assert parts.test == sorted(parts.test)


def test_without_validation_and_test_all_rows_train(run: Run) -> None:
    parts = run(40, train=1, validation=0, test=0)
    assert (sorted(parts.train[0]), parts.validation, parts.test) == (list(range(40)), [], [])


def test_every_row_is_equally_likely_in_each_part() -> None:
    num_rows, num_splits = 40, 3000
    params = in_thirds()
    found = np.zeros((num_rows, 3))
    for seed in range(num_splits):
        labels = RandomAssignment([num_rows], part_sizes(num_rows, params), seed, "parts").deal(0)
        found[np.arange(num_rows), labels] += 1
    expected = num_splits * np.array([0.6, 0.2, 0.2])
    chi_square = float(((found - expected) ** 2 / expected).sum())
    # 40 rows × 2 free counts, less the 2 that the exact sizes fix: 78 degrees of freedom, with a
    # standard deviation of √156; without replacement the sum is 40/39 of that. Four standard
    # deviations above.
    assert chi_square < (78 + 4 * math.sqrt(156)) * 40 / 39


# by group


@settings(max_examples=100)
@given(
    st.lists(st.sampled_from("abcdefgh"), min_size=8, max_size=60),
    st.integers(0, 5),
    st.integers(1, 9),
)
def test_a_group_is_never_in_two_parts(groups: list[str], seed: int, rows_per_group: int) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(table_module, "ROWS_PER_GROUP", rows_per_group)
        table = pa.table({"g": groups})
        write_table(Path(folder) / "t.parquet", table.schema, [table])
        try:
            division = divide(
                TableFile(Path(folder) / "t.parquet"), in_thirds(by="group:g", seed=seed)
            )
        except UserError:  # a part gets no group
            assume(False)
        labels = all_labels(division, rows_per_group)
    assert np.bincount(labels, minlength=3).tolist() == division.sizes
    assert all(division.sizes)
    assert len(set(zip(groups, labels.tolist(), strict=True))) == len(set(groups))


@pytest.mark.parametrize("rows_per_group", [1, 10, 1000])
def test_groups_and_times_do_not_depend_on_the_row_groups(
    run: Run, monkeypatch: pytest.MonkeyPatch, rows_per_group: int
) -> None:
    columns = {"who": [f"p{i % 13}" for i in range(130)], "t": [(i * 37) % 50 for i in range(130)]}
    for by in ("group:who", "time:t"):
        whole = run(130, columns, by=by)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(table_module, "ROWS_PER_GROUP", rows_per_group)
            cut = run(130, columns, by=by)
        assert [set(cut.train[0]), cut.validation, cut.test] == [
            set(whole.train[0]),
            whole.validation,
            whole.test,
        ]


def test_the_shares_of_many_equal_groups_are_kept_within_a_group() -> None:
    values = pa.chunked_array([pa.array(np.repeat(np.arange(100), 7))])
    sizes = [420, 140, 140]
    groups, part_of = parts_of_groups(values, sizes, in_thirds(by="group:g"))
    assert sorted(groups.to_pylist()) == list(range(100))
    assert (np.bincount(part_of, minlength=3) * 7).tolist() == sizes


def test_groups_are_dealt_out_at_random() -> None:
    values = pa.chunked_array([pa.array(np.arange(30))])
    in_test = np.zeros(30)
    for seed in range(1000):
        groups, part_of = parts_of_groups(values, [18, 6, 6], in_thirds(by="group:g", seed=seed))
        in_test[groups.to_numpy()] += part_of == PARTS.index("test")
    # Each group is in the test part with probability 0.2: five standard deviations of 1000 draws.
    assert np.abs(in_test - 200).max() < 5 * math.sqrt(1000 * 0.2 * 0.8)


def test_too_few_groups_are_told(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        run(20, {"who": ["a"] * 15 + ["b"] * 5}, by="group:who")
    assert end.value.code == 2
    assert "gets no row; found 0.15 of 2 different values of who" in capsys.readouterr().err


# by time


def check_order(times: Sequence[Any], rows_per_group: int = 1000) -> None:
    """Check a split of these times: later parts are strictly later, and sizes are near the
    shares.
    """
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(table_module, "ROWS_PER_GROUP", rows_per_group)
        table = pa.table({"t": times})
        write_table(Path(folder) / "t.parquet", table.schema, [table])
        try:
            division = divide(TableFile(Path(folder) / "t.parquet"), in_thirds(by="time:t"))
        except UserError:
            assume(False)
        labels = all_labels(division, rows_per_group)
    train, validation, test = (
        [t for t, label in zip(times, labels, strict=True) if label == part] for part in range(3)
    )
    assert max(train) < min(validation)
    assert max(validation) < min(test)
    most_equal = max(times.count(t) for t in set(times))
    for part, wanted in zip(
        (train, validation, test), part_sizes(len(times), in_thirds()), strict=True
    ):
        assert abs(len(part) - wanted) <= most_equal
    assert division.sizes == [len(train), len(validation), len(test)]


@settings(max_examples=60)
@given(st.lists(st.integers(-20, 20), min_size=5, max_size=60), st.integers(1, 9))
def test_the_newest_rows_are_the_test_rows_and_those_before_them_the_validation_rows(
    times: list[int], rows_per_group: int
) -> None:
    check_order(times, rows_per_group)


@pytest.mark.parametrize(
    "times",
    [
        [datetime.date(2020, 1, 1) + datetime.timedelta(days=(7 * i) % 40) for i in range(40)],
        [
            datetime.datetime(1969, 12, 31, 23) + datetime.timedelta(minutes=(7 * i) % 40)
            for i in range(40)
        ],
        [-0.5 + ((7 * i) % 40) / 8 for i in range(40)],
        [f"2020-01-{(7 * i) % 28 + 1:02d}" for i in range(28)],
    ],
    ids=["date", "timestamp", "float", "text"],
)
def test_time_may_be_a_date_a_timestamp_a_number_or_sortable_text(times: list[Any]) -> None:
    check_order(times)


def test_a_split_by_time_does_not_leak_the_order_into_the_training_shards(run: Run) -> None:
    parts = run(1000, {"t": range(1000)}, by="time:t")
    assert abs(rank_correlation(parts.train[0])) < 4 / math.sqrt(700)


# the order of the training rows


def rank_correlation(order: Sequence[int]) -> float:
    """Spearman's correlation of a row's place with its place before; 0 ± 1/√n at random."""
    ranks = np.argsort(np.argsort(order))
    return float(np.corrcoef(ranks, np.arange(len(order)))[0, 1])


def test_training_rows_lie_in_an_order_that_has_nothing_to_do_with_the_tables(run: Run) -> None:
    for shard in run(4000, shards=2).train:
        n = len(shard)
        # Spearman's correlation has the standard deviation 1/√(n − 1), that of neighbours in the
        # order likewise.
        assert abs(rank_correlation(shard)) < 4 / math.sqrt(n)
        assert abs(np.corrcoef(shard[:-1], shard[1:])[0, 1]) < 4 / math.sqrt(n)


def test_every_row_is_equally_likely_in_each_shard() -> None:
    num_rows, seeds = 30, 2000
    counts = np.zeros((num_rows, 3))
    for seed in range(seeds):
        labels = RandomAssignment([num_rows], [10, 10, 10], seed, "shards").deal(0)
        counts[np.arange(num_rows), labels] += 1
    chi_square = float(((counts - seeds / 3) ** 2 / (seeds / 3)).sum())
    # 30 rows × 2 free counts, less 2: 58 degrees of freedom; four standard deviations above, ×
    # 30/29 as above.
    assert chi_square < (58 + 4 * math.sqrt(116)) * 30 / 29


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
    """The order that `Shuffle` gives to the rows 0, 1, …, which workers bring in blocks of these
    lengths.
    """
    schema = numbers(0, 0).schema
    ends = np.cumsum(lengths).tolist()
    assert ends[-1] == num_rows
    with TemporaryDirectory() as folder:
        workers = [Workers(rank, num_workers) for rank in range(num_workers)]
        shuffles = [Shuffle(num_rows, seed, shard, schema, Path(folder), each) for each in workers]
        for each, shuffle in reversed(
            list(zip(workers, shuffles, strict=True))
        ):  # whoever comes first
            for block in each.mine(len(lengths)):
                shuffle.add(numbers(ends[block] - lengths[block], lengths[block]), block)
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
def test_a_shuffle_through_any_number_of_buckets_is_a_permutation_that_does_not_depend_on_who_brings_the_blocks(
    lengths: list[int], rows_per_bucket: int, num_workers: int, data: st.DataObject
) -> None:
    num_rows = sum(lengths)
    writer = data.draw(st.integers(0, num_workers - 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(split_module, "ROWS_PER_BUCKET", rows_per_bucket)
        order = shuffled(num_rows, lengths)
        assert sorted(order) == list(range(num_rows))
        assert order == shuffled(num_rows, lengths, num_workers=num_workers, writer=writer)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=6))
def test_a_shuffle_in_memory_does_not_depend_on_the_blocks(lengths: list[int]) -> None:
    """With several buckets it does: a block throws its rows into them by a generator of its own."""
    num_rows = sum(lengths)
    order = shuffled(num_rows, lengths)
    assert order == shuffled(num_rows, [num_rows])
    assert order == shuffled(num_rows, [1] * num_rows or [0])
    expected = generator(1, "shuffle", 0, 0).permutation(num_rows).tolist()
    assert order == expected


@pytest.mark.parametrize(("rows_per_bucket", "lengths"), [(2, [4]), (2, [1, 1, 1, 1]), (100, [4])])
def test_every_order_is_equally_likely_with_one_bucket_or_several(
    monkeypatch: pytest.MonkeyPatch, rows_per_bucket: int, lengths: list[int]
) -> None:
    monkeypatch.setattr(split_module, "ROWS_PER_BUCKET", rows_per_bucket)
    draws = 360
    orders = [tuple(shuffled(4, lengths, seed=seed)) for seed in range(draws)]
    counts = np.array([orders.count(order) for order in itertools.permutations(range(4))])
    chi_square = float(((counts - draws / 24) ** 2 / (draws / 24)).sum())
    # 23 degrees of freedom: four standard deviations above.
    assert chi_square < 23 + 4 * math.sqrt(46)


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
"""Columns by the bytes of a row, text counting 32 and a truth value a bit."""


@pytest.mark.parametrize(("num_bytes", "times"), [(128, 1), (130, 2), (1024, 8), (1025, 16)])
def test_a_bucket_has_fewer_rows_where_they_are_wide(
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
        Shuffle(num_rows, 1, 0, WIDE[num_bytes], folder).close()
        assert len(list(folder.iterdir())) == num_buckets


def test_wide_rows_are_shuffled_as_any(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(
        split_module, "ROWS_PER_BUCKET", 64
    )  # of 8 when they are eight times as wide
    schema = WIDE[1024]
    rows = pa.table(
        {
            "row": np.arange(50),
            **{name: np.arange(50, dtype=np.float32) for name in schema.names[1:]},
        }
    )
    shuffle = Shuffle(50, 1, 0, schema, tmp_path)
    shuffle.add(rows, 0)
    shuffle.close()
    assert len(list(tmp_path.iterdir())) == 7
    shuffle.write(tmp_path / "out.parquet")
    read = pq.read_table(tmp_path / "out.parquet")
    assert sorted(read.column("row").to_pylist()) == list(range(50))
    assert read.equals(rows.take(read.column("row")))


def test_shards_share_the_room_for_rows_that_wait(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(split_module, "ROWS_PER_BUCKET", 10)
    monkeypatch.setattr(split_module, "ROWS_WAITING", 40)

    def on_disk() -> int:
        return sum(path.stat().st_size for path in tmp_path.iterdir())

    for num_shuffles, added_in_time in ((1, 40), (2, 20), (4, 10), (100, 1)):
        shuffle = Shuffle(
            100, 1, num_shuffles, numbers(0, 0).schema, tmp_path, num_shuffles=num_shuffles
        )
        empty = on_disk()
        for row in range(added_in_time):
            assert on_disk() == empty
            shuffle.add(numbers(row, 1), row)
        assert on_disk() > empty


def test_the_stage_says_how_many_shards_share_the_room(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []

    def shuffle(*args: Any, **options: Any) -> Shuffle:
        said.append(options["num_shuffles"])
        return Shuffle(*args, **options)

    monkeypatch.setattr(stage, "Shuffle", shuffle)
    run(100, shards=3)
    assert said == [3, 3, 3]


@pytest.mark.parametrize("rows_per_bucket", [10, 1000])
def test_the_order_does_not_depend_on_the_room_for_rows_that_wait(
    run: Run, monkeypatch: pytest.MonkeyPatch, rows_per_bucket: int
) -> None:
    monkeypatch.setattr(split_module, "ROWS_PER_BUCKET", rows_per_bucket)
    monkeypatch.setattr(table_module, "ROWS_PER_GROUP", 17)
    expected = run(300, shards=3).files
    for rows_waiting in (0, 1, 50, 120):
        monkeypatch.setattr(split_module, "ROWS_WAITING", rows_waiting)
        assert run(300, shards=3).files == expected
        assert run(300, num_workers=2, shards=3).files == expected


def test_shards_are_shuffled_differently() -> None:
    assert shuffled(50, [50], shard=0) != shuffled(50, [50], shard=1)


@pytest.mark.parametrize("rows_per_bucket", [10, 64])
def test_the_stage_keeps_every_row_with_many_buckets(
    run: Run, monkeypatch: pytest.MonkeyPatch, rows_per_bucket: int
) -> None:
    monkeypatch.setattr(split_module, "ROWS_PER_BUCKET", rows_per_bucket)
    monkeypatch.setattr(table_module, "ROWS_PER_GROUP", 17)
    parts = run(400, shards=3)
    assert sorted(parts.all) == list(range(400))
    assert all(abs(rank_correlation(shard)) < 4 / math.sqrt(len(shard)) for shard in parts.train)


# several workers


@pytest.mark.parametrize("rows_per_bucket", [20, 1 << 20])
@pytest.mark.parametrize(("num_rows", "rows_per_group"), [(203, 17), (203, 1000), (11, 2)])
@pytest.mark.parametrize("by", ["row", "group:who", "time:t"])
def test_any_number_of_workers_writes_the_same_files(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    by: str,
    num_rows: int,
    rows_per_group: int,
    rows_per_bucket: int,
) -> None:
    """Of 3 shards and 2 other files; with one row group, all but one worker have nothing to
    bring.
    """
    monkeypatch.setattr(table_module, "ROWS_PER_GROUP", rows_per_group)
    monkeypatch.setattr(split_module, "ROWS_PER_BUCKET", rows_per_bucket)
    columns = {
        "who": [f"p{i % 10}" for i in range(num_rows)],
        "t": [(i * 37) % 50 for i in range(num_rows)],
    }
    alone = run(num_rows, columns, by=by, shards=3)
    assert sorted(alone.all) == list(range(num_rows))
    for num_workers in (2, 3, 5, 7):
        assert run(num_rows, columns, num_workers, by=by, shards=3).files == alone.files, (
            num_workers
        )


def test_a_mistake_with_several_workers_leaves_no_half_of_a_folder(
    run: Run, tmp_path: Path
) -> None:
    whole = run(100, num_workers=3)
    with pytest.raises(UserError, match="gets no row"):
        run(3, num_workers=3)
    left = {
        path.relative_to(tmp_path / "data/split").as_posix(): path.read_bytes()
        for path in (tmp_path / "data/split").rglob("*")
        if path.is_file()
    }
    assert left == whole.files
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["ingested", "split"]
