"""What every stage script is: one process or several, alone in its folder, with one-line errors.

@stage                          one process, whatever WORKERS says
@stage_with_workers             as many as the environment's WORKERS says, or as torchrun has
                                started
"""

import ctypes
import functools
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from linreg.code_lock.lock_file import require_current
from linreg.errors import UserError, WorkerGoneError, one_line_errors
from linreg.process.lock import lock
from linreg.process.process_place import process_place, require_meeting_place
from linreg.process.signals import LAUNCHER, interruptible
from linreg.process.without_pandas import keep_pandas_out
from linreg.process.workers import Workers

LOCKS = Path(".linreg/stages")


def stage(main: Callable[[], None]) -> Callable[[], None]:
    """Make main() a stage of one process; others that torchrun has started return at once."""

    @functools.wraps(main)
    def run_stage() -> None:
        _raise_file_limit()
        with interruptible():
            one_line_errors(functools.partial(_run_in_first, main), _error_report())()

    return run_stage


def stage_with_workers(main: Callable[[Workers], None]) -> Callable[[], None]:
    """Make main(workers) a stage that WORKERS processes run together; starts them if need be."""

    @functools.wraps(main)
    def run_stage() -> None:
        _raise_file_limit()
        with interruptible():
            one_line_errors(functools.partial(_run_with_workers, main), _error_report())()

    return run_stage


def _error_report() -> Callable[[str, int], None] | None:
    """Return what takes the error of one of several processes; None where there is only one."""
    if os.environ.get("RANK") and os.environ.get("WORLD_SIZE", "1") != "1":
        # Imported here because it imports torch, which takes seconds.
        from linreg.process.launcher import report_to_launcher

        return report_to_launcher
    return None


def _run_in_first(main: Callable[[], None]) -> None:
    if process_place().rank == 0:
        _run_alone(main)


def _run_alone(main: Callable[[], None]) -> None:
    _begin()
    keep_pandas_out()
    with _stage_lock():
        main()


def _run_with_workers(main: Callable[[Workers], None]) -> None:
    if process_place().size > 1:
        _run_as_worker(main)
        return
    num_workers = _num_workers()
    if num_workers == 1:
        _run_alone(functools.partial(main, Workers()))
        return
    _begin()
    # Imported here because it imports torch, which takes seconds.
    from linreg.process.launcher import launch

    launch(f"stages.{_name()}", num_workers)


def _run_as_worker(main: Callable[[Workers], None]) -> None:
    _end_with_parent(signal.SIGKILL)
    if os.environ.get(LAUNCHER, str(os.getppid())) != str(os.getppid()):
        # The launcher died before the system knew that this process ends with it.
        raise WorkerGoneError
    require_meeting_place()
    from linreg.process.worker_group import process_group

    keep_pandas_out()
    with process_group() as group:
        if not group.is_first:
            group.barrier()
            main(group)
            return
        # The first process holds the lock for all of them.
        with _stage_lock():
            group.barrier()
            main(group)


@contextmanager
def _stage_lock() -> Iterator[None]:
    """Hold this stage's lock in this folder; waits for another holder, such as one DVC has left."""
    descriptor = _open_lock_file()
    try:
        lock(descriptor, on_wait=functools.partial(_print_holder, descriptor))
        # On a full disk, or for a folder, the lock holds without its holder's name.
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            since = time.strftime("%Y-%m-%d %H:%M:%S")
            os.pwrite(descriptor, f"process {os.getpid()}, since {since}".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _open_lock_file() -> int:
    """Open the file to lock, or this folder where no file can be made."""
    try:
        LOCKS.mkdir(parents=True, exist_ok=True)
        return os.open(LOCKS / f"{_name()}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        return os.open(".", os.O_RDONLY)


def _print_holder(descriptor: int) -> None:
    holder = ""
    # A folder, which is locked where no file can be made, has no text.
    with suppress(OSError):
        holder = os.pread(descriptor, 100, 0).decode(errors="replace")
    print(f"{_name()}: waiting for {holder or 'another process'}, which runs this stage here")
    sys.stdout.flush()


def _raise_file_limit() -> None:
    """Raise the number of files that this process may have open as far as the system lets it.

    The split stage writes to all buckets of all shards at once, about 1000 for a billion rows, and
    many a system begins with a limit of 256 or 1024 that every process may raise.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS calls the limit unlimited and refuses to set it to that.
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _num_workers() -> int:
    text = os.environ.get("WORKERS") or "1"
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise UserError(
            "environment: WORKERS", "must be a number of processes, 1 to 1024", found=text
        )
    return int(text)


def _begin() -> None:
    """Have the system stop this stage when the DVC that runs it dies; check what DVC will record.

    An orphan would work on unseen, next to the stage that the next `dvc repro` starts.
    """
    if stage_name := os.environ.get("DVC_STAGE"):
        _end_with_parent(signal.SIGTERM)
        # DVC started above the project says sub/dvc.yaml:train, and train@name with foreach.
        require_current(stage_name.rpartition("dvc.yaml:")[2].partition("@")[0])


def _end_with_parent(number: signal.Signals) -> None:
    if sys.platform == "linux":
        # PR_SET_PDEATHSIG, of <linux/prctl.h>, has the kernel send a signal when the parent dies.
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, number)


def _name() -> str:
    return Path(sys.argv[0]).stem
