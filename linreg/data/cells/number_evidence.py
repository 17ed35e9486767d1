"""What the cells of a column show about how its numbers are written."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.cells.dress import bare_numbers
from linreg.data.cells.signs import DECIMALS, Signs, are_written, readings_of, with_point
from linreg.params.ingest import ReadOptions

_NOT_FINITE = r"(?i)^[ \t]*[-+]?inf(inity)?[ \t]*$"
_ZERO = r"^-?[0.,]+$"
_PLAIN = r"^[-+]?(\d+[.,]?\d*|[.,]\d+)([eE][-+]?\d+)?$"
# Whole, with more digits than int64 is sure to hold.
_TOO_LONG = r"^-?[1-9](?:[.,' ]?\d){18,}$"


class NumberEvidence:
    """How the numbers of a column may be written, narrowed down block by block.

    readings   the signs with which all numbers so far can be written, the plainest first
    units      what stands at the numbers; a zero needs none
    dressed    the first number with more than a sign, digits and one point or comma
    shown      the first number with a point or a comma
    has_short  whether there is a whole number of up to three digits
    has_long   whether there is a number of four digits that nothing separates
    too_long   the first whole number that int64 may not hold
    """

    def __init__(self, options: ReadOptions) -> None:
        self.readings = list(_readings(options))
        self.units: set[str] = set()
        self.dressed: str | None = None
        self.shown: str | None = None
        self.has_short = False
        self.has_long = False
        self.too_long: str | None = None
        self._whole = set(self.readings)
        self._has_parentheses = False
        self._has_others = False

    @property
    def decimals(self) -> set[str]:
        """The decimal signs that all numbers may have."""
        return {signs.decimal for signs in self.readings}

    @property
    def is_ambiguous(self) -> bool:
        """Whether the decimal sign makes a difference and no number shows it."""
        first = {self.plainest(decimal).thousands for decimal in self.decimals}
        return len(first) > 1

    @property
    def are_numbers(self) -> bool:
        """Whether all cells are numbers, written alike.

        Where every number stands in parentheses these are no minus but a way to number things.
        """
        are_alike = bool(self.readings) and len(self.units) <= 1
        return are_alike and (self._has_others or not self._has_parentheses)

    @property
    def is_grouped_throughout(self) -> bool:
        """Whether the numbers tell that a sign stands between thousands: all those of four digits
        have it, and smaller ones stand without.
        """
        return self.has_short and not self.has_long

    def plainest(self, decimal: str) -> Signs:
        """Return the signs that the numbers have if this is the decimal sign."""
        return next(signs for signs in self.readings if signs.decimal == decimal)

    def is_whole(self, signs: Signs) -> bool:
        """Whether all numbers are whole if they have these signs."""
        return signs in self._whole

    def values_of(self, cell: str) -> dict[str, str]:
        """Return by decimal sign the number that a cell is."""
        numbers = bare_numbers(pa.array([cell])).numbers
        return {
            decimal: with_point(numbers, self.plainest(decimal))[0].as_py()
            for decimal in DECIMALS
            if decimal in self.decimals
        }

    def add_integers(self, values: pa.ChunkedArray) -> None:
        """Add cells that are plain whole numbers, with these values."""
        self._has_others = True
        smallest, largest = pc.min_max(values).values()
        self.units |= {""} if smallest.as_py() or largest.as_py() else set()
        is_short = pc.and_(pc.less(values, 1000), pc.greater(values, -1000))
        self.has_short |= pc.any(is_short).as_py()
        self.has_long |= not pc.all(is_short).as_py()

    def add_floats(self, cells: pa.ChunkedArray) -> None:
        """Add cells that are plain numbers with a decimal point."""
        if self.decimals == {"."} and self.readings[0] == Signs("."):
            self.units.add("")
            self._whole.clear()
            self._has_others = True
        else:
            finite = cells.filter(pc.invert(pc.match_substring_regex(cells, _NOT_FINITE)))
            if len(finite) < len(cells):
                self._whole.clear()
            self.add(finite)

    def add(self, cells: pa.ChunkedArray) -> None:
        """Add cells of text; afterwards there are no readings if one of them is no number."""
        # A few cells first: most columns of text need no more.
        for some in (cells[:16], cells):
            if self.readings and len(some):
                self._narrow(some)

    def _narrow(self, cells: pa.ChunkedArray) -> None:
        numbers, units = bare_numbers(cells)
        if numbers.null_count:
            self.readings = []
            return
        self.readings = [
            signs for signs in self.readings if pc.all(are_written(numbers, signs)).as_py()
        ]
        self._whole = {
            signs
            for signs in self._whole.intersection(self.readings)
            if pc.all(are_written(numbers, signs, whole=True)).as_py()
        }
        is_too_long = pc.match_substring_regex(numbers, _TOO_LONG)
        self.too_long = self.too_long or _first(cells, is_too_long)
        if self.too_long:
            self._whole.clear()
        has_unit = pc.or_(
            pc.not_equal(units, ""), pc.invert(pc.match_substring_regex(numbers, _ZERO))
        )
        self.units |= set(pc.unique(units.filter(has_unit)).to_pylist())
        in_parentheses = pc.match_substring(cells, "(")
        self._has_parentheses |= pc.any(in_parentheses).as_py()
        self._has_others |= not pc.all(in_parentheses).as_py()
        self.has_short |= pc.any(pc.match_substring_regex(numbers, r"^-?\d{1,3}$")).as_py()
        self.has_long |= pc.any(pc.match_substring_regex(numbers, r"^-?\d{4}")).as_py()
        self.shown = self.shown or _first(cells, pc.match_substring_regex(numbers, "[.,]"))
        if self.dressed is None:
            self.dressed = _first(cells, pc.invert(pc.match_substring_regex(cells, _PLAIN)))


def _readings(options: ReadOptions) -> Iterator[Signs]:
    """Yield the signs that numbers may have, as far as options do not decide."""
    for decimal in [options.decimal] if options.decimal else DECIMALS:
        for signs in readings_of(decimal):
            is_as_said = options.thousands is None or signs.thousands in ("", _as_bare(options))
            if is_as_said and options.thousands != decimal:
                yield signs


def _as_bare(options: ReadOptions) -> str:
    """Return `ingest.thousands` as bare numbers have it."""
    sign = options.thousands or ""
    return " " if sign.isspace() else "'" if sign == "’" else sign


def _first(cells: pa.ChunkedArray, which: pa.ChunkedArray) -> str | None:
    index = pc.index(which, True).as_py()
    return cells[index].as_py() if index >= 0 else None
