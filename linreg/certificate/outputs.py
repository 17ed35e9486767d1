"""The outputs in a folder compared with those that a statement names."""

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from linreg.certificate.digests import digest_file, files_below
from linreg.certificate.statement import FileDigest, FolderDigest, Statement

Digests = Mapping[str, FileDigest | FolderDigest]
"""The digests of all subjects of a statement by their names."""
NO_FILE = "no such file"


@dataclass(frozen=True)
class Mismatch:
    """An output that is not the recorded one: what was recorded of it, and what was found."""

    name: str
    recorded: str
    found: str

    def __str__(self) -> str:
        return f"{self.name}: recorded {self.recorded}, found {self.found}"


def digests_of(statement: Statement) -> Digests:
    """Return the digests of all subjects by their names."""
    return {subject.name: subject.digest for subject in statement.subject}


def first_mismatch(
    digests: Digests, project: Path, is_ignored: Callable[[Path], bool] = lambda _: False
) -> Mismatch | None:
    """Return the first output in a project's folder that is not the recorded one; None if all are.

    Every file must be there with its SHA-256 and its MD5, and a folder must hold nothing else but
    what `is_ignored`. What a symbolic link leads to is not in the folder, except where DVC has
    linked to its cache.
    """
    return next(_mismatches(digests, project, is_ignored), None)


def first_mismatch_of_copy(name: str, digests: Digests, copy: Path) -> Mismatch | None:
    """Return the first file by which a copy of the folder `name` is another one; None if none is.

    The folder is an output, or outputs lie in it. The copy may lie anywhere, as that of a
    registered model does.
    """
    files = files_below(name, digests)
    if not files:
        return Mismatch(name, "no output of that name", "a copy of one")
    return next(_mismatches_of_folder(name, files, copy, lambda _: False), None)


def first_mismatch_of_hash(name: str, digests: Digests, dvc_hash: str) -> Mismatch | None:
    """Compare the MD5 that dvc.lock has of an output with the recorded one; None if it is that."""
    match digests.get(name):
        case FileDigest(md5=md5):
            recorded = md5
        case FolderDigest(dvc_dir_md5=md5):
            recorded = f"{md5}.dir"
        case _:
            recorded = "of no output"
    return None if recorded == dvc_hash else Mismatch(name, f"MD5 {recorded}", dvc_hash)


def _mismatches(
    digests: Digests, project: Path, is_ignored: Callable[[Path], bool]
) -> Iterator[Mismatch]:
    folders = [name for name, digest in digests.items() if isinstance(digest, FolderDigest)]
    top = project.resolve()
    for name, digest in digests.items():
        if any(name.startswith(f"{folder}/") for folder in folders):
            continue
        path = project / name
        if path.parent.resolve() != (top / name).parent:
            yield Mismatch(name, "an output in the folder", "one behind a symbolic link")
        if isinstance(digest, FileDigest):
            yield from _mismatches_of_file(name, digest, path)
        else:
            yield from _mismatches_of_folder(name, files_below(name, digests), path, is_ignored)


def _mismatches_of_folder(
    name: str, files: Mapping[str, FileDigest], path: Path, is_ignored: Callable[[Path], bool]
) -> Iterator[Mismatch]:
    if found := _not_a_folder(path):
        yield Mismatch(name, "a folder", found)
        return
    for each, digest in files.items():
        yield from _mismatches_of_file(f"{name}/{each}", digest, path / each)
    for each in _paths_in(path):
        if each not in files and not is_ignored(path / each):
            yield Mismatch(f"{name}/{each}", NO_FILE, "one that was added")


def _mismatches_of_file(name: str, digest: FileDigest, path: Path) -> Iterator[Mismatch]:
    if obstacle := _not_a_file(path, digest):
        yield Mismatch(name, f"SHA-256 {digest.sha256}", obstacle)
        return
    found = digest_file(path)
    if found.sha256 != digest.sha256:
        yield Mismatch(name, f"SHA-256 {digest.sha256}", found.sha256)
    if found.md5 != digest.md5:
        yield Mismatch(name, f"MD5 {digest.md5}", found.md5)


def _not_a_folder(path: Path) -> str:
    """Return what is there in place of a folder; empty if it is one."""
    if path.is_symlink():
        return f"a symbolic link to {path.readlink()}"
    return "" if path.is_dir() else ("a file" if path.exists() else "no such folder")


def _not_a_file(path: Path, digest: FileDigest) -> str:
    """Return what is there in place of a file; empty if it is one, or DVC's link to it."""
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return NO_FILE
    if stat.S_ISLNK(mode):
        target = path.readlink()
        in_cache = ("files", "md5", digest.md5[:2], digest.md5[2:])
        return (
            ""
            if target.parts[-4:] == in_cache and path.is_file()
            else f"a symbolic link to {target}"
        )
    if stat.S_ISDIR(mode):
        return "a folder"
    return "" if stat.S_ISREG(mode) else "neither a file nor a folder"


def _paths_in(folder: Path) -> Iterator[str]:
    """Yield whatever is below a folder and is no folder itself, by its path in it."""
    for parent, folders, files in os.walk(folder):
        here = Path(parent)
        linked = [each for each in folders if (here / each).is_symlink()]
        for each in sorted([*files, *linked]):
            yield (here / each).relative_to(folder).as_posix()
