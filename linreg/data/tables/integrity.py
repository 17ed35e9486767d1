"""What tells that a Parquet file of ours is the one that was written: a seal, in a file beside it.

Every page of such a file carries a checksum of its content, which is verified whenever the page is
read. What is left is how the pages are to be understood: the headers of the pages, which hold the
checksums, and the footer. The seal keeps a hash of the footer, verified when the file is opened,
and a hash of the headers of each row group, verified when the row group is read. So every byte that
is used is checked, and none is read once more for it.
"""

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from linreg.errors import UserError
from linreg.files import document_text, file_hash, read_document

SUFFIX = ".seal"
_AGAIN = "run `dvc repro` to make it again"
_COMPRESSED_PAGE_SIZE = 3
"""Number of that field in a page's header (parquet.thrift)."""
_SHORT, _LONG = 256, 1 << 16
"""Bytes that hold the header of a page of numbers, and of any page; it has the least and the
largest value in it.
"""


@dataclass(frozen=True)
class Seal:
    """SHA-256 of the footer, and CRC-32 of the page headers of each row group, both as hexadecimal
    digits.
    """

    footer: str
    groups: tuple[str, ...]

    @classmethod
    def of(cls, file: pa.NativeFile, metadata: Any) -> "Seal":
        """Return the seal of an open Parquet file."""
        groups = tuple(
            group_hash(file, metadata, index) for index in range(metadata.num_row_groups)
        )
        return cls(footer_hash(file), groups)


def seal_of(path: Path) -> Path:
    """Return the file that holds the seal of a table; readers of folders pass over names that begin
    like this.
    """
    return path.with_name(f"_{path.stem}{SUFFIX}")


def sealed_by(seal: Path) -> Path:
    """Return the table that a file holds the seal of."""
    return seal.with_name(f"{seal.stem[1:]}.parquet")


def seal_hash(path: Path) -> str:
    """Return the MD5 of a table's seal, which stands for all of the table; raises UserError when
    there is none.
    """
    if not seal_of(path).exists():
        raise UserError(seal_of(path), "there is no such file", todo=_AGAIN)
    return file_hash(seal_of(path))


def write_seal(path: Path, seal: Seal) -> None:
    """Write the seal of the table `path` beside it, in the folder that is to be flushed with
    both.
    """
    text = document_text({"footer": seal.footer, "groups": list(seal.groups)})
    seal_of(path).write_text(text, encoding="utf-8", newline="\n")


def read_seal(path: Path) -> Seal | None:
    """Return the seal that lies beside a table; None where there is none, as beside a table of the
    user's.
    """
    if not seal_of(path).exists():
        return None
    document = read_document(seal_of(path))
    return Seal(document["footer"], tuple(document["groups"]))


def broken(path: Path) -> UserError:
    """Return what to raise when a table is not what its seal says."""
    return UserError(
        path,
        "is damaged, or was changed after it was written",
        found=f"another content than {seal_of(path).name} says",
        todo=_AGAIN,
    )


def require_one_table(*paths: Path) -> None:
    """Raise UserError unless these documents, which ingest and split have written, are about the
    same table.
    """
    hashes = [read_document(path).get("table") for path in paths]
    for path, found in zip(paths, hashes, strict=True):
        if found != hashes[0]:
            raise UserError(
                path,
                f"is about another table than {paths[0]}",
                found=f"a seal with MD5 {found}",
                todo="run `dvc repro`",
            )


def footer_hash(file: pa.NativeFile) -> str:
    """Return the SHA-256 of what is around the pages: the first bytes, the footer, and how long the
    file is.

    The footer names the columns and says where their pages are.
    """
    size = file.size()
    length = int.from_bytes(file.read_at(4, max(0, size - 8)), "little")
    around = (
        file.read_at(4, 0)
        + file.read_at(length + 8, max(0, size - length - 8))
        + size.to_bytes(8, "little")
    )
    return hashlib.sha256(around).hexdigest()


def group_hash(file: pa.NativeFile, metadata: Any, index: int) -> str:
    """Return the CRC-32 of the headers of all pages of a row group; raises ValueError where there
    is none.
    """
    crc = 0
    group = metadata.row_group(index)
    for j in range(group.num_columns):
        column = group.column(j)
        first = column.dictionary_page_offset or column.data_page_offset
        for header in _headers(file, first, first + column.total_compressed_size):
            crc = zlib.crc32(header, crc)
    return f"{crc:08x}"


def _headers(file: pa.NativeFile, position: int, end: int) -> Iterator[bytes]:
    while position < end:
        header, size = _header(file, position)
        yield header
        position += len(header) + size


def _header(file: pa.NativeFile, position: int) -> tuple[bytes, int]:
    """Return a page's header and the number of bytes that follow it."""
    for length in (_SHORT, _LONG):
        data, fields = file.read_at(length, position), dict[int, int]()
        try:
            end = _end_of_struct(data, 0, fields)
        except IndexError:
            continue
        if (size := fields.get(_COMPRESSED_PAGE_SIZE, -1)) >= 0:
            return data[:end], size
    raise ValueError("no header of a page")


def _end_of_struct(data: bytes, position: int, fields: dict[int, int]) -> int:
    """Return where a struct of Thrift's compact protocol ends; notes its whole numbers by field."""
    field = 0
    while head := data[position]:
        position += 1
        kind, step = head & 15, head >> 4
        if step:
            field += step
        else:
            field, position = _whole_number(data, position)
        if kind in (4, 5, 6):
            fields[field], position = _whole_number(data, position)
        elif kind == 8:
            length, position = _varint(data, position)
            position += length
        elif kind == 12:
            position = _end_of_struct(data, position, {})
        # true and false, which take no byte of their own
        elif kind not in (1, 2):
            raise ValueError(f"no header of a page has a field of type {kind}")
    return position + 1


def _whole_number(data: bytes, position: int) -> tuple[int, int]:
    value, position = _varint(data, position)
    return (value >> 1) ^ -(value & 1), position


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, position
