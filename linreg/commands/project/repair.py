"""Remove files of DVC's own that are incomplete because DVC was killed or interrupted.

DVC refuses to go on with them. It writes dvc.lock and .dvc/tmp/rwlock in place, not under a
temporary name; in its run cache it takes a temporary file that was left there for an entry, and
fails where a folder is empty. Nothing is lost with them: it restores the outputs of the stages from
its cache, and makes again what is not there. A copy of what is removed stays beside it. Whatever
else is wrong with a file is said, and left to you.
"""

import argparse
import itertools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from linreg.dvc_lock import DVC_RUNNING, dvc_root
from linreg.errors import UserError
from linreg.process.lock import exclusive_lock


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options: it has none."""


def run(_args: argparse.Namespace) -> int:
    """Return 0 when all that was wrong is repaired, 1 when nothing was or something still is."""
    # Imported here because they import DVC, which takes a second.
    from linreg.repair.cache import damaged_objects, unfinished_runs
    from linreg.repair.project_files import damaged_files, recorded_sizes

    root = Path(os.path.relpath(dvc_root()))
    with _dvc_locked(root):
        damages = [*damaged_files(root), *damaged_objects(root, recorded_sizes(root))]
        removed = [damage.path for damage in damages if damage.is_truncated]
        for path in removed:
            print(f"{path}: removed, as it is incomplete since DVC was killed; {_set_aside(path)}")
        for path in unfinished_runs(root):
            path.rmdir() if path.is_dir() else path.unlink()
            print(f"{path}: removed, as it is incomplete since DVC was killed")
            removed.append(path)
    left = [damage for damage in damages if not damage.is_truncated]
    for damage in left:
        print(f"{damage.path}: {damage.what}; {damage.todo}", file=sys.stderr)
    if removed and not left:
        print("`dvc repro` continues: it restores the outputs of the stages from its cache")
        return 0
    if not left:
        print("nothing to repair: DVC's own files are complete", file=sys.stderr)
    return 1


def _set_aside(path: Path) -> str:
    """Rename a file, so that DVC does not read it; returns where it is now, in words."""
    suffixes = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    targets = (Path(f"{path}.cut-off{suffix}") for suffix in suffixes)
    target = next(each for each in targets if not each.exists())
    path.rename(target)
    return f"what there is of it is in {target}"


@contextmanager
def _dvc_locked(root: Path) -> Iterator[None]:
    """Hold DVC's own lock, so that no file is removed while DVC writes it.

    Where there is no folder .dvc, none is made: DVC cannot be running, and would refuse to set it
    up.
    """
    if not (root / ".dvc").is_dir():
        yield
        return
    running = root / DVC_RUNNING
    running.parent.mkdir(exist_ok=True)
    with exclusive_lock(running, timeout=0) as held:
        if not held:
            what = "DVC is running in this folder"
            raise UserError(running, what, todo="wait for it to end, then try again")
        yield
