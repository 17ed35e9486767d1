"""How the cells of a text column are written: numbers with signs around them, dates, numbers among
words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.tables.arrays import as_numpy
from linreg.data.tables.source_chunk import SourceChunk

MOSTLY = 0.5
"""Text in which more than this share of the cells are numbers, or dates, was meant as such."""
_NUMBER = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$"
# 12%, $1,200.50, 1 234,5 €, with any of the spaces that stand between thousands
_DRESSED = (
    r"^\s*[-+(]?\s*(?:[€$£¥₹]|(?:USD|EUR|GBP|CHF)\s?)?\s*[-+]?"
    r"(?:\d{1,3}(?:[ ,.'’_\x{a0}\x{2009}\x{202f}]\d{3})+|\d+)(?:[.,]\d+)?"
    r"\s*(?:[%€$£¥₹]|USD|EUR|GBP|CHF)?\)?\s*$"
)
_MONTH = r"(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
# 31/12/2024, 31.12.24, 2024/12/31, 20241231T0930, 31-Dec-2024, Dec 31, 2024
_DATE = (
    r"^\s*(?:\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})|\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|[12]\d{7}T\d{4,6}"
    rf"|\d{{1,2}}[-. ]{{1,2}}{_MONTH}[-., ]{{1,2}}\d{{2,4}}|{_MONTH} \d{{1,2}},? \d{{4}})"
    r"(?:[ T]\d{1,2}:\d{2}.*)?\s*$"
)
_IN_ORDER = r"^(?:\d{4}[-/.]\d{2}[-/.]\d{2}|\d{8}T)"
Meaning = Literal["number", "dressed number", "date", "number among words"]


@dataclass
class Writing:
    """How the cells of a text column are written: how many are plain numbers, dressed numbers
    (plain ones too), dates.

    `undressed` is the first cell that is no plain number and `odd` the first that is none at all,
    each with the place where it stands.
    """

    count: int = 0
    numbers: int = 0
    dressed: int = 0
    dates: int = 0
    undressed: tuple[str, str] | None = None
    odd: tuple[str, str] | None = None

    @classmethod
    def of_levels(cls, levels: Mapping[str, int]) -> "Writing":
        """Tell it from the different cells and how often each comes; where they stand is not known
        then.
        """
        writing = cls()
        writing._count(pa.array(list(levels), pa.string()), list(levels.values()))
        return writing

    def read(self, part: SourceChunk, name: str) -> None:
        """Take in one part's cells."""
        column = part.rows.column(name)
        counts = pc.value_counts(column.drop_null())
        self._count(counts.field("values"), as_numpy(counts.field("counts")).tolist())
        if self.undressed is None:
            self.undressed = _first_without(_NUMBER, part, column)
        if self.odd is None:
            self.odd = _first_without(_DRESSED, part, column)

    @property
    def meaning(self) -> Meaning | None:
        """What the column was meant to hold; None for a text."""
        if self.numbers == self.count:
            return "number"
        if self.dressed == self.count:
            return "dressed number"
        if self.dates > MOSTLY * self.count:
            return "date"
        return "number among words" if self.dressed > MOSTLY * self.count else None

    def _count(self, words: pa.Array, times: Sequence[int]) -> None:
        number, dressed, date = (_matches(words, kind) for kind in (_NUMBER, _DRESSED, _DATE))
        for count, is_number, is_dressed, is_date in zip(times, number, dressed, date, strict=True):
            self.count += int(count)
            self.numbers += int(count) if is_number else 0
            self.dressed += int(count) if is_number or is_dressed else 0
            self.dates += int(count) if is_date and not is_number else 0


def date_out_of_order(cells: pa.ChunkedArray) -> str | None:
    """Return the first date that text of its kind does not sort by time, such as 31/12/2024; None
    if there is none.
    """
    if not pa.types.is_string(cells.type):
        return None
    date, sorts = pc.match_substring_regex(cells, _DATE), pc.match_substring_regex(cells, _IN_ORDER)
    row = pc.index(pc.and_(date, pc.invert(sorts)), True).as_py()
    return None if row < 0 else str(cells[row].as_py())


def _first_without(
    pattern: str, part: SourceChunk, column: pa.ChunkedArray
) -> tuple[str, str] | None:
    matches = pc.match_substring_regex(column, pattern)
    if pattern != _NUMBER:
        matches = pc.or_(matches, pc.match_substring_regex(column, _NUMBER))
    row = pc.index(matches, False).as_py()
    return None if row < 0 else (f"{part.origin}: row {part.first_row + row}", column[row].as_py())


def _matches(words: pa.Array, pattern: str) -> Any:
    return as_numpy(pc.match_substring_regex(words, pattern).cast(pa.int8())).astype(bool)
