"""How a CSV file is written: its delimiter, its header, and where its rows begin.

Everything is told from the file's first block, never from its name. Text is UTF-8 (with or without
a byte order mark); lines end in LF, CRLF or CR; cells may be quoted with `"`, a quote inside one is
doubled.
"""

import codecs
import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice
from pathlib import Path

from linreg.data.csv.file_signatures import refuse_foreign
from linreg.data.csv.header import NAMES, check_given_names, check_header
from linreg.errors import UserError

DELIMITERS = (",", ";", "\t", "|")

BLOCK_BYTES = 4 << 20
"""How much of a file is parsed at once. The header, and every row, has to fit."""

_ROWS_LOOKED_AT = 100
_QUOTE = "look for a quote that is not closed"
_UTF16 = "if it is UTF-16, convert it with `iconv -f UTF-16 -t UTF-8 FILE > NEW_FILE`"
_LATIN1 = "convert it, for instance with `iconv -f LATIN1 -t UTF-8 FILE > NEW_FILE`"


@dataclass(frozen=True)
class CsvFile:
    """A CSV file whose header has been read."""

    path: Path
    delimiter: str
    names: tuple[str, ...]
    """Column names in file order, without surrounding blanks; '' for an unnamed column."""
    line_end: bytes
    """The byte that ends a line: LF (also in CRLF) or CR."""
    first_row: int
    """Offset in bytes of the row after the header."""

    def require(self, column: str) -> None:
        """Raise a UserError that lists the columns, the nearest name first, if `column` is none of
        them.
        """
        if column and column in self.names:
            return
        named = [name for name in self.names if name]
        nearest = sorted(named, key=lambda name: -SequenceMatcher(None, column, name).ratio())
        more = f" and {len(nearest) - 10} more" if len(nearest) > 10 else ""
        todo = "the columns are " + ", ".join(nearest[:10]) + more
        raise UserError(f"{self.path}: column {column}", "there is no such column", todo=todo)


def read_header(path: Path, given_names: tuple[str, ...] | None = None) -> CsvFile:
    """Read a CSV file's header; raises UserError when the file has none, or a name stands in it
    twice.

    A file with `given_names` has none: its rows begin with the first.
    """
    _require_file(path)
    with path.open("rb") as file:
        block = file.read(BLOCK_BYTES)
        complete = not file.read(1)
    refuse_foreign(path, block)
    mark = len(codecs.BOM_UTF8) if block.startswith(codecs.BOM_UTF8) else 0
    text = TextCheck(path, offset=mark).decode(block[mark:], final=complete)
    if not text.strip():
        raise UserError(path, "is empty", todo=NAMES)
    delimiter = _delimiter(path, text, complete)
    lines = io.StringIO(text, newline="")
    try:
        header = next(_rows(lines, delimiter))
    except csv.Error as error:
        raise UserError(path, "the header cannot be read", found=error, todo=_QUOTE) from None
    if not complete and lines.tell() == len(text):
        raise UserError(path, f"the header is longer than {BLOCK_BYTES} bytes", todo=_QUOTE)
    line_end = b"\n" if b"\n" in block else b"\r"
    if given_names is not None:
        check_given_names(path, given_names, header)
        return CsvFile(path, delimiter, given_names, line_end, mark)
    first_row = mark + len(text[: lines.tell()].encode())
    names = tuple(name.strip() for name in header)
    below: list[list[str]] = []
    with suppress(csv.Error):
        below.extend(islice(_rows(lines, delimiter), _ROWS_LOOKED_AT))
    check_header(path, names, below, delimiter == ";")
    return CsvFile(path, delimiter, names, line_end, first_row)


class TextCheck:
    """Decodes a file piece by piece; a NUL or bytes that are not UTF-8 are a UserError with their
    offset.
    """

    def __init__(self, path: Path, offset: int) -> None:
        self._path = path
        self._offset = offset
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def check(self, piece: bytes, *, final: bool) -> None:
        """Check the bytes that follow the last piece, and keep nothing of them."""
        if piece.isascii() and b"\0" not in piece and not self._decoder.getstate()[0]:
            # the usual file: no need to decode it
            self._offset += len(piece)
        else:
            self.decode(piece, final=final)

    def decode(self, piece: bytes, *, final: bool = False) -> str:
        """Decode the bytes that follow the last piece; `final` when the file ends after them."""
        self._offset += len(piece)
        try:
            text = self._decoder.decode(piece, final)
        except UnicodeDecodeError as error:
            at, byte = self._offset - len(error.object) + error.start, error.object[error.start]
            todo = _UTF16 if at == 0 and byte in codecs.BOM_UTF16 else _LATIN1
            raise UserError(
                self._path, "is not UTF-8", found=f"byte 0x{byte:02X} at offset {at}", todo=todo
            ) from None
        if "\0" in text:
            at = self._offset - len(piece) + piece.index(b"\0")
            todo = _UTF16 if at <= 1 else "the file is damaged or no text: make it again"
            raise UserError(
                self._path, "is not text", found=f"a NUL byte at offset {at}", todo=todo
            )
        return text


def _require_file(path: Path) -> None:
    if path.is_dir():
        raise UserError(path, "is a folder, not a CSV file")
    if not path.exists():
        raise UserError(path, "there is no such file")
    if not path.is_file():
        raise UserError(path, "is not a regular file", todo="write the rows to a file first")


def _delimiter(path: Path, text: str, complete: bool) -> str:
    """Find the one delimiter that splits the header and, if several do, splits the first rows
    evenly.
    """
    splitting, even = [], []
    for delimiter in DELIMITERS:
        sizes = list(islice(_row_sizes(text, delimiter), _ROWS_LOOKED_AT))
        if not complete and 1 < len(sizes) < _ROWS_LOOKED_AT:
            # the end of the block cut that row
            sizes.pop()
        if sizes and sizes[0] > 1:
            splitting.append(delimiter)
            even += [delimiter] if len(set(sizes)) == 1 else []
    possible = even or splitting
    if len(possible) > 1:
        found = " and ".join(repr(delimiter) for delimiter in possible)
        raise UserError(
            path,
            "the delimiter cannot be told",
            found=found,
            todo="put quotes around names and text",
        )
    return possible[0] if possible else ","


def _row_sizes(text: str, delimiter: str) -> Iterator[int]:
    """Count the cells of each row, until this delimiter makes no sense."""
    with suppress(csv.Error):
        for row in _rows(io.StringIO(text, newline=""), delimiter):
            yield len(row)


def _rows(lines: io.StringIO, delimiter: str) -> Iterator[list[str]]:
    return (row for row in csv.reader(lines, delimiter=delimiter, strict=True) if row)
