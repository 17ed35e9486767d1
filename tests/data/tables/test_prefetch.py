import threading
import time
from collections.abc import Generator, Iterator
from typing import cast

import pytest

from linreg.data.tables.prefetch import prefetch


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("prefetch")]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    assert readers() == []
    yield
    assert readers() == []


class Counter:
    """Yields the numbers from 0 on and records how many so far, and in which threads."""

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
@pytest.mark.parametrize(("produce_seconds", "consume_seconds"), [(0, 0), (0.001, 0), (0, 0.001)])
def test_items_keep_their_order(count: int, produce_seconds: float, consume_seconds: float) -> None:
    found = []
    for number in prefetch(Counter(count, produce_seconds)):
        time.sleep(consume_seconds)
        found.append(number)
    assert found == list(range(count))


def test_none_and_false_are_items_like_any_other() -> None:
    assert list(prefetch([None, False, 0, "", None])) == [None, False, 0, "", None]


def test_another_thread_makes_the_next_item_while_this_one_is_worked_on() -> None:
    counter = Counter(5)
    for number in prefetch(counter):
        # This would time out if no other thread made the next item.
        counter.wait(min(number + 2, 5))
    assert len(counter.threads) == 1
    assert threading.current_thread().name not in counter.threads


def test_no_more_than_one_item_is_made_in_advance() -> None:
    counter = Counter(20)
    things = prefetch(counter)
    assert counter.num == 0
    for number in things:
        # Time enough to make more.
        time.sleep(0.005)
        assert counter.num <= number + 2


@pytest.mark.parametrize("good", [0, 1, 2, 5])
def test_an_exception_is_raised_in_its_place(good: int) -> None:
    def things() -> Iterator[int]:
        yield from range(good)
        raise ZeroDivisionError("in its place")

    found: list[int] = []
    with pytest.raises(ZeroDivisionError, match="in its place"):
        found.extend(prefetch(things()))
    assert found == list(range(good))


@pytest.mark.parametrize("taken", [1, 3])
def test_stopping_early_leaves_no_thread_and_makes_no_further_items(taken: int) -> None:
    counter = Counter(100, seconds=0.01)
    for number in prefetch(counter):
        if number == taken - 1:
            break
    assert readers() == []
    assert counter.num <= taken + 1

    counter = Counter(100, seconds=0.01)
    things = prefetch(counter)
    assert [next(things) for _ in range(taken)] == list(range(taken))
    assert len(readers()) == 1
    things.close()  # type: ignore[attr-defined]
    assert readers() == []
    assert counter.num <= taken + 1


def test_an_exception_of_the_consumer_leaves_no_thread() -> None:
    def work() -> None:
        for number in prefetch(Counter(100, seconds=0.01)):
            1 / (number - 2)

    with pytest.raises(ZeroDivisionError):
        work()


def test_the_reader_itself_can_close_a_generator_that_was_left_half_way() -> None:
    abandoned: list[Generator[int, None, None]] = []
    cleared: list[str] = []

    def things() -> Iterator[int]:
        yield 0
        try:
            # as the garbage collector does, in whatever thread it happens to run
            abandoned.pop().close()
            cleared.append(threading.current_thread().name)
        except RuntimeError as error:
            cleared.append(str(error))
        yield 1

    abandoned.append(cast("Generator[int, None, None]", prefetch(things())))
    taken = next(abandoned[0])
    deadline = time.monotonic() + 10
    while readers():
        assert time.monotonic() < deadline
        time.sleep(0.001)
    assert (taken, abandoned) == (0, [])
    assert cleared == ["prefetch_0"]
