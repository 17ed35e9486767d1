"""Advisory file locks between processes, which end with the process that holds them (flock).

The filelock library would not do: it has no shared locks, and the writers of one journal share
theirs.
"""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

POLL_SECONDS = 0.005


def lock(
    descriptor: int,
    *,
    shared: bool = False,
    timeout: float | None = None,
    on_wait: Callable[[], None] | None = None,
) -> bool:
    """Lock an open file; returns whether it was locked within `timeout` seconds (None: no limit).

    `on_wait` is called once, before the waiting begins, when another process holds the lock.
    Closing the file releases it.
    """
    mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    if _try_lock(descriptor, mode):
        return True
    if on_wait is not None:
        on_wait()
    if timeout is None:
        fcntl.flock(descriptor, mode)
        return True
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        if _try_lock(descriptor, mode):
            return True
    return False


@contextmanager
def exclusive_lock(
    path: Path, *, timeout: float | None = None, on_wait: Callable[[], None] | None = None
) -> Iterator[bool]:
    """Hold an exclusive lock on a file for the block, as `lock` does; yields whether it is held.

    The file is created if there is none, and stays.
    """
    with path.open("ab") as file:
        yield lock(file.fileno(), timeout=timeout, on_wait=on_wait)


def _try_lock(descriptor: int, mode: int) -> bool:
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
