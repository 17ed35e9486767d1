"""Lines below a table that belong to none: `(48 rows)`, a source, notes."""

import csv
from collections.abc import Sequence
from contextlib import suppress

from linreg.data.csv.layout import is_number_like
from linreg.data.csv.sample_rows import SampleRow, Splitter

MOST_BYTES = 1 << 16
_MOST_LINES = 100


def num_rows_above_footer(rows: Sequence[SampleRow], num_columns: int, text: str) -> int:
    """Return how many of the last rows of a text belong to a table with so many columns.

    A line below it has fewer cells and no number: a single cell, or several below an empty line. A
    cell that the end of the text may have cut off is a row, and so is what has another table below.
    """
    end = len(rows)
    while end and _may_be_below(rows[end - 1], num_columns):
        end -= 1
    below = rows[end:]
    is_below_empty_line = bool(below) and below[0].is_below_empty_line
    has_several_cells = any(len(row.cells) > 1 for row in below)
    if len(below) > _MOST_LINES or (has_several_cells and not is_below_empty_line):
        return len(rows)
    may_be_cut_off = not text.endswith(("\n", "\r", ")", "."))
    if len(below) == 1 and not is_below_empty_line and may_be_cut_off:
        return len(rows)
    return end


def split_footer(block: bytes, splitter: Splitter, num_columns: int) -> tuple[bytes, Sequence[str]]:
    """Return the rows at the end of a text, and the lines below them."""
    start = block.find(b"\n", len(block) - MOST_BYTES) + 1 if len(block) > MOST_BYTES else 0
    with suppress(csv.Error, UnicodeDecodeError):
        text = block[start:].decode()
        rows = list(splitter.rows(text))
        num_rows = num_rows_above_footer(rows, num_columns, text)
        if num_rows < len(rows) and "\0" not in text:
            end = rows[num_rows - 1].end if num_rows else 0
            footer = [line for line in text[end:].splitlines() if line.strip()]
            return block[: start + len(text[:end].encode())], footer
    return block, ()


def _may_be_below(row: SampleRow, num_columns: int) -> bool:
    return len(row.cells) < num_columns and not any(map(is_number_like, row.cells))
