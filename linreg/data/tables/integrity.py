"""Seals: checksums in a file next to a table, by which a change of any byte is detected.

Every page of a table carries a checksum of its content, which pyarrow verifies when it reads the
page. The seal covers the rest: a hash of the footer, verified when the file is opened, and one of
the page headers of each row group, verified when the row group is read.

Since the headers hold the checksums of the pages, the seal identifies the whole table without a
second pass over its bytes. The footer alone would not: it stays the same when a cell is corrected
that is neither the smallest nor the largest of its column. Measured: the headers of a row group
take 2 % of the time in which it is read, a SHA-256 of its bytes as long as reading it. And of all
9048 bits in the headers of a small table of seven columns, 6 would silently change its values if
flipped (pyarrow refuses half of the others, half do not matter).
"""

import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from linreg.data.tables.page_headers import page_headers
from linreg.errors import UserError
from linreg.files import MissingOutputError, document_text, file_hash, missing_output, read_document

SUFFIX = ".seal"


@dataclass(frozen=True)
class Seal:
    """SHA-256 of the footer and CRC-32 of the page headers of each row group, as hex digits."""

    footer: str
    groups: tuple[str, ...]

    @classmethod
    def of(cls, file: pa.NativeFile, metadata: Any) -> "Seal":
        """Return the seal of an open Parquet file."""
        row_groups = range(metadata.num_row_groups)
        headers = tuple(page_headers_checksum(file, metadata, index) for index in row_groups)
        return cls(footer_hash(file), headers)


def seal_path(table: Path) -> Path:
    """Return the file of a table's seal; the underscore hides it from readers of folders."""
    return table.with_name(f"_{table.stem}{SUFFIX}")


def table_path(seal: Path) -> Path:
    """Return the table that a file is the seal of."""
    return seal.with_name(f"{seal.stem[1:]}.parquet")


def seal_hash(table: Path) -> str:
    """Return the MD5 of a table's seal, which identifies the content of the whole table.

    Raises UserError when there is none.
    """
    seal = seal_path(table)
    try:
        return file_hash(seal)
    except FileNotFoundError:
        raise missing_output(seal) from None


def write_seal(table: Path, seal: Seal) -> None:
    """Write a table's seal; whoever makes the folder flushes it to the disk."""
    text = document_text({"footer": seal.footer, "groups": list(seal.groups)})
    seal_path(table).write_text(text, encoding="utf-8", newline="\n")


def read_seal(table: Path) -> Seal | None:
    """Return the seal of a table; None where there is none, as for a table of the user's."""
    try:
        document = read_document(seal_path(table))
    except MissingOutputError:
        return None
    return Seal(document["footer"], tuple(document["groups"]))


def damage_error(table: Path) -> UserError:
    """Return the error for a table that does not match its seal."""
    return UserError(
        table,
        "is damaged, or was changed after it was written",
        found=f"checksums other than those in {seal_path(table).name}",
        todo="run `dvc repro` to make it again",
    )


def require_same_table(*documents: Path) -> None:
    """Raise UserError unless these documents of ingest and split describe the same table."""
    hashes = [read_document(path).get("table") for path in documents]
    for path, found in zip(documents, hashes, strict=True):
        if found != hashes[0]:
            raise UserError(
                path,
                f"describes another table than {documents[0]}",
                found=f"a seal with MD5 {found}",
                todo="run `dvc repro`",
            )


def footer_hash(file: pa.NativeFile) -> str:
    """Return the SHA-256 of all but the pages: the first four bytes, the footer, the file's length.

    The footer holds the schema and where the pages of each column are.
    """
    size = file.size()
    length = int.from_bytes(file.read_at(4, max(0, size - 8)), "little")
    magic = file.read_at(4, 0)
    footer = file.read_at(length + 8, max(0, size - length - 8))
    return hashlib.sha256(magic + footer + size.to_bytes(8, "little")).hexdigest()


def page_headers_checksum(file: pa.NativeFile, metadata: Any, row_group: int) -> str:
    """Return the CRC-32 of the page headers of a row group; raises ValueError for a damaged one."""
    crc = 0
    for header in page_headers(file, metadata, row_group):
        crc = zlib.crc32(header, crc)
    return f"{crc:08x}"
