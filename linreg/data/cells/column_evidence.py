"""What the cells of a column show about its type and how they are written."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.cells.cell_format import CellFormat
from linreg.data.cells.conversion import are_missing_words, convert_plain_cells
from linreg.data.cells.number_evidence import NumberEvidence
from linreg.data.cells.words import BLANKS
from linreg.params.ingest import ReadOptions

INT64, FLOAT64 = CellFormat(pa.int64()), CellFormat(pa.float64())
# The narrowest first.
PLAIN_FORMATS = (
    INT64,
    FLOAT64,
    CellFormat(pa.bool_()),
    CellFormat(pa.date32()),
    CellFormat(pa.timestamp("us")),
    CellFormat(pa.timestamp("ns")),
    CellFormat(pa.timestamp("us", "UTC")),
    CellFormat(pa.timestamp("ns", "UTC")),
)


class ColumnEvidence:
    """The formats that a column may have, narrowed down block by block.

    formats     the plain formats in which all values so far are written
    numbers     how they are written if they are numbers
    has_values  whether there is a cell that is not missing
    words       how often a word for missing among values occurs
    padded      the first cell of digits with a leading zero, in a list; empty if there is none
    num_padded  how many such cells there are
    count       the number of values
    """

    def __init__(self, options: ReadOptions) -> None:
        self.formats: Sequence[CellFormat] = PLAIN_FORMATS
        self.numbers = NumberEvidence(options)
        if FLOAT64.decimal not in self.numbers.decimals:
            self.formats = [each for each in self.formats if each != FLOAT64]
        self.has_values = False
        self.words: dict[str, int] = {}
        self.padded: list[str] = []
        self.num_padded = 0
        self.count = 0

    @classmethod
    def of_text(cls, options: ReadOptions) -> "ColumnEvidence":
        """Return the evidence of a column that is text, whatever its cells look like."""
        evidence = cls(options)
        evidence.formats = []
        evidence.numbers.readings = []
        evidence.has_values = True
        return evidence

    @property
    def is_text(self) -> bool:
        """Whether the column is text, whatever cells are still to come."""
        return not (self.formats or self.numbers.readings)

    def add(self, cells: pa.ChunkedArray) -> None:
        """Add cells as they are written."""
        cells = pc.ascii_trim(cells.drop_null(), BLANKS)
        if self.is_text or not len(cells):
            return
        formats = _fitting(self.formats, cells)
        if not formats:
            cells = self._without_words(cells)
            if not len(cells):
                return
            formats = _fitting(self.formats, cells)
        self.has_values = True
        self.count += len(cells)
        self.formats = formats
        if self.numbers.readings:
            self._add_numbers(cells)

    def _add_numbers(self, cells: pa.ChunkedArray) -> None:
        if INT64 in self.formats:
            self._count_leading_zeros(cells)
            self.numbers.add_integers(convert_plain_cells(cells, INT64))
        elif FLOAT64 in self.formats:
            self.numbers.add_floats(cells)
        else:
            self.numbers.add(cells)

    def _count_leading_zeros(self, cells: pa.ChunkedArray) -> None:
        if not pc.any(pc.starts_with(cells, "0")).as_py():
            return
        have_zeros = pc.match_substring_regex(cells, r"^0\d")
        self.padded = self.padded or cells.filter(have_zeros)[:1].to_pylist()
        self.num_padded += pc.sum(have_zeros).as_py()

    def _without_words(self, cells: pa.ChunkedArray) -> pa.ChunkedArray:
        are_words = are_missing_words(cells)
        for each in pc.value_counts(cells.filter(are_words)).to_pylist():
            self.words[each["values"]] = self.words.get(each["values"], 0) + each["counts"]
        return cells.filter(pc.invert(are_words))


def _fitting(formats: Sequence[CellFormat], cells: pa.ChunkedArray) -> list[CellFormat]:
    return [each for each in formats if _fits(cells, each)]


def _fits(cells: pa.ChunkedArray, format_: CellFormat) -> bool:
    try:
        # A few cells first: a failing cast goes on to the last cell, and takes very long.
        convert_plain_cells(cells[:16], format_)
        convert_plain_cells(cells, format_)
    except pa.ArrowInvalid:
        return False
    return True
