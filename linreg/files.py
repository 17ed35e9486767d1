"""Files and folders that are complete or absent: they are renamed when all bytes are on disk."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from linreg.errors import UserError

CHECKSUM = "checksum"
"""The key of the checksum within a document."""
_Result = TypeVar("_Result")


class MissingOutputError(UserError):
    """A file or folder that a stage makes is not there."""


@contextmanager
def new_file(path: Path, *, flush: bool = True) -> Iterator[Path]:
    """Yield a temporary path in the same folder; on success it becomes `path`, else it is removed.

    Without `flush` its bytes may not be on the disk yet, as for scratch files that no later process
    reads. Raises UserError when `path` is a folder. A symbolic link is replaced, not its target.
    """
    if path.is_dir() and not path.is_symlink():
        raise UserError(
            path,
            "is a folder, but a file is to be written there",
            todo="name another file, or move the folder",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        if flush:
            _sync(partial)
        partial.replace(path)
        if flush:
            _sync(path.parent)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder; on success it replaces the folder `path` as a whole.

    So a folder that exists is complete, and holds no file of an earlier run, such as a shard of a
    split that had more of them.
    """
    partial = path.with_name(f".{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        for file in sorted(partial.rglob("*")):
            _sync(file)
        _sync(partial)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        partial.replace(path)
        _sync(path.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder next to `path` for intermediate files; it is removed at the end."""
    scratch = path.with_name(f".{path.name}.scratch")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with LF line ends."""
    with new_file(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write JSON with sorted keys and every digit; raises ValueError for NaN and infinity."""
    write_text(path, _as_json(value))


def read_json(path: Path) -> Any:
    """Read what `write_json` wrote; raises UserError when the file is absent or damaged."""
    return _read_json(path)[0]


def _read_json(path: Path) -> tuple[Any, str]:
    """Return the value in a file and its text, read at once: it may be replaced at any moment."""
    try:
        text = path.read_bytes().decode()
        return json.loads(text), text
    except FileNotFoundError:
        raise missing_output(path) from None
    except (ValueError, RecursionError) as error:
        raise UserError(
            path, "is damaged", found=error, todo="delete it and run `dvc repro`"
        ) from None


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON document together with its checksum, which `read_document` verifies."""
    write_text(path, document_text(document))


def document_text(document: Mapping[str, Any]) -> str:
    """Return what `write_document` writes, for a folder that is flushed to the disk as a whole."""
    return _as_json({**document, CHECKSUM: checksum(document)})


def read_document(path: Path) -> dict[str, Any]:
    """Read what `write_document` wrote; raises UserError unless every byte is unchanged.

    Without the check, a digit that was changed by hand or by a damaged disk would go unnoticed.
    """
    document, text = _read_json(path)
    try:
        unchanged = document.pop(CHECKSUM) == checksum(document)
        unchanged = unchanged and text == document_text(document)
    except (AttributeError, KeyError, TypeError, ValueError):
        unchanged = False
    if not unchanged:
        raise UserError(
            path,
            "was changed after it was written, by hand or by a damaged disk",
            todo="delete it and run `dvc repro`",
        )
    return dict(document)


def read_folder(folder: Path, read: Callable[[Path], _Result]) -> _Result:
    """Return what `read` makes of the files in a folder that may be replaced while it reads.

    Files of the old and of the new folder do not fit together, which is no damage: so `read` is
    repeated when it raises UserError and the folder is another one by then.
    """
    before = _identity(folder)
    while True:
        try:
            return read(folder)
        except UserError:
            after = _identity(folder)
            if after == before:
                raise
            before = after


def _identity(folder: Path) -> tuple[int, ...] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_ctime_ns


def checksum(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a JSON document without its checksum."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def require_unchanged(hashes: Mapping[str, str]) -> None:
    """Raise UserError for the first file whose MD5 differs; folders take long and are skipped."""
    for name, expected in hashes.items():
        path = Path(name)
        if path.is_dir():
            continue
        if (found := _hash_of_output(path)) != expected:
            raise UserError(
                path,
                "is not the file that the model was made from, or is damaged",
                found=f"MD5 {found} instead of {expected}",
                todo="run `dvc repro`",
            )


def _hash_of_output(path: Path) -> str:
    try:
        return file_hash(path)
    except FileNotFoundError:
        raise missing_output(path) from None


def missing_output(path: Path) -> MissingOutputError:
    """Return the error for a file or folder that a stage makes and that is not there."""
    return MissingOutputError(path, "there is no such file", todo="run `dvc repro` to make it")


def file_hash(path: Path) -> str:
    """Return the MD5 of a file's bytes, which identifies content as in DVC; it protects nothing."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def content_hash(path: Path, hash_of_file: Callable[[Path], str] = file_hash) -> str:
    """Return the MD5 that DVC gives to a file or folder, as in dvc.lock.

    That of a folder is the MD5 of a JSON list of its files' hashes and relative paths, with `.dir`
    appended.
    """
    if not path.is_dir():
        return hash_of_file(path)
    listing = [
        {"md5": hash_of_file(file), "relpath": file.relative_to(path).as_posix()}
        for file in files_in(path)
    ]
    text = json.dumps(listing, sort_keys=True)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() + ".dir"


def files_in(path: Path) -> list[Path]:
    """Return all files below a folder by relative path; for a file, the file itself."""
    if not path.is_dir():
        return [path]
    return sorted(
        (file for file in path.rglob("*") if file.is_file()),
        key=lambda file: file.relative_to(path).as_posix(),
    )


def size_of(path: Path) -> int:
    """Return the number of bytes in a file, or in all files below a folder."""
    return sum(file.stat().st_size for file in files_in(path))


def _as_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
