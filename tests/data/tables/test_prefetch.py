import threading
import time
from collections.abc import Generator, Iterator
from typing import cast

import pytest

from linreg.data.tables.prefetch import prefetch


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("read-ahead")]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    assert readers() == []
    yield
    assert readers() == []


class Made:
    """Numbers from 0 on, with how many have been made so far, and by which threads."""

    def __init__(self, count: int, seconds: float = 0) -> None:
        self.count, self.seconds = count, seconds
        self.num, self.threads = 0, set[str]()

    def __iter__(self) -> Iterator[int]:
        for number in range(self.count):
            time.sleep(self.seconds)
            self.num += 1
            self.threads.add(threading.current_thread().name)
            yield number

    def wait(self, num: int) -> None:
        deadline = time.monotonic() + 10
        while self.num < num:
            assert time.monotonic() < deadline
            time.sleep(0.001)


@pytest.mark.parametrize("count", [0, 1, 2, 100])
@pytest.mark.parametrize(("making", "working"), [(0, 0), (0.001, 0), (0, 0.001)])
def test_everything_comes_in_its_order(count: int, making: float, working: float) -> None:
    found = []
    for number in prefetch(Made(count, making)):
        time.sleep(working)
        found.append(number)
    assert found == list(range(count))


def test_nothing_and_false_are_things_as_any() -> None:
    assert list(prefetch([None, False, 0, "", None])) == [None, False, 0, "", None]


def test_the_next_one_is_made_by_another_thread_while_this_one_is_worked_on() -> None:
    made = Made(5)
    for number in prefetch(made):
        made.wait(min(number + 2, 5))  # which would last forever if nobody made it
    assert len(made.threads) == 1
    assert threading.current_thread().name not in made.threads


def test_no_more_than_one_is_made_in_advance() -> None:
    made = Made(20)
    things = prefetch(made)
    assert made.num == 0
    for number in things:
        time.sleep(0.005)  # for whoever would make more
        assert made.num <= number + 2


@pytest.mark.parametrize("good", [0, 1, 2, 5])
def test_an_error_comes_in_its_place(good: int) -> None:
    def things() -> Iterator[int]:
        yield from range(good)
        raise ZeroDivisionError("in its place")

    found: list[int] = []
    with pytest.raises(ZeroDivisionError, match="in its place"):
        found.extend(prefetch(things()))
    assert found == list(range(good))


@pytest.mark.parametrize("taken", [1, 3])
def test_whoever_stops_early_leaves_no_thread_and_nothing_more_is_made(taken: int) -> None:
    made = Made(100, seconds=0.01)
    for number in prefetch(made):
        if number == taken - 1:
            break
    assert readers() == []
    assert made.num <= taken + 1

    made = Made(100, seconds=0.01)
    things = prefetch(made)
    assert [next(things) for _ in range(taken)] == list(range(taken))
    assert len(readers()) == 1
    things.close()  # type: ignore[attr-defined]
    assert readers() == []
    assert made.num <= taken + 1


def test_an_error_of_whoever_works_leaves_no_thread() -> None:
    def work() -> None:
        for number in prefetch(Made(100, seconds=0.01)):
            1 / (number - 2)

    with pytest.raises(ZeroDivisionError):
        work()


def test_a_reader_can_clear_away_what_was_left_half_way() -> None:
    kept: list[Generator[int, None, None]] = []
    cleared: list[str] = []

    def things() -> Iterator[int]:
        yield 0
        try:
            # as the garbage collector does, in whatever thread it happens to run
            kept.pop().close()
            cleared.append(threading.current_thread().name)
        except RuntimeError as error:
            cleared.append(str(error))
        yield 1

    kept.append(cast("Generator[int, None, None]", prefetch(things())))
    taken = next(kept[0])
    deadline = time.monotonic() + 10
    while readers():
        assert time.monotonic() < deadline
        time.sleep(0.001)
    assert (taken, kept) == (0, [])
    assert cleared == ["read-ahead_0"]
