"""The first rows of a text file, as some delimiter splits them."""

import csv
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import NamedTuple

from linreg.data.csv.block_lines import (
    is_rule,
    with_single_blanks,
    without_blanks_around_quotes,
    without_frame,
)

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


def lines_of(text: str, start: int = 0) -> Iterator[tuple[int, str]]:
    """Yield where each line ends, and the line with its LF, CR or CRLF, from `start` on."""
    for match in _LINE.finditer(text, start):
        yield match.end(), match[0]


class SampleRow(NamedTuple):
    """A row that is not an empty line: where it ends in the text, and its cells."""

    end: int
    cells: tuple[str, ...]
    is_below_empty_line: bool = False

    @property
    def width(self) -> int:
        """The number of cells up to the last one that holds something."""
        return max((at for at, cell in enumerate(self.cells, 1) if cell.strip()), default=0)


class Splitter(NamedTuple):
    """How text is split into rows.

    delimiter      separates cells; a blank stands for any number of blanks and tabs
    comment        lines that begin with it are not read; '' for none
    has_escapes    whether a backslash stands before a quote inside quotes, rather than another one
    has_blanks     whether there may be blanks around quoted cells
    frame          `|` where each line begins and ends with one, a blank where none does, and lines
                   of dashes are drawn between the rows; '' for a text that draws no table
    """

    delimiter: str
    comment: str = ""
    has_escapes: bool = False
    has_blanks: bool = False
    frame: str = ""

    def rows(self, text: str, start: int = 0) -> Iterator[SampleRow]:
        """Yield the rows from the character at `start` on; raises csv.Error for a stray quote."""
        lines = _Lines(text, start, self)
        reader = csv.reader(
            lines,
            delimiter=self.delimiter,
            strict=True,
            doublequote=not self.has_escapes,
            escapechar="\\" if self.has_escapes else None,
        )
        is_below_empty_line = False
        while True:
            lines.at_row_start = True
            try:
                cells = next(reader)
            except StopIteration:
                return
            if cells:
                yield SampleRow(lines.position, tuple(cells), is_below_empty_line)
            is_below_empty_line = not cells

    def sample(
        self, text: str, start: int, *, limit: int | None, is_whole_file: bool
    ) -> list[SampleRow]:
        """Return at most `limit` rows, up to the first with a stray quote.

        The last one is left out where the end of the text may have cut it off.
        """
        rows: list[SampleRow] = []
        with suppress(csv.Error):
            rows.extend(islice(self.rows(text, start), limit))
        if not is_whole_file and len(rows) > 1 and rows[-1].end == len(text):
            rows.pop()
        return rows


class _Lines:
    """The lines of a text for csv.reader, without comments, as it takes them one by one."""

    def __init__(self, text: str, start: int, splitter: Splitter) -> None:
        self._lines = lines_of(text, start)
        self.position = start
        self._splitter = splitter
        self.at_row_start = True

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        comment = self._splitter.comment
        self.position, line = next(self._lines)
        is_drawn = self._splitter.frame
        while self.at_row_start and (
            (comment and line.startswith(comment)) or (is_drawn and is_rule(line))
        ):
            self.position, line = next(self._lines)
        self.at_row_start = False
        if is_drawn:
            line = without_frame(line.encode(), self._splitter.frame).decode()
        if self._splitter.delimiter == " ":
            line = with_single_blanks(line.encode()).decode()
        elif self._splitter.has_blanks:
            line = without_blanks_around_quotes(line.encode(), self._splitter.delimiter).decode()
        return line.replace("\x1a", "") if line.startswith("\x1a") else line
