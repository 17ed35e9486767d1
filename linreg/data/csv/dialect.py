"""The dialect of a CSV file: its delimiter, what ends its lines, its header.

All of it is inferred from the first block of the file, never from the file's name, unless options
say it. Text is UTF-8, with or without a byte order mark; lines end in LF, CRLF or CR; cells may be
quoted with `"`, and a quote inside a quoted cell is doubled, or has a backslash before it.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from linreg.data.cells.words import MISSING
from linreg.data.csv.block_lines import (
    with_single_blanks,
    without_blanks_around_quotes,
    without_comments,
    without_escapes,
    without_frame,
)
from linreg.data.csv.delimiter import FirstLines, Sample, split_rows
from linreg.data.csv.first_lines import read_beginning
from linreg.data.csv.header import FIRST_ROW_HOLDS_NAMES, check_given_names, check_header
from linreg.data.csv.layout import Layout, is_number_like
from linreg.data.csv.layout_notes import layout_notes, shown
from linreg.data.csv.sample_rows import Splitter
from linreg.data.tables.reading_note import ReadingNote
from linreg.data.text_files.file_signatures import refuse_other_formats
from linreg.data.text_files.text_file import TextFile, open_text, read_start
from linreg.errors import UserError
from linreg.params.ingest import READ_AS_IS, ReadOptions

BLOCK_BYTES = 4 << 20
"""The size of a block: how much of a file is parsed at a time. Every row has to fit into one."""

_LOOK_FOR_QUOTE = "look for a quote that is not closed"


@dataclass(frozen=True)
class CsvFile:
    """A CSV file whose header has been read.

    names         column names in file order, without blanks around them; '' for an unnamed column
    line_end      the byte that ends a line: LF (also for CRLF) or CR
    rows_offset   where the rows begin, in bytes of the text
    splitter      how lines are split into cells
    missing       the words for a missing cell
    notes         what a person should know about how the file is read
    """

    text: TextFile
    names: tuple[str, ...]
    line_end: bytes
    rows_offset: int
    splitter: Splitter
    missing: tuple[str, ...] = MISSING
    notes: tuple[ReadingNote, ...] = ()

    @property
    def path(self) -> Path:
        """The user's file."""
        return self.text.path

    @property
    def delimiter(self) -> str:
        """What separates cells: one character; a blank for any number of blanks and tabs."""
        return self.splitter.delimiter

    @property
    def is_plain(self) -> bool:
        """Whether pyarrow reads the rows as they are."""
        return self.splitter == Splitter(self.delimiter) and self.delimiter != " "

    def plain(self, block: bytes) -> bytes:
        """Return whole rows of the file as pyarrow reads them: without comments and such."""
        if self.splitter.comment:
            block = without_comments(block, self.splitter.comment.encode())
        if self.splitter.has_escapes:
            block = without_escapes(block)
        if self.splitter.frame:
            block = without_frame(block, self.splitter.frame)
        if self.splitter.has_blanks:
            block = without_blanks_around_quotes(block, self.delimiter)
        return with_single_blanks(block) if self.delimiter == " " else block

    @property
    def has_decimal_commas(self) -> bool:
        """Whether numbers may be written with a decimal comma."""
        return self.delimiter == ";"

    def require(self, columns: Iterable[str]) -> None:
        """Raise UserError unless the file has each of these columns, once.

        The error names columns of the file, the most similar ones first.
        """
        counts = Counter(filter(None, self.names))
        column = next((column for column in columns if counts[column] != 1), None)
        if column is None:
            return
        if counts[column] > 1:
            where = f"{self.path}: column {column}"
            raise UserError(where, "duplicate column name", todo="rename one of them")
        named = [name for name in self.names if name]
        similar = sorted(named, key=lambda name: -SequenceMatcher(None, column, name).ratio())
        more = f" and {len(similar) - 10} more" if len(similar) > 10 else ""
        todo = "the columns are " + ", ".join(similar[:10]) + more
        raise UserError(f"{self.path}: column {column}", "there is no such column", todo=todo)


def read_header(path: Path, options: ReadOptions = READ_AS_IS) -> CsvFile:
    """Read the header of a CSV file and infer its dialect.

    A file whose names are given has no header: its rows begin with the first one, unless that holds
    these names. Raises UserError for a file that is not CSV or whose delimiter is ambiguous, for
    names that are absent, and for options that do not fit the file.
    """
    start = read_start(path, BLOCK_BYTES)
    refuse_other_formats(path, start.block)
    text_file = open_text(start, options)
    text, is_whole_file = text_file.first_block(start, BLOCK_BYTES)
    if not text.strip("\ufeff\x1a \t\r\n"):
        raise UserError(path, "is empty", todo=FIRST_ROW_HOLDS_NAMES)
    beginning = read_beginning(path, text, options)
    lines = FirstLines(path, text, beginning.start, is_whole_file, beginning.possible_names)
    told = beginning.delimiter or ""
    is_told = text.find(told, beginning.start) >= 0
    sample = split_rows(lines, options, options.delimiter or (is_told and told) or None)
    if not sample.rows:
        raise _unreadable_header(lines, sample.splitter)
    if not is_whole_file and sample.rows[0].end == len(text):
        what = f"the header is longer than {BLOCK_BYTES} bytes"
        raise UserError(path, what, todo=_LOOK_FOR_QUOTE)
    names, rows_start = _names_and_start(lines, sample, options)
    return CsvFile(
        text_file,
        names,
        _infer_line_end(text, beginning.start, sample.splitter),
        len(text[:rows_start].encode()),
        sample.splitter,
        (*MISSING, *options.missing_words),
        (*text_file.notes, *layout_notes(path, beginning, sample, names, options)),
    )


def _names_and_start(
    lines: FirstLines, sample: Sample, options: ReadOptions
) -> tuple[tuple[str, ...], int]:
    """Return the names of the columns, and where the rows begin in the text."""
    rows = sample.rows
    if sample.layout is None and options.names is not None:
        first = sample.first_row or 0
        check_given_names(lines.path, options.names, rows[first].cells)
        unnamed = ("",) * (len(rows[first].cells) - len(options.names))
        return (*options.names, *unnamed), rows[first - 1].end if first else lines.start
    if sample.layout is None:
        header = 0
        names = tuple(_plain_name(cell) for cell in rows[0].cells)
    else:
        _require_one_header(lines, sample, sample.layout)
        header = sample.layout.header + sample.layout.num_units
        names = tuple(map(_plain_name, sample.layout.names))
    below = [row.cells for row in rows[header + 1 :]]
    if options.names is None:
        _refuse_single_quotes(lines.path, names, below)
        check_header(lines.path, names, below)
    return names, rows[header].end


def _refuse_single_quotes(path: Path, names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Raise UserError for names, numbers and cells with a delimiter that are in single quotes."""
    found = names[0] if all(map(_is_in_single_quotes, names)) else ""
    ends = any(cell.strip()[-1:] == "'" for row in rows for cell in row)
    for column in zip(*rows, strict=False):
        cells = [cell.strip() for cell in column if cell.strip()]
        # A lone apostrophe, as in '0123, is how spreadsheets mark text.
        if ends and cells and all(cell[0] == "'" for cell in cells):
            is_cut = all(cell.count("'") == 1 for cell in cells) and len(cells) > 1
            if is_cut or all(is_number_like(cell.strip("'")) for cell in cells):
                found = cells[0]
    if found:
        what = "has cells in single quotes"
        raise UserError(path, what, found=found, todo="write them with double quotes")


def _is_in_single_quotes(cell: str) -> bool:
    return len(cell) > 1 and cell[0] == cell[-1] == "'"


def _require_one_header(lines: FirstLines, sample: Sample, layout: Layout) -> None:
    if layout.other_header:
        rows = sample.rows
        above = rows[layout.other_header - 1]
        number = len(io.StringIO(lines.text[: above.end], newline="").readlines())
        readings = (shown(", ".join(rows[index].cells)) for index in (0, layout.other_header))
        raise UserError(
            lines.path,
            "may have its header on top or further down",
            found=" or ".join(readings),
            todo=f"leave out the lines above it: `linreg use FILE --skip {number}` (ingest.skip),"
            " or remove the empty lines below it",
        )


def _plain_name(cell: str) -> str:
    # Files that were joined have a byte order mark in the middle.
    return cell.strip().strip("\ufeff").strip()


def _unreadable_header(lines: FirstLines, splitter: Splitter) -> UserError:
    """Return what is wrong with a first row that cannot be split."""
    try:
        next(splitter.rows(lines.text, lines.start))
    except csv.Error as error:
        what = "the header cannot be read"
        return UserError(lines.path, what, found=error, todo=_LOOK_FOR_QUOTE)
    except StopIteration:
        pass
    return UserError(lines.path, "has no rows", todo="look at ingest.skip and ingest.comment")


def _infer_line_end(text: str, start: int, splitter: Splitter) -> bytes:
    """Return LF if it ends a row of the text, alone or in CRLF, and CR otherwise."""
    if "\r" not in text:
        return b"\n"
    if "\n" in text:
        # The text has to be parsed: a line feed may as well be part of a quoted cell.
        with suppress(csv.Error):
            for row in splitter.rows(text, start):
                if text[row.end - 1] == "\n":
                    return b"\n"
    return b"\r"
