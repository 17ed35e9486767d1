"""The one way to write a file: complete or absent, under its name only when every byte is on the
disk.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from linreg.errors import UserError

CHECKSUM = "checksum"
"""The key of a document's checksum."""


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; on success it becomes `path`, on failure it is
    gone.

    Raises UserError when `path` is a folder; a symbolic link is replaced itself, wherever it leads.
    """
    if path.is_dir() and not path.is_symlink():
        raise UserError(
            path,
            "is a folder, and a file is to be written there",
            todo="name another, or move it away",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        _sync(partial)
        partial.replace(path)
        _sync(path.parent)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder; on success it replaces the folder `path` as a whole.

    A folder that exists is therefore complete: nobody sees half of a stage's outputs, and files of
    an earlier run (a shard too many) do not survive beside the new ones.
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
    """Yield an empty folder beside `path` for what a stage writes on the way; it is gone
    afterwards.
    """
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
    """Write JSON with sorted keys and floats that keep every digit; NaN and infinity are
    refused.
    """
    write_text(path, _as_json(value))


def read_json(path: Path) -> Any:
    """Read what `write_json` wrote; raises UserError when the file is absent or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(path, "there is no such file", todo="run `dvc repro` to make it") from None
    except (ValueError, RecursionError) as error:
        raise UserError(
            path, "is damaged", found=error, todo="delete it and run `dvc repro`"
        ) from None


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON document together with its checksum, by which `read_document` knows it again."""
    write_text(path, document_text(document))


def document_text(document: Mapping[str, Any]) -> str:
    """Return what `write_document` writes, for a file in a folder that is flushed to the disk as a
    whole.
    """
    return _as_json({**document, CHECKSUM: checksum(document)})


def read_document(path: Path) -> dict[str, Any]:
    """Read what `write_document` wrote; raises UserError unless every byte is as it was then.

    A digit that a damaged disk or a hand has changed would otherwise be read as any other.
    """
    document = read_json(path)
    try:
        whole = document.pop(CHECKSUM) == (found := checksum(document))
        whole = whole and path.read_bytes() == _as_json({**document, CHECKSUM: found}).encode()
    except (AttributeError, KeyError, TypeError, ValueError):
        whole = False
    if not whole:
        raise UserError(
            path,
            "was changed after it was written, by hand or by a damaged disk",
            todo="delete it and run `dvc repro`",
        )
    return dict(document)


def checksum(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a JSON document, kept in it under another key to tell damage and
    changes by hand.
    """
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def require_unchanged(hashes: Mapping[str, str]) -> None:
    """Raise UserError for the first file that has another hash than here; folders, which take long,
    are left out.
    """
    for name, expected in hashes.items():
        path = Path(name)
        if path.is_dir():
            continue
        if not path.exists():
            raise UserError(path, "there is no such file", todo="run `dvc repro` to make it")
        if (found := file_hash(path)) != expected:
            raise UserError(
                path,
                "is not the file that the model was made with, or is damaged",
                found=f"MD5 {found} in place of {expected}",
                todo="run `dvc repro`",
            )


def file_hash(path: Path) -> str:
    """Return the MD5 of a file's bytes; it names content here, it guards nothing."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def content_hash(path: Path, hash_of_file: Callable[[Path], str] = file_hash) -> str:
    """Return the MD5 that DVC gives to a file or folder, so that it can be looked up in dvc.lock.

    A folder's hash is that of the JSON list of its files' hashes and relative paths, with `.dir`
    appended.
    """
    if not path.is_dir():
        return hash_of_file(path)
    listing = [
        {"md5": hash_of_file(file), "relpath": file.relative_to(path).as_posix()}
        for file in files_in(path)
    ]
    return (
        hashlib.md5(json.dumps(listing, sort_keys=True).encode(), usedforsecurity=False).hexdigest()
        + ".dir"
    )


def files_in(path: Path) -> list[Path]:
    """Return all files in a folder and its folders, in the order of their relative paths; a file is
    its own.
    """
    if not path.is_dir():
        return [path]
    return sorted(
        (file for file in path.rglob("*") if file.is_file()),
        key=lambda file: file.relative_to(path).as_posix(),
    )


def _as_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
