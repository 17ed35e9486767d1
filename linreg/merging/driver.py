"""What git calls to merge a file that both sides have changed, each in its own way."""

from collections.abc import Sequence
from pathlib import Path

from linreg.errors import UserError
from linreg.merging.lock_entries import LOCK_NAME, Entries, lock_text, read_entries
from linreg.merging.merge_lock import MergedLock, Versions, merge_locks
from linreg.merging.sides import file_of
from linreg.merging.workspace import Workspace


def merge_lock_files(files: Sequence[Path], path: Path) -> MergedLock:
    """Merge base, ours and theirs of a dvc.lock into ours.

    `path` is the file's, from the top of the repository. Raises UserError, and leaves ours, when
    one of them is damaged.
    """
    versions = versions_of([file.read_bytes() for file in files], str(path))
    merged = merge_locks(versions, Workspace(path.parent, is_merged=False))
    files[1].write_bytes(lock_text(merged.entries).encode())
    return merged


def versions_of(contents: Sequence[bytes], name: str) -> Versions:
    """Return the entries of base, ours and theirs; raises UserError when one side is damaged.

    A damaged ancestor says nothing of what the sides have changed.
    """
    base, ours, theirs = contents
    try:
        known = entries_of(base, name)
    except UserError:
        known = {}
    return Versions(
        known, entries_of(ours, f"{name} (ours)"), entries_of(theirs, f"{name} (theirs)")
    )


def entries_of(content: bytes, where: str) -> Entries:
    """Return the entries of a dvc.lock; raises UserError when it is damaged."""
    try:
        return read_entries(content.decode(), where)
    except UnicodeDecodeError as error:
        raise UserError(where, "is damaged", found=error) from None


def require_output(path: Path) -> None:
    """Raise UserError unless a path is that of an output, of which ours may be kept.

    The merged dvc.lock records ours, or no output of its stage.
    """
    for folder in path.parents:
        # Git may have merged that of the workspace already.
        lock = file_of("HEAD:", (folder / LOCK_NAME).as_posix(), Path())
        name = path.relative_to(folder).as_posix()
        entries = entries_of(lock or b"", str(folder / LOCK_NAME))
        if any(name in entry.outputs for entry in entries.values()):
            return
    todo = "remove `merge=linreg` from its line in .gitattributes, and resolve the conflict"
    raise UserError(path, "is no output that dvc.lock records", todo=todo)
