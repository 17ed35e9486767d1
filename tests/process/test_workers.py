from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from linreg.process.workers import ALONE, Workers, shared_folder


@given(count=st.integers(0, 5000), size=st.integers(1, 1024))
def test_the_ranges_of_all_processes_partition_the_numbers_in_order(count: int, size: int) -> None:
    of_all = [Workers(rank, size).own_range(count) for rank in range(size)]
    assert [number for own in of_all for number in own] == list(range(count))
    assert max(map(len, of_all)) - min(map(len, of_all)) <= 1
    assert of_all == [Workers(0, size).range_of(rank, count) for rank in range(size)]


@given(size=st.integers(1, 100))
def test_exactly_one_process_is_the_first(size: int) -> None:
    assert [rank for rank in range(size) if Workers(rank, size).is_first] == [0]


def test_a_single_process_gathers_its_own_values() -> None:
    value, array = {"a": [1, None]}, np.array([0.1, np.nan])
    assert ALONE.gather(value) == [value]
    assert ALONE.concatenate([3, 1, 2]) == [3, 1, 2]
    assert ALONE.broadcast(value) == value
    (same,) = ALONE.gather_array(array)
    assert same.tobytes() == array.tobytes()
    ALONE.barrier()


def test_a_single_process_opens_a_shared_folder_as_any_folder(tmp_path: Path) -> None:
    events = []

    @contextmanager
    def folder(path: Path) -> Iterator[Path]:
        events.append("opened")
        yield path / "partial"
        events.append("closed")

    with shared_folder(folder, tmp_path, ALONE) as opened:
        events.append("used")
    assert opened == tmp_path / "partial"
    assert events == ["opened", "used", "closed"]
