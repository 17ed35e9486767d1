"""Prefetching: the next item is read while the current one is worked on."""

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


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
    reader_ids: list[int] = []
    reader = ThreadPoolExecutor(
        1, "prefetch", initializer=lambda: reader_ids.append(threading.get_ident())
    )
    try:
        future = reader.submit(next, iterator, end)
        while (item := future.result()) is not end:
            future = reader.submit(next, iterator, end)
            yield item  # type: ignore[misc]
    finally:
        # The garbage collector may close a generator that was left half-way in any thread, even in
        # the reader, which cannot wait for itself.
        reader.shutdown(wait=threading.get_ident() not in reader_ids)
