"""The merge of dvc.lock after git has merged it line by line, or left its conflicts there."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from linreg.errors import UserError
from linreg.files import file_hash, new_file
from linreg.merging.conflicts import has_conflicts, require_no_conflicts
from linreg.merging.driver import entries_of, versions_of
from linreg.merging.lock_entries import LOCK_NAME, Entries, lock_text
from linreg.merging.merge_lock import MergedLock, Versions, merge_locks
from linreg.merging.merge_params import PARAMS_NAME, merge_by_line, merge_params
from linreg.merging.sides import Sides, file_of, sides_of_merges
from linreg.merging.workspace import Workspace


@dataclass(frozen=True)
class Resolved:
    """What was merged: dvc.lock, if it had to be; whether params.yaml; outputs that are in git."""

    lock: MergedLock | None
    params: bool
    outputs: Sequence[str] = ()


def merge_after_conflict(folder: Path) -> Resolved:
    """Write dvc.lock, outputs in git as it records them, and params.yaml if it has conflicts.

    dvc.lock is left alone if it is not that of a merge, or was written by DVC since. Raises
    UserError for other conflicts that decide, and where git does not know the versions.
    """
    params = has_conflicts(folder / PARAMS_NAME) and _merge_params(folder)
    require_no_conflicts(folder, ("dvc.yaml", PARAMS_NAME))
    merges = list(sides_of_merges(folder, LOCK_NAME))
    for sides in merges:
        base, ours, theirs = (file_of(side, LOCK_NAME, folder) for side in sides)
        if ours is None or theirs is None or len({base, ours, theirs}) < len(sides):
            # One side has not changed it, or has deleted it: git says so.
            continue
        contents = (base or b"", ours, theirs)
        versions = versions_of(contents, LOCK_NAME)
        if not _is_merged_from(folder / LOCK_NAME, versions, contents):
            continue
        workspace = Workspace(folder, is_merged=True)
        merged = merge_locks(versions, workspace)
        _write(folder / LOCK_NAME, lock_text(merged.entries).encode())
        return Resolved(merged, params, _restore_outputs(merged, versions.ours, workspace, merges))
    if has_conflicts(folder / LOCK_NAME):
        what = "has conflict markers, and git does not know of a merge"
        todo = "take a whole one by `git restore --source=COMMIT dvc.lock`, then `dvc repro`"
        raise UserError(LOCK_NAME, what, todo=todo)
    return Resolved(None, params)


def _merge_params(folder: Path) -> bool:
    """Resolve the conflicts in params.yaml as the driver does; return whether none is left."""
    for sides in sides_of_merges(folder, PARAMS_NAME):
        base, ours, theirs = (file_of(side, PARAMS_NAME, folder) or b"" for side in sides)
        text, are_left = merge_params(base, ours, theirs)
        if not are_left:
            _write(folder / PARAMS_NAME, text)
            return True
    return False


def _is_merged_from(lock: Path, versions: Versions, contents: Sequence[bytes]) -> bool:
    """Whether a dvc.lock holds nothing but what git, or we, have made of the versions.

    Else DVC has written it since, and that would be lost.
    """
    text = lock.read_bytes() if lock.is_file() else b""
    base, ours, theirs = contents
    if has_conflicts(lock) or text == merge_by_line(base, ours, theirs)[0]:
        return True
    found = entries_of(text, LOCK_NAME)
    return all(entry in [side.get(stage) for side in versions] for stage, entry in found.items())


def _restore_outputs(
    merged: MergedLock, ours: Entries, workspace: Workspace, merges: Iterable[Sides]
) -> list[str]:
    """Write the outputs that git tracks, and return the paths of those that have changed.

    They are as the merged lock records them; ours where their stage must run, and git has left
    conflicts in them.
    """
    recorded = {path: md5 for each in merged.entries.values() for path, md5 in each.outputs.items()}
    left_out = [ours[stage] for stage in merged.left_out if stage in ours]
    recorded |= {
        path: md5
        for each in left_out
        for path, md5 in each.outputs.items()
        if has_conflicts(workspace.folder / path)
    }
    written = []
    for path, md5 in recorded.items():
        file = workspace.folder / path
        if not workspace.is_in_git(path) or (file.is_file() and file_hash(file) == md5):
            continue
        for side in (side for sides in merges for side in sides):
            content = file_of(side, path, workspace.folder)
            if content is not None and _md5(content) == md5:
                _write(file, content)
                written.append(path)
                break
    return written


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _write(path: Path, content: bytes) -> None:
    with new_file(path) as partial:
        partial.write_bytes(content)
