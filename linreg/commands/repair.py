"""Remove files of DVC's own that are incomplete because DVC was killed or interrupted.

DVC refuses to go on with them. It writes dvc.lock and .dvc/tmp/rwlock in place, not under a
temporary name; in its run cache it takes a temporary file that was left there for an entry, and
fails where a folder is empty. Nothing is lost with them: it restores the outputs of the stages from
its cache, and makes again what is not there.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from linreg.dvc_command import cache_folder
from linreg.dvc_lock import DVC_LOCK, DVC_RUNNING, parse_lock
from linreg.errors import UserError
from linreg.process.lock import exclusive_lock

SECONDS_TO_WRITE = 60.0
"""How long DVC in another clone, with the same cache, may need to write an entry."""
RWLOCK = TypeAdapter(dict[Literal["read", "write"], dict[str, Any]])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options: it has none."""


def run(_args: argparse.Namespace) -> int:
    """Return 0 when something was repaired, 1 when nothing had to be."""
    with _dvc_locked():
        removed = [path for path, check in CHECKS.items() if path.exists() and not check(path)]
        run_cache = cache_folder() / "runs"
        removed += filter(_is_abandoned, sorted(run_cache.glob("*/*/.*.tmp")))
        for file in removed:
            file.unlink()
        for folder in filter(_is_abandoned, sorted(run_cache.glob("*/*/"))):
            if not any(folder.iterdir()):
                folder.rmdir()
                removed.append(folder)
    for path in removed:
        print(f"{path}: removed, as it is incomplete since DVC was killed")
    if removed:
        print("`dvc repro` continues: it restores the outputs of the stages from its cache")
        return 0
    print("nothing to repair: DVC's own files are complete", file=sys.stderr)
    return 1


def _is_abandoned(path: Path) -> bool:
    """Tell whether nobody writes a path of the run cache, which another clone may share."""
    is_own = path.is_relative_to(".dvc")
    return is_own or time.time() - path.stat().st_mtime > SECONDS_TO_WRITE


def _is_complete_lock(path: Path) -> bool:
    try:
        parse_lock(path)
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
def _dvc_locked() -> Iterator[None]:
    """Hold DVC's own lock, so that no file is removed while DVC writes it."""
    DVC_RUNNING.parent.mkdir(parents=True, exist_ok=True)
    with exclusive_lock(DVC_RUNNING, timeout=0) as held:
        if not held:
            what = "DVC is running in this folder"
            raise UserError(DVC_RUNNING, what, todo="wait for it to end, then try again")
        yield
