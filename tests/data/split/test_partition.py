import datetime
import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from linreg.data.split.partition import (
    PARTS,
    Partition,
    part_sizes,
    partition_rows,
    parts_of_values,
)
from linreg.data.split.random_assignment import Labels
from linreg.data.tables import parquet
from linreg.data.tables.parquet import TableFile, write_table
from linreg.errors import UserError
from linreg.params.split import Split


def split_60_20_20(**split: Any) -> Split:
    return Split(**{"train": 0.6, "validation": 0.2, "test": 0.2, **split})


def all_labels(partition: Partition, rows_per_group: int) -> Labels:
    """Return the part of each row of a table, checked against the counts of its row groups."""
    labels = [partition.labels(group) for group in range(len(partition.counts))]
    assert [len(each) for each in labels[:-1]] == [rows_per_group] * (len(labels) - 1)
    assert [np.bincount(each, minlength=3).tolist() for each in labels] == partition.counts
    return np.concatenate(labels)


# sizes


@st.composite
def shares(draw: st.DrawFn) -> Split:
    """Shares in thousandths."""
    validation = draw(st.integers(0, 900))
    test = draw(st.integers(0, 999 - validation))
    return Split(
        train=(1000 - validation - test) / 1000, validation=validation / 1000, test=test / 1000
    )


@given(st.integers(1, 10**9), shares())
def test_validation_and_test_get_their_rounded_share_and_training_the_rest(
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
        with pytest.raises(UserError, match="gets no rows"):
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
def test_a_share_that_gets_no_rows_is_refused(num_rows: int, part: str) -> None:
    with pytest.raises(
        UserError,
        match=rf"params\.yaml: split\.{part}: gets no rows; found 0\.15 of {num_rows} rows",
    ):
        part_sizes(num_rows, Split())


# by group


@settings(max_examples=100)
@given(
    st.lists(st.sampled_from("abcdefgh"), min_size=8, max_size=60),
    st.integers(0, 5),
    st.integers(1, 9),
)
def test_a_group_is_never_in_two_parts(groups: list[str], seed: int, rows_per_group: int) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "ROWS_PER_GROUP", rows_per_group)
        table = pa.table({"g": groups})
        write_table(Path(folder) / "t.parquet", table.schema, [table])
        try:
            partition = partition_rows(
                TableFile(Path(folder) / "t.parquet"), split_60_20_20(by="group:g", seed=seed)
            )
        except UserError:
            # A part gets no group.
            assume(False)
        labels = all_labels(partition, rows_per_group)
    assert np.bincount(labels, minlength=3).tolist() == partition.sizes
    assert all(partition.sizes)
    part_of = set(zip(groups, labels.tolist(), strict=True))
    assert len(part_of) == len(set(groups))
    of_parts = [sum(1 for _, label in part_of if label == part) for part in range(3)]
    assert list(partition.groups) == of_parts


def test_many_groups_of_equal_size_are_divided_in_exactly_the_shares() -> None:
    values = pa.chunked_array([pa.array(np.repeat(np.arange(100), 7))])
    sizes = [420, 140, 140]
    groups, part_of = parts_of_values(values, sizes, split_60_20_20(by="group:g"))
    assert sorted(groups.to_pylist()) == list(range(100))
    assert (np.bincount(part_of, minlength=3) * 7).tolist() == sizes


def test_every_group_is_equally_likely_in_the_test_part() -> None:
    values = pa.chunked_array([pa.array(np.arange(30))])
    in_test = np.zeros(30)
    for seed in range(1000):
        groups, part_of = parts_of_values(
            values, [18, 6, 6], split_60_20_20(by="group:g", seed=seed)
        )
        in_test[groups.to_numpy()] += part_of == PARTS.index("test")
    # Each group is in the test part with probability 0.2: five standard deviations of 1000 draws.
    assert np.abs(in_test - 200).max() < 5 * math.sqrt(1000 * 0.2 * 0.8)


# by time


def check_order(times: Sequence[Any], rows_per_group: int = 1000) -> None:
    """Check that later parts are strictly later and that their sizes are near the shares."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "ROWS_PER_GROUP", rows_per_group)
        table = pa.table({"t": times})
        write_table(Path(folder) / "t.parquet", table.schema, [table])
        try:
            partition = partition_rows(
                TableFile(Path(folder) / "t.parquet"), split_60_20_20(by="time:t")
            )
        except UserError:
            assume(False)
        labels = all_labels(partition, rows_per_group)
    train, validation, test = (
        [t for t, label in zip(times, labels, strict=True) if label == part] for part in range(3)
    )
    assert max(train) < min(validation)
    assert max(validation) < min(test)
    most_equal = max(times.count(t) for t in set(times))
    for part, wanted in zip(
        (train, validation, test), part_sizes(len(times), split_60_20_20()), strict=True
    ):
        assert abs(len(part) - wanted) <= most_equal
    assert partition.sizes == [len(train), len(validation), len(test)]


@settings(max_examples=60)
@given(st.lists(st.integers(-20, 20), min_size=5, max_size=60), st.integers(1, 9))
def test_the_newest_rows_are_test_rows_and_those_before_them_validation_rows(
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
