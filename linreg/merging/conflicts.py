"""Files in which git has left both sides of a merge."""

from collections.abc import Iterable
from pathlib import Path

from linreg.errors import UserError
from linreg.merging.lock_entries import LOCK_NAME
from linreg.plain_yaml import has_conflict_markers


def has_conflicts(path: Path) -> bool:
    """Whether a file has conflict markers; one that is not there has none."""
    return path.is_file() and has_conflict_markers(
        path.read_text(encoding="utf-8", errors="replace")
    )


def require_no_conflicts(folder: Path, names: Iterable[str]) -> None:
    """Raise UserError for the first of some files in a folder that has conflict markers."""
    for name in names:
        if has_conflicts(folder / name):
            by_hand = "" if name == LOCK_NAME else "resolve them in an editor, then "
            what = "has git's conflict markers"
            raise UserError(name, what, todo=f"{by_hand}run `linreg merge`")
