"""The dialect of a CSV file: its delimiter, what ends its lines, its header.

All of it is inferred from the first block of the file, never from the file's name. Text is UTF-8,
with or without a byte order mark; lines end in LF, CRLF or CR; cells may be quoted with `"`, and a
quote inside a quoted cell is doubled.
"""

import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice
from pathlib import Path

from linreg.data.cells.words import MISSING
from linreg.data.csv.file_signatures import refuse_other_formats
from linreg.data.csv.header import FIRST_ROW_HOLDS_NAMES, check_given_names, check_header
from linreg.data.text_files.text_file import TextFile, open_text, read_start
from linreg.errors import UserError
from linreg.params.ingest import READ_AS_IS, ReadOptions

DELIMITERS = (",", ";", "\t", "|")

BLOCK_BYTES = 4 << 20
"""The size of a block: how much of a file is parsed at a time. Every row has to fit into one."""

_SAMPLE_ROWS = 100
_LOOK_FOR_QUOTE = "look for a quote that is not closed"


@dataclass(frozen=True)
class CsvFile:
    """A CSV file whose header has been read.

    names         column names in file order, without blanks around them; '' for an unnamed column
    line_end      the byte that ends a line: LF (also for CRLF) or CR
    rows_offset   where the rows begin, in bytes of the text
    missing       the words for a missing cell
    """

    text: TextFile
    delimiter: str
    names: tuple[str, ...]
    line_end: bytes
    rows_offset: int
    missing: tuple[str, ...] = MISSING

    @property
    def path(self) -> Path:
        """The user's file."""
        return self.text.path

    @property
    def has_decimal_commas(self) -> bool:
        """Whether numbers may be written with a decimal comma."""
        return self.delimiter == ";"

    def require(self, column: str) -> None:
        """Raise UserError, with the most similar names first, unless the file has this column."""
        if column and column in self.names:
            return
        named = [name for name in self.names if name]
        similar = sorted(named, key=lambda name: -SequenceMatcher(None, column, name).ratio())
        more = f" and {len(similar) - 10} more" if len(similar) > 10 else ""
        todo = "the columns are " + ", ".join(similar[:10]) + more
        raise UserError(f"{self.path}: column {column}", "there is no such column", todo=todo)


def read_header(path: Path, options: ReadOptions = READ_AS_IS) -> CsvFile:
    """Read the header of a CSV file and infer its dialect.

    A file whose names are given has no header: its rows begin with the first one. Raises UserError
    for a file that is not CSV or whose delimiter is ambiguous, and for names that are absent or
    duplicate.
    """
    start = read_start(path, BLOCK_BYTES)
    refuse_other_formats(path, start.block)
    text_file = open_text(start, options)
    text, is_whole_file = text_file.first_block(BLOCK_BYTES)
    if not text.strip():
        raise UserError(path, "is empty", todo=FIRST_ROW_HOLDS_NAMES)
    delimiter = _infer_delimiter(path, text, is_whole_file)
    lines = io.StringIO(text, newline="")
    try:
        first_row = next(_parse(lines, delimiter))
    except csv.Error as error:
        what = "the header cannot be read"
        raise UserError(path, what, found=error, todo=_LOOK_FOR_QUOTE) from None
    if not is_whole_file and lines.tell() == len(text):
        what = f"the header is longer than {BLOCK_BYTES} bytes"
        raise UserError(path, what, todo=_LOOK_FOR_QUOTE)
    line_end = _infer_line_end(text, delimiter)
    missing = (*MISSING, *options.missing_words)
    if options.names is not None:
        check_given_names(path, options.names, first_row)
        return CsvFile(text_file, delimiter, options.names, line_end, 0, missing)
    names = tuple(name.strip() for name in first_row)
    rows_offset = len(text[: lines.tell()].encode())
    file = CsvFile(text_file, delimiter, names, line_end, rows_offset, missing)
    sample: list[list[str]] = []
    with suppress(csv.Error):
        sample.extend(islice(_parse(lines, delimiter), _SAMPLE_ROWS))
    check_header(path, names, sample, file.has_decimal_commas)
    return file


def _infer_delimiter(path: Path, text: str, is_whole_file: bool) -> str:
    """Return the delimiter that splits the header; of several, the one that splits rows evenly."""
    splitting = []
    even = []
    for delimiter in DELIMITERS:
        sizes = list(islice(_row_sizes(text, delimiter), _SAMPLE_ROWS))
        if not is_whole_file and 1 < len(sizes) < _SAMPLE_ROWS:
            # The end of the block may have cut off the last row.
            sizes.pop()
        if sizes and sizes[0] > 1:
            splitting.append(delimiter)
            if len(set(sizes)) == 1:
                even.append(delimiter)
    possible = even or splitting
    if len(possible) > 1:
        raise UserError(
            path,
            "ambiguous delimiter",
            found=" and ".join(repr(delimiter) for delimiter in possible),
            todo="put quotes around names and text",
        )
    # A file of one column has none: any will do.
    return possible[0] if possible else ","


def _infer_line_end(text: str, delimiter: str) -> bytes:
    """Return LF if it ends a row of the text, alone or in CRLF, and CR otherwise."""
    if "\r" not in text:
        return b"\n"
    if "\n" in text:
        # The text has to be parsed: a line feed may as well be part of a quoted cell.
        lines = io.StringIO(text, newline="")
        with suppress(csv.Error):
            for _ in _parse(lines, delimiter):
                if text[lines.tell() - 1] == "\n":
                    return b"\n"
    return b"\r"


def _row_sizes(text: str, delimiter: str) -> Iterator[int]:
    """Yield the number of cells of each row, up to the first that this delimiter cannot split."""
    with suppress(csv.Error):
        for row in _parse(io.StringIO(text, newline=""), delimiter):
            yield len(row)


def _parse(lines: io.StringIO, delimiter: str) -> Iterator[list[str]]:
    """Yield the rows that are not empty lines."""
    return (row for row in csv.reader(lines, delimiter=delimiter, strict=True) if row)
