"""How the cells of a text column are written: numbers with signs around them, dates, numbers among words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.arrays import as_numpy
from linreg.data.readers import Part

_NUMBER = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$"
_DRESSED = (  # 12%, $1,200.50, 1 234,5 €: numbers as people write them
    r"^\s*[-+(]?\s*(?:[€$£¥₹]|(?:USD|EUR|GBP|CHF)\s?)?\s*[-+]?(?:\d{1,3}(?:[ ,.'’_ ]\d{3})+|\d+)(?:[.,]\d+)?"
    r"\s*(?:[%€$£¥₹]|USD|EUR|GBP|CHF)?\)?\s*$"
)
_DATE = r"^\s*\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T]\d{1,2}:\d{2}.*)?\s*$"


@dataclass
class Writing:
    """How the cells of a text column are written: how many are plain numbers, dressed numbers (plain ones too), dates.

    `odd` is the first cell that is no plain number, with the place where it stands.
    """

    numbers: int = 0
    dressed: int = 0
    dates: int = 0
    odd: tuple[str, str] | None = None

    def read(self, part: Part, name: str) -> None:
        """Take in one part's cells."""
        column = part.rows.column(name)
        counts = pc.value_counts(column.drop_null())
        words, times = counts.field("values"), as_numpy(counts.field("counts"))
        matches = {key: _matches(words, key) for key in (_NUMBER, _DRESSED, _DATE)}
        self.numbers += int(times[matches[_NUMBER]].sum())
        self.dressed += int(times[matches[_DRESSED]].sum())
        self.dates += int(times[matches[_DATE] & ~matches[_NUMBER]].sum())
        if self.odd is None and not matches[_NUMBER].all():
            plain = pc.match_substring_regex(column, _NUMBER)
            row = pc.index(plain, False).as_py()
            self.odd = f"{part.origin}: row {part.first_row + row}", column[row].as_py()


def numbers_in(levels: Mapping[str, int]) -> tuple[int, int]:
    """Return how many of the cells, given by level and count, are plain numbers, and dressed or plain numbers."""
    words, times = pa.array(list(levels), pa.string()), list(levels.values())
    plain, dressed = (
        sum(n for n, match in zip(times, _matches(words, kind), strict=True) if match) for kind in (_NUMBER, _DRESSED)
    )
    return plain, dressed


def _matches(words: Any, pattern: str) -> Any:
    return as_numpy(pc.match_substring_regex(words, pattern).cast(pa.int8())).astype(bool)
