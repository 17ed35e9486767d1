"""What was executed again beside what dvc.lock names: every output, and where it differs first."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from linreg.dvc_lock import LockedPath
from linreg.files import content_hash
from linreg.verify.clone import Checkout, git
from linreg.verify.difference import first_difference


@dataclass(frozen=True)
class Compared:
    """An output and what became of it: its MD5 when executed again, and in words where it differs
    first.
    """

    locked: LockedPath
    found: str | None
    difference: str = ""

    @property
    def same(self) -> bool:
        """Whether every byte is the same."""
        return self.found == self.locked.md5


def compare(project: Checkout, locked: Sequence[LockedPath], reference: Path) -> list[Compared]:
    """Compare the outputs of an execution with those of dvc.lock, or of another execution.

    reference  the folder to look into for the file as it was, to say where the two differ
    """
    found = project.outputs()
    return [
        Compared(
            each, found.get(each.path), _difference(project, each, reference, each.path in found)
        )
        if found.get(each.path) != each.md5
        else Compared(each, each.md5)
        for each in locked
    ]


def _difference(project: Checkout, locked: LockedPath, reference: Path, is_there: bool) -> str:
    if not is_there:
        return f"{locked.path}: was not made"
    with tempfile.TemporaryDirectory(prefix="linreg-") as scratch:
        original = _original(locked, reference, project.commit, Path(scratch))
        if original is None:
            return f"{locked.path}: differs; the file that dvc.lock names is not here to show where (`dvc pull` brings it)"
        return str(first_difference(original, project.folder / locked.path))


def _original(locked: LockedPath, reference: Path, commit: str, scratch: Path) -> Path | None:
    """Find the output as it was: in the folder itself, in git, or in DVC's cache."""
    if (reference / locked.path).exists() and content_hash(reference / locked.path) == locked.md5:
        return reference / locked.path
    copy = scratch / Path(locked.path).name
    with suppress(subprocess.CalledProcessError):
        show = ["git", "show", f"{commit}:./{locked.path}"]
        copy.write_bytes(subprocess.run(show, capture_output=True, check=True).stdout)  # noqa: S603 - our own
        if content_hash(copy) == locked.md5:
            return copy
    copy.unlink(missing_ok=True)
    cache = _cache() / "files" / "md5"
    entry = cache / locked.md5[:2] / locked.md5[2:]
    if not entry.exists():
        return None
    if not locked.md5.endswith(".dir"):
        copy.symlink_to(entry)
        return copy
    for file in json.loads(entry.read_text(encoding="utf-8")):
        target = copy / file["relpath"]
        if not target.resolve().is_relative_to(copy.resolve()):
            # no listing of DVC's leads out of its folder
            return None
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(cache / file["md5"][:2] / file["md5"][2:])
    return copy if content_hash(copy) == locked.md5 else None


def _cache() -> Path:
    dvc = [str(Path(sys.executable).with_name("dvc")), "cache", "dir"]
    done = subprocess.run(dvc, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    return Path(done.stdout.strip() or ".dvc/cache")


def changed_files() -> list[str]:
    """Return what git would call changed in the working tree, one short line per file."""
    return [line for line in git("status", "--porcelain").splitlines() if line]
