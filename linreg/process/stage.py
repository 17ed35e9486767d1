"""What every stage script is: one process or several, alone in its folder, with errors that are one
line.

@stage                          one process, whatever WORKERS says
@stage_with_workers             as many as the environment's WORKERS says, or as torchrun has
                                started
"""

import ctypes
import fcntl
import functools
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from linreg.errors import LAUNCHER, UserError, WorkerGoneError, one_line_errors
from linreg.process.signals import interruptible
from linreg.process.workers import Workers

LOCKS = Path(".linreg/stages")


def stage(main: Callable[[], None]) -> Callable[[], None]:
    """Make main() a stage that one process runs; those that torchrun has started beside it have
    nothing to do.
    """

    @functools.wraps(main)
    def started() -> None:
        if os.environ.get("RANK", "0") == "0":
            _open_many_files()
            with interruptible():
                one_line_errors(functools.partial(_alone, main))()

    return started


def stage_with_workers(main: Callable[[Workers], None]) -> Callable[[], None]:
    """Make main(workers) a stage that WORKERS processes run together; it starts them if nobody
    has.
    """

    @functools.wraps(main)
    def started() -> None:
        _open_many_files()
        if "RANK" in os.environ:
            # torch, which takes seconds
            from linreg.process.launcher import tell_launcher

            started_as = one_line_errors(functools.partial(_as_one_of_several, main), tell_launcher)
        else:
            started_as = one_line_errors(functools.partial(_as_told, main))
        with interruptible():
            started_as()

    return started


def _alone(main: Callable[[], None]) -> None:
    _end_with_dvc()
    with only_one():
        main()


def _as_told(main: Callable[[Workers], None]) -> None:
    num_workers = _wanted_workers()
    if num_workers == 1:
        _alone(functools.partial(main, Workers()))
        return
    _end_with_dvc()
    # torch, which takes seconds
    from linreg.process.launcher import launch

    launch(f"stages.{_name()}", num_workers)


def _as_one_of_several(main: Callable[[Workers], None]) -> None:
    _end_with_parent(signal.SIGKILL)
    if os.environ.get(LAUNCHER, str(os.getppid())) != str(os.getppid()):
        # it died before it could take us along
        raise WorkerGoneError
    from linreg.process.worker_group import joined

    with joined() as group:
        if not group.first:
            group.wait()
            main(group)
            return
        # the first process holds the lock for all of them
        with only_one():
            group.wait()
            main(group)


@contextmanager
def only_one() -> Iterator[None]:
    """Be the one process that runs this stage in this folder; waits for another, such as one whose
    DVC was killed.
    """
    handle = _lock_file()
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = ""
            # a folder says nothing
            with suppress(OSError):
                who = os.pread(handle, 100, 0).decode(errors="replace")
            print(f"{_name()}: waiting for {who or 'another process'}, which runs this stage here")
            sys.stdout.flush()
            fcntl.flock(handle, fcntl.LOCK_EX)
        # a full disk, or a folder; the lock holds without it
        with suppress(OSError):
            os.ftruncate(handle, 0)
            os.pwrite(
                handle,
                f"process {os.getpid()}, since {time.strftime('%Y-%m-%d %H:%M:%S')}".encode(),
                0,
            )
        yield
    finally:
        os.close(handle)


def _lock_file() -> int:
    """Open the file that is locked; where none can be made, this folder, which is locked in its
    place.
    """
    try:
        LOCKS.mkdir(parents=True, exist_ok=True)
        return os.open(LOCKS / f"{_name()}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        return os.open(".", os.O_RDONLY)


def _open_many_files() -> None:
    """Raise the number of files that this process may have open as far as the system lets it.

    The split stage writes to all buckets of all shards at once, about 1000 for a billion rows, and
    many a system begins with a limit of 256 or 1024 that every process may raise.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS, which calls it unlimited and refuses that
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _wanted_workers() -> int:
    text = os.environ.get("WORKERS") or "1"
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise UserError(
            "environment: WORKERS", "must be a number of processes, 1 to 1024", found=text
        )
    return int(text)


def _end_with_dvc() -> None:
    """Have the system stop this stage when the DVC that runs it dies.

    An orphan would work on unseen, beside the stage that the next `dvc repro` starts.
    """
    if "DVC_STAGE" in os.environ:
        _end_with_parent(signal.SIGTERM)


def _end_with_parent(how: signal.Signals) -> None:
    if sys.platform == "linux":
        # 1 is PR_SET_PDEATHSIG
        ctypes.CDLL(None).prctl(1, how)


def _name() -> str:
    return Path(sys.argv[0]).stem
