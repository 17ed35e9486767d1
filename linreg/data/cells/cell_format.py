"""How the cells of a column are written."""

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class CellFormat:
    """A type, and how its cells are written.

    decimal    the decimal sign of numbers
    thousands  what stands between the thousands of numbers: a sign, a blank for any kind of it, or
               '' for nothing
    unit       the currency, percent or unit sign at every number, without case; '' for none
    """

    type: pa.DataType
    decimal: str = "."
    thousands: str = ""
    unit: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether pyarrow's CSV reader converts such cells, if it is told the decimal sign."""
        return not (self.thousands or self.unit)


TEXT = CellFormat(pa.string())
