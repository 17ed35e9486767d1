"""The merge of dvc.lock after git has merged it line by line, or left its conflicts there."""

import hashlib
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from linreg.errors import UserError
from linreg.files import file_hash, new_file
from linreg.git import run_git
from linreg.merging.driver import entries_of
from linreg.merging.lock_entries import LOCK_NAME, Entries, lock_text
from linreg.merging.merge_lock import MergedLock, Versions, merge_locks
from linreg.merging.sides import Sides, file_of, sides_of_merges
from linreg.merging.workspace import Workspace
from linreg.plain_yaml import has_conflict_markers


def merge_after_conflict(folder: Path) -> tuple[MergedLock, list[str]] | None:
    """Write dvc.lock, and outputs in git as it records them; return the merge and these outputs.

    None if dvc.lock is not that of a merge, or was written by DVC since. Raises UserError for
    other conflicts that decide, and where git does not know the versions.
    """
    for name in ("dvc.yaml", "params.yaml"):
        if has_conflict_markers(_text(folder / name)):
            todo = "resolve them in an editor, then run `linreg merge`"
            raise UserError(name, "has conflict markers of git", todo=todo)
    merges = list(sides_of_merges(folder, LOCK_NAME))
    for sides in merges:
        contents = [file_of(side, LOCK_NAME, folder) or b"" for side in sides]
        versions = Versions(
            *(
                entries_of(each, f"{LOCK_NAME} ({side})")
                for each, side in zip(contents, sides, strict=True)
            )
        )
        if not _is_merged_from(folder / LOCK_NAME, versions, contents):
            continue
        workspace = Workspace(folder, is_merged=True)
        merged = merge_locks(versions, workspace)
        _write(folder / LOCK_NAME, lock_text(merged.entries).encode())
        return merged, _restore_outputs(merged, versions.ours, workspace, merges)
    if has_conflict_markers(_text(folder / LOCK_NAME)):
        what = "has conflict markers, and git does not know of a merge"
        todo = "take a whole one by `git restore --source=COMMIT dvc.lock`, then `dvc repro`"
        raise UserError(LOCK_NAME, what, todo=todo)
    return None


def _is_merged_from(lock: Path, versions: Versions, contents: Sequence[bytes]) -> bool:
    """Whether a dvc.lock holds nothing but what git, or we, have made of the versions.

    Else DVC has written it since, and that would be lost.
    """
    text = _text(lock)
    if has_conflict_markers(text) or text.encode() == _merged_by_line(contents):
        return True
    found = entries_of(text.encode(), LOCK_NAME)
    return all(entry in [side.get(stage) for side in versions] for stage, entry in found.items())


def _merged_by_line(contents: Sequence[bytes]) -> bytes:
    with tempfile.TemporaryDirectory() as scratch:
        for number, content in enumerate(contents):
            (Path(scratch) / f"{number}").write_bytes(content)
        return run_git("merge-file", "-p", "1", "0", "2", folder=Path(scratch)).stdout


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
        if has_conflict_markers(_text(workspace.folder / path))
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


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _write(path: Path, content: bytes) -> None:
    with new_file(path) as partial:
        partial.write_bytes(content)
