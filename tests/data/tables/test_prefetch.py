import threading
import time
from collections.abc import Generator, Iterator
from typing import cast

import pyarrow as pa
import pytest

from linreg.data.tables.prefetch import map_ahead, prefetch


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


@pytest.mark.parametrize("count", [0, 1, 2, 100])
def test_results_come_in_the_order_of_the_items_whatever_takes_longest(count: int) -> None:
    def square(number: int) -> int:
        time.sleep(0.002 * (number % 3 == 0))
        return number * number

    assert list(map_ahead(square, range(count))) == [number * number for number in range(count)]


def test_threads_work_on_the_next_items_while_a_result_is_used() -> None:
    done: list[tuple[int, str]] = []

    def work(number: int) -> int:
        done.append((number, threading.current_thread().name))
        return number

    for number in map_ahead(work, range(5)):
        deadline = time.monotonic() + 10
        while len(done) < min(number + 2, 5):
            assert time.monotonic() < deadline
            time.sleep(0.001)
    assert threading.current_thread().name not in {name for _, name in done}


def test_no_more_items_are_made_in_advance_than_two_for_each_thread() -> None:
    counter = Counter(50)
    for number in map_ahead(lambda number: number, counter):
        time.sleep(0.002)
        assert counter.num <= number + 2 * pa.cpu_count() + 1


@pytest.mark.parametrize("wrong", [0, 1, 3, 9])
def test_an_exception_of_the_function_is_raised_in_its_place(wrong: int) -> None:
    found: list[int] = []
    with pytest.raises(ZeroDivisionError):
        found.extend(map_ahead(lambda number: number // (number != wrong), range(10)))
    assert found == list(range(wrong))


def test_stopping_map_ahead_early_leaves_no_thread() -> None:
    counter = Counter(100)
    results = map_ahead(lambda number: number, counter)
    assert next(results) == 0
    results.close()
    assert readers() == []
    assert counter.num <= 2 * pa.cpu_count() + 1
