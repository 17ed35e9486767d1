"""The next thing is read while this one is worked on."""

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Thing = TypeVar("Thing")


def prefetch(things: Iterable[Thing]) -> Iterator[Thing]:
    """Yield what `things` yields, in its order, one made in advance by a thread.

    Two are in memory while one is worked on: that one and the next. For a moment they are three:
    the next is handed over, the one after it is begun, and the last one is not let go yet.

    What is made does not depend on the thread. It is worth it where making and working are compiled
    code, which lets other threads run: reading Parquet, numpy, kernels. An error of `things` is
    raised here, in its place.
    """
    end = object()
    iterator = iter(things)
    own: list[int] = []
    reader = ThreadPoolExecutor(
        1, "read-ahead", initializer=lambda: own.append(threading.get_ident())
    )
    try:
        coming = reader.submit(next, iterator, end)
        while (thing := coming.result()) is not end:
            coming = reader.submit(next, iterator, end)
            yield thing  # type: ignore[misc]
    finally:
        # What was left half-way is cleared away by any thread, perhaps the reader, which cannot
        # wait for itself.
        reader.shutdown(wait=threading.get_ident() not in own)
