"""What git calls to merge a file that both sides have changed, each in its own way."""

from collections.abc import Sequence
from pathlib import Path

from linreg.errors import UserError
from linreg.merging.lock_entries import LOCK_NAME, Entries, lock_text, read_entries
from linreg.merging.merge_lock import MergedLock, Versions, merge_locks
from linreg.merging.workspace import Workspace


def merge_lock_files(files: Sequence[Path], path: Path) -> MergedLock:
    """Merge base, ours and theirs of a dvc.lock into ours.

    `path` is the file's, from the top of the repository. Raises UserError, and leaves ours, when
    one of them is damaged.
    """
    sides = ("the common ancestor's", "ours", "theirs")
    texts = [file.read_bytes() for file in files]
    versions = Versions(
        *(entries_of(text, f"{path} ({side})") for text, side in zip(texts, sides, strict=True))
    )
    merged = merge_locks(versions, Workspace(path.parent, is_merged=False))
    files[1].write_bytes(lock_text(merged.entries).encode())
    return merged


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
        lock = folder / LOCK_NAME
        if lock.is_file():
            entries = entries_of(lock.read_bytes(), str(lock))
            name = path.relative_to(folder).as_posix()
            if any(name in entry.outputs for entry in entries.values()):
                return
    todo = "remove `merge=linreg` from its line in .gitattributes, and resolve the conflict"
    raise UserError(path, "is no output that dvc.lock records", todo=todo)
