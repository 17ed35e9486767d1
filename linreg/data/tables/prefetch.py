"""Prefetching: the next items are made while the current one is worked on."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import pyarrow as pa

Item = TypeVar("Item")
Result = TypeVar("Result")

_MOST_THREADS = 4


def prefetch(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items in their order; a thread makes each while its predecessor is worked on.

    Two are in memory at a time: the current one and the next. For a moment there are three: the
    next one has been handed over, the one after it is begun, and the last one is not yet released.

    The items are the same as without the thread. It pays where making and using them is compiled
    code that releases Python's lock: reading Parquet, numpy, kernels. An exception of `items` is
    raised here, in its place.
    """
    end = object()
    iterator = iter(items)
    with _threads(1) as reader:
        future = reader.submit(next, iterator, end)
        while (item := future.result()) is not end:
            future = reader.submit(next, iterator, end)
            yield item  # type: ignore[misc]


def map_ahead(function: Callable[[Item], Result], items: Iterable[Item]) -> Generator[Result]:
    """Yield `function(item)` of each item, in order; threads work on the next ones meanwhile.

    There are as many threads as cores, at most four, and up to twice as many results in memory, so
    that the threads have work while a result is used. The items are made in the thread that asks
    for the results. An exception of `function` is raised here, in its place.
    """
    num_threads = min(_MOST_THREADS, pa.cpu_count())
    begun: deque[Future[Result]] = deque()
    with _threads(num_threads) as workers:
        for item in items:
            begun.append(workers.submit(function, item))
            if len(begun) > 2 * num_threads:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()


@contextmanager
def _threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """Yield threads that have ended when the context ends."""
    ids: list[int] = []
    threads = ThreadPoolExecutor(
        count, "prefetch", initializer=lambda: ids.append(threading.get_ident())
    )
    try:
        yield threads
    finally:
        # The garbage collector may close a generator that was left half-way in any thread, even in
        # one of these, which cannot wait for itself.
        threads.shutdown(wait=threading.get_ident() not in ids, cancel_futures=True)
