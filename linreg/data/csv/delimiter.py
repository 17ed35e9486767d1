"""The delimiter of a text file: the one that splits its rows into a table.

Of several, the one under which the others occur in numbers only. Blanks separate cells where
nothing else does, and a column of numbers begins below the header.
"""

import csv
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from linreg.data.csv.block_lines import has_rules
from linreg.data.csv.footer import num_rows_above_footer
from linreg.data.csv.layout import (
    Layout,
    find_layout,
    first_row_of,
    is_number_like,
    layout_at_top,
    number_columns,
)
from linreg.data.csv.sample_rows import SampleRow, Splitter
from linreg.errors import UserError
from linreg.params.ingest import ReadOptions

DELIMITERS = (",", ";", "\t", "|")
_CONTROL_CHARACTERS = ("\x01", "\x1f")
"""Separate the cells of Hive's files, and the units of ASCII."""

_CHARACTERS_WITH_BLANKS = 1 << 18
"""Where blanks around quoted cells are looked for."""
_SAMPLE_ROWS = 100
_ALL_ROWS = None


class Sample(NamedTuple):
    """The first rows as a delimiter splits them, and the table in them.

    layout      where the table begins if the file has a header; None where none was found
    first_row   the index of the first row if it has none, but its names are given
    rejected    another delimiter that splits names and rows evenly; '' for none
    """

    splitter: Splitter
    rows: Sequence[SampleRow]
    layout: Layout | None = None
    first_row: int | None = None
    rejected: str = ""

    @property
    def num_columns(self) -> int:
        """The number of columns of the table; 0 where there is none."""
        if self.first_row is not None:
            return len(self.rows[self.first_row].cells)
        return len(self.layout.names) if self.layout else 0


@dataclass(frozen=True)
class FirstLines:
    """The text of the first block from the character at `start` on.

    comment   the last comment line above it, without its sign, which may hold the names
    """

    path: Path
    text: str
    start: int
    is_whole_file: bool
    comment: str = ""

    @cached_property
    def has_escaped_quotes(self) -> bool:
        """Whether a quote has a backslash before it."""
        # A single character is found several times as fast as two.
        return "\\" in self.text and '\\"' in self.text


def split_rows(lines: FirstLines, options: ReadOptions, delimiter: str | None) -> Sample:
    """Split the first rows at the delimiter, or at the one that fits them where it is None.

    Raises UserError where several fit, and for a delimiter that does not occur where others do.
    """
    if delimiter is not None:
        sample = _split(lines, options, delimiter)
        if lines.text.find(delimiter, lines.start) < 0 and delimiter != " ":
            _require_no_other(lines, options, delimiter)
        return sample
    usual, *others = (*DELIMITERS, *_CONTROL_CHARACTERS)
    possible = [usual, *(each for each in others if each in lines.text)]
    samples = [_split(lines, options, each) for each in possible]
    tables: Sequence[Sample] = [sample for sample in samples if sample.num_columns > 1]
    if len(tables) > 1:
        tables = _narrowed(lines, options, tables)
    if not tables:
        blanks = _split(lines, options, " ")
        if blanks.num_columns > 1 and _are_separated_by_blanks(blanks):
            _refuse_numbers_in_groups(lines, blanks)
            return blanks
        tables = [each for each in samples if each.rows and len(each.rows[0].cells) > 1]
    if len(tables) > 1:
        readings = " and ".join(_shown(each) for each in tables)
        todo = "put quotes around names and text, or name it: `linreg use FILE --delimiter ';'`"
        raise UserError(
            lines.path, "ambiguous delimiter", found=readings, todo=f"{todo} (ingest.delimiter)"
        )
    # A file of one column has none: any will do.
    sample = tables[0] if tables else samples[0]
    return sample if sample.num_columns else _above_uneven_row(sample)


def _above_uneven_row(sample: Sample) -> Sample:
    """Return the table that the rows above the first with another number of cells show."""
    rows = sample.rows
    even = takewhile(lambda row: len(row.cells) == len(rows[1].cells), rows[1:])
    return sample._replace(layout=layout_at_top([*rows[:1], *even]))


def _split(
    lines: FirstLines, options: ReadOptions, delimiter: str, limit: int | None = _SAMPLE_ROWS
) -> Sample:
    splitter = _with_quoting(lines, Splitter(delimiter, options.comment or ""))
    rows: Sequence[SampleRow] = splitter.sample(
        lines.text, lines.start, limit=limit, is_whole_file=lines.is_whole_file
    )
    if lines.is_whole_file and rows and rows[-1].end == len(lines.text):
        rows = _without_footer(rows, lines.text)
    # Whoever says what to skip says where the header is.
    plain = Sample(splitter, rows, layout_at_top(rows) if options.skip else find_layout(rows))
    below_comment = _below_comment(lines, splitter, rows)
    is_certain = plain.layout is not None and plain.layout.evidence
    names = options.names
    for sample in [plain] if is_certain else [below_comment, plain]:
        layout = sample.layout
        if layout and (names is None or _holds(names, layout.names)):
            return sample
    return Sample(splitter, rows, None, first_row_of(rows, len(names)) if names else None)


def _without_footer(rows: Sequence[SampleRow], text: str) -> Sequence[SampleRow]:
    """Return the rows without lines below a table in which a column of numbers shows."""
    above = rows[: num_rows_above_footer(rows, max(len(row.cells) for row in rows), text)]
    layout = find_layout(above) if len(above) < len(rows) else None
    return above if layout and layout.evidence else rows


def _below_comment(lines: FirstLines, splitter: Splitter, rows: Sequence[SampleRow]) -> Sample:
    """Return the table whose names are in the comment line above its rows, if there is one."""
    # `#area units` is a sign and names, `#,name` or `#area,name` are names.
    comment = lines.comment.removeprefix("#") if splitter.delimiter == " " else lines.comment
    with suppress(csv.Error):
        for row in splitter.rows(comment):
            layout = find_layout([row, *rows])
            fits = layout and layout.header == 0 and len(layout.names) == len(row.cells)
            if layout and fits and (layout.evidence or len(row.cells) > 1):
                return Sample(splitter, [row._replace(end=lines.start), *rows], layout)
    return Sample(splitter, rows)


def _holds(given: Sequence[str], header: Sequence[str]) -> bool:
    """Whether a header holds given names, and no others."""
    return set(header) <= {name.strip() for name in given}


def _with_quoting(lines: FirstLines, splitter: Splitter) -> Splitter:
    r"""Return how quotes are written: doubled inside quotes, unless only `\"` fits all rows.

    Blanks around a quoted cell belong to no cell, if all rows can be split in that way.
    """
    first = lines.text[lines.start : lines.start + _CHARACTERS_WITH_BLANKS]
    if splitter.delimiter in "| " and has_rules(first):
        row = next((line for line in first.splitlines() if "|" in line), "")
        has_edges = row.strip()[:1] == "|" == splitter.delimiter
        return splitter._replace(frame="|" if has_edges else " ")
    if lines.has_escaped_quotes and not _splits_all(lines, splitter):
        escaping = splitter._replace(has_escapes=True)
        if _splits_all(lines, escaping):
            return escaping
    padding = splitter._replace(has_blanks=True)
    sign = splitter.delimiter
    has_blanks = '"' in first and (f'{sign} "' in first or f'" {sign}' in first)
    if has_blanks and _splits_all(lines, padding):
        return padding
    return splitter


def _splits_all(lines: FirstLines, splitter: Splitter) -> bool:
    """Whether all rows can be split into a table."""
    rows: list[SampleRow] = []
    try:
        rows.extend(splitter.rows(lines.text, lines.start))
    except csv.Error as error:
        if lines.is_whole_file or "end of data" not in str(error):
            return False
    layout = find_layout(rows if lines.is_whole_file else rows[:-1])
    return layout is not None and len(layout.names) > 1


def _narrowed(
    lines: FirstLines, options: ReadOptions, tables: Sequence[Sample]
) -> Sequence[Sample]:
    """Return those that split all rows evenly, and of these the one that explains the others."""
    delimiters = [each.splitter.delimiter for each in tables]
    tables = [_split(lines, options, each, _ALL_ROWS) for each in delimiters]
    tables = [each for each in tables if each.num_columns > 1]
    explaining = [each for each in tables if _occur_in_numbers(each, delimiters)]
    if len(tables) > 1 and len(explaining) == 1:
        [best] = explaining
        names = best.layout.names if best.layout else ()
        # What does not split the names leaves no doubt.
        rejected = [
            sign
            for sign in (each.splitter.delimiter for each in tables if each is not best)
            if not names or any(sign in name for name in names)
        ]
        return [best._replace(rejected=rejected[0] if rejected else "")]
    return tables


def _occur_in_numbers(sample: Sample, delimiters: Sequence[str]) -> bool:
    """Whether the other delimiters occur only in numbers, such as 1,5, or not at all below."""
    others = set(delimiters) - {sample.splitter.delimiter}
    header = 0 if sample.layout is None else sample.layout.header + 1
    return all(
        is_number_like(cell) or not others.intersection(cell)
        for row in sample.rows[header:]
        for cell in row.cells
    )


def _are_separated_by_blanks(sample: Sample) -> bool:
    rows = [row.cells for row in sample.rows[sample.first_row or 0 :]]
    numbers = number_columns(rows, sample.num_columns)
    if sample.layout is not None:
        # Rows of nothing but numbers have no header.
        return sample.layout.evidence or len(numbers) == sample.num_columns
    return bool(numbers)


def _refuse_numbers_in_groups(lines: FirstLines, sample: Sample) -> None:
    """Raise UserError where `1 200` may be one number as well as two."""
    body = [row.cells for row in sample.rows[1:]]
    if body and all(
        cells[0].isdigit() and all(len(cell) == 3 and cell.isdigit() for cell in cells[1:])
        for cells in body
    ):
        one = " ".join(body[0])
        raise UserError(
            lines.path,
            "may hold one column or several",
            found=f"{one}, one number with blanks between its thousands, or {len(body[0])} numbers",
            todo="set ingest.delimiter to `,` for one column, or to a blank for several",
        )


def _require_no_other(lines: FirstLines, options: ReadOptions, delimiter: str) -> None:
    others = [_split(lines, options, each) for each in DELIMITERS]
    found = [repr(each.splitter.delimiter) for each in others if each.num_columns > 1]
    if found:
        raise UserError(
            lines.path,
            f"holds no {delimiter!r}, the delimiter in ingest.delimiter",
            found=f"rows that {found[0]} splits",
            todo="set ingest.delimiter to null",
        )


def _shown(sample: Sample) -> str:
    """Return a delimiter and a row as it splits it."""
    row = sample.rows[min(1, len(sample.rows) - 1)]
    return f"{sample.splitter.delimiter!r} ({' | '.join(row.cells)[:60]})"
