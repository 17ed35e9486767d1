"""A file, or all files below a prefix, of S3 or Google Cloud Storage."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import fs

from linreg.data.fetch.address import Address
from linreg.data.fetch.remote import Saved

BYTES_AT_ONCE = 1 << 20
_VERSIONS = ("ETag", "etag", "generation", "Last-Modified")
"""Of what a server says about a file, the names of what changes with its content; the first that
is there counts.
"""


class Bucket:
    """A file of a bucket, or the files below a prefix."""

    def __init__(self, files: fs.FileSystem, path: str, address: Address) -> None:
        self._files = files
        self._path = path.rstrip("/")
        self._address = address
        with self._errors():
            info = files.get_file_info(self._path)
        self._is_file = info.type == fs.FileType.File
        if self._is_file:
            self._infos = [info]
        else:
            with self._errors():
                selector = fs.FileSelector(self._path, allow_not_found=True, recursive=True)
                found = files.get_file_info(selector)
            self._infos = sorted(
                (each for each in found if each.type == fs.FileType.File and _is_data(each.path)),
                key=lambda each: each.path,
            )
        if not self._infos:
            raise address.error("there is no such file or prefix", todo="check the address")
        self._versions: dict[str, str] = {}

    def fingerprint(self) -> str | None:
        """Return the ETags of all files."""
        for each in self._infos:
            with self._errors(), self._files.open_input_stream(each.path) as stream:
                said = {_text(name): _text(text) for name, text in _metadata(stream).items()}
            version = next((said[name] for name in _VERSIONS if name in said), None)
            self._versions[self._name(each.path)] = version or f"{each.mtime_ns}, {each.size} bytes"
        if self._is_file:
            return next(iter(self._versions.values()))
        return ", ".join(f"{name} {version}" for name, version in self._versions.items())

    def save(self, folder: Path) -> Saved:
        """Copy each file, to its last byte."""
        name = self._path.rpartition("/")[2]
        for each in self._infos:
            target = folder / (name if self._is_file else f"{name}/{self._name(each.path)}")
            target.parent.mkdir(parents=True, exist_ok=True)
            with (
                self._errors(),
                self._files.open_input_stream(each.path) as stream,
                target.open("wb") as file,
            ):
                shutil.copyfileobj(stream, file, BYTES_AT_ONCE)
            if target.stat().st_size != each.size:
                found = f"{target.stat().st_size} bytes of {each.size}"
                what = f"{each.path} broke off or was replaced on the way"
                raise self._address.error(what, found, "run it again")
        total = sum(each.size for each in self._infos)
        return Saved(name, {"bytes": total, "etag": dict(self._versions)})

    def _name(self, path: str) -> str:
        return path.rpartition("/")[2] if self._is_file else path[len(self._path) + 1 :]

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (OSError, pa.ArrowException) as error:
            raise _in_plain_words(self._address, error) from None


@contextmanager
def bucket(address: Address) -> Iterator[Bucket]:
    """Open a bucket, with the keys that the environment or the machine has."""
    try:
        files, path = fs.FileSystem.from_uri(address.actual)
    except (OSError, pa.ArrowException) as error:
        raise _in_plain_words(address, error) from None
    yield Bucket(files, path, address)


def _is_data(path: str) -> bool:
    """Whether a file is none of those that readers of folders leave out, as _SUCCESS is."""
    return path.rpartition("/")[2][:1] not in (".", "_", "")


def _metadata(stream: Any) -> dict[Any, Any]:
    return dict(stream.metadata() or {})


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _in_plain_words(address: Address, error: Exception) -> Exception:
    text = str(error)
    if "ACCESS_DENIED" in text or "HTTP status 403" in text or "INVALID_ACCESS_KEY" in text:
        todo = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the like, in the environment"
        return address.error("refuses access", text, todo)
    if "NO_SUCH_BUCKET" in text or "HTTP status 404" in text or "not found" in text.lower():
        return address.error("there is no such bucket or file", text, "check the address")
    return address.error("cannot be read", text, "check the address and the network")
