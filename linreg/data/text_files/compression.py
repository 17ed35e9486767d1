"""Compressed files, recognized by how they begin: what was compressed, piece by piece.

Memory is bounded by the piece, whatever a file claims to hold.
"""

import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from linreg.data.text_files.text_error import TextError
from linreg.data.text_files.zip_archive import open_only_member
from linreg.errors import UserError

PIECE_BYTES = 1 << 20
MOST_TIMES = 500
"""How many times as long as its file a text may be, if it is longer than MOST_BYTES: more comes of
an archive that was made to fill a disk.
"""
MOST_BYTES = 256 << 20
_XZ_MEMORY = 256 << 20
_ZIP = b"PK\x03\x04"
_PARTS_OF_A_WORKBOOK = (b"[Content_Types].xml", b"xl/", b"opendocument.spreadsheet")


class Compression(NamedTuple):
    """A way to compress a file.

    signature  what matches the beginning of every such file
    unpack     the command that unpacks one
    """

    name: str
    signature: bytes
    unpack: str
    pieces: Callable[[Path], Iterator[bytes]]


def compression_of(start: bytes) -> Compression | None:
    """Return how a file that begins with these bytes is compressed; None if it is not.

    A workbook is a ZIP archive, too, but is not meant to be unpacked.
    """
    if is_workbook(start):
        return None
    return next((each for each in _COMPRESSIONS if re.match(each.signature, start)), None)


def is_workbook(start: bytes) -> bool:
    """Whether a file that begins with these bytes is an archive of the parts of a workbook."""
    return start.startswith(_ZIP) and any(part in start[:4096] for part in _PARTS_OF_A_WORKBOOK)


def unpacked(path: Path, compression: Compression) -> Iterator[bytes]:
    """Yield the content of a compressed file.

    Raises TextError where it is cut off, damaged, or much longer than a table can be.
    """
    most = max(MOST_BYTES, MOST_TIMES * path.stat().st_size)
    num_bytes = 0
    todo = f"copy or download it again, or unpack it: `{compression.unpack.format(path)}`"
    with _errors_about(path, compression.name, todo):
        for piece in compression.pieces(path):
            num_bytes += len(piece)
            if num_bytes > most:
                raise TextError(
                    path,
                    f"holds more than {MOST_TIMES} times its size",
                    found=f"{num_bytes} bytes so far",
                    todo="an archive like that fills a disk: unpack it yourself if it is a table",
                )
            yield piece


@contextmanager
def _errors_about(path: Path, name: str, todo: str) -> Iterator[None]:
    """Turn what the libraries raise about a damaged file into a TextError."""
    try:
        yield
    except (OSError, EOFError, zlib.error, lzma.LZMAError, UserError) as error:
        # What the system refuses has an errno.
        if isinstance(error, UserError) or getattr(error, "errno", None):
            raise
        is_cut_off = isinstance(error, EOFError) or "Truncated" in str(error)
        what = f"its {name} data end too early" if is_cut_off else f"its {name} data are damaged"
        raise TextError(path, what, found=None if is_cut_off else error, todo=todo) from None


def _by_arrow(codec: str) -> Callable[[Path], Iterator[bytes]]:
    def pieces(path: Path) -> Iterator[bytes]:
        with pa.OSFile(str(path)) as file, pa.CompressedInputStream(file, codec) as stream:
            while piece := stream.read(PIECE_BYTES):
                yield piece

    return pieces


def _xz(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        start = file.read(PIECE_BYTES)
        while start:
            # Several streams may follow each other, with zeros in between.
            stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
            yield stream.decompress(start, PIECE_BYTES)
            while not stream.eof:
                more = file.read(PIECE_BYTES) if stream.needs_input else b""
                if stream.needs_input and not more:
                    raise EOFError
                yield stream.decompress(more, PIECE_BYTES)
            start = stream.unused_data.lstrip(b"\0") or file.read(PIECE_BYTES).lstrip(b"\0")


def _zip(path: Path) -> Iterator[bytes]:
    with open_only_member(path, MOST_BYTES, MOST_TIMES) as member:
        while piece := member.read(PIECE_BYTES):
            yield piece


_COMPRESSIONS = (
    Compression("gzip", rb"\x1f\x8b", "gunzip --keep {}", _by_arrow("gzip")),
    Compression("bzip2", rb"BZh[1-9](1AY&SY|\x17rE8P\x90)", "bunzip2 --keep {}", _by_arrow("bz2")),
    Compression("xz", rb"\xfd7zXZ\0", "unxz --keep {}", _xz),
    Compression("zstd", rb"\x28\xb5\x2f\xfd", "unzstd {}", _by_arrow("zstd")),
    Compression("ZIP", rb"PK(\x03\x04|\x05\x06)", "unzip {}", _zip),
)
