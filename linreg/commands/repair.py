"""Remove files of DVC's own that DVC, killed or interrupted, has left cut off, and which it then
refuses to go on with.

DVC writes dvc.lock and .dvc/tmp/rwlock in place, not under a temporary name, and in its cache of
runs it takes a temporary file that was left there for an entry, and fails where a folder is empty.
Nothing is lost with them: it takes what the stages had made from its cache, and makes again what is
not there.
"""

import argparse
import fcntl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from linreg.dvc_lock import DVC_LOCK, read_lock
from linreg.errors import UserError

BUSY = Path(".dvc/tmp/lock")
RUNS = Path(".dvc/cache/runs")
RWLOCK = TypeAdapter(dict[Literal["read", "write"], dict[str, Any]])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options: it has none."""


def run(_args: argparse.Namespace) -> int:
    """Return 0 when something was repaired, 1 when nothing had to be."""
    with _no_dvc_at_work():
        files = [
            path for path, is_complete in CHECKS.items() if path.exists() and not is_complete(path)
        ]
        files += sorted(RUNS.glob("*/*/.*.tmp"))
        for file in files:
            file.unlink()
        folders = [folder for folder in sorted(RUNS.glob("*/*/")) if not any(folder.iterdir())]
        for folder in folders:
            folder.rmdir()
    for path in files + folders:
        print(f"{path}: was cut off when DVC was ended, and is removed")
    if files + folders:
        print("`dvc repro` goes on: it takes from its cache what the stages had made")
        return 0
    print("nothing to repair: DVC's own files are whole", file=sys.stderr)
    return 1


def _is_complete_lock(path: Path) -> bool:
    try:
        read_lock(path)
    except UserError:
        return False
    return True


def _is_complete_rwlock(path: Path) -> bool:
    try:
        RWLOCK.validate_json(path.read_bytes())
    except ValueError:
        return False
    return True


CHECKS: dict[Path, Callable[[Path], bool]] = {
    DVC_LOCK: _is_complete_lock,
    Path(".dvc/tmp/rwlock"): _is_complete_rwlock,
}


@contextmanager
def _no_dvc_at_work() -> Iterator[None]:
    """Hold DVC's own lock, so that no file is removed that a living DVC is just writing."""
    BUSY.parent.mkdir(parents=True, exist_ok=True)
    with BUSY.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                BUSY, "DVC is at work in this folder", todo="wait for it to end, then try again"
            ) from None
        yield
