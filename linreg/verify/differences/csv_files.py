"""The first difference of two CSV files."""

import csv
import math
import re
from itertools import zip_longest
from pathlib import Path
from typing import Any

from linreg.verify.differences.difference import ABSENT, Description, Difference


def csv_difference(
    expected: Path, found: Path, name: str, delimiter: str = ","
) -> Difference | None:
    """Return the first cell whose values differ, with its column and its row below the header.

    Without one, the first cell whose text differs but not its value, such as 1.0 and 1.00.
    """
    header: list[str] = []
    first_of_same_value = None
    with (
        expected.open(encoding="utf-8", newline="") as first,
        found.open(encoding="utf-8", newline="") as second,
    ):
        readers = (csv.reader(each, delimiter=delimiter) for each in (first, second))
        lines = zip_longest(*readers, fillvalue=())
        for row, (a, b) in enumerate(lines):
            header = header or list(a)
            for column, (x, y) in enumerate(zip_longest(a, b)):
                if x == y:
                    continue
                where = _place(header, row, column)
                if not _is_same_number(x, y):
                    return Difference.between(name, where, _value(x), _value(y))
                first_of_same_value = first_of_same_value or Difference.between(
                    name, where, Description(x), Description(y), same_values=True
                )
    return first_of_same_value


def _place(header: list[str], row: int, column: int) -> str:
    if row == 0:
        return f"header, column {column + 1}"
    title = header[column] if column < len(header) else f"number {column + 1}"
    return f"column {title}, row {row}"


def _value(cell: str | None) -> Any:
    """Return the number that a cell reads as, or its text."""
    if cell is None:
        return ABSENT
    if re.fullmatch(r"[+-]?[0-9]+", cell):
        return int(cell)
    try:
        return float(cell)
    except ValueError:
        return cell


def _is_same_number(x: str | None, y: str | None) -> bool:
    a, b = _value(x), _value(y)
    if isinstance(a, str) or isinstance(b, str):
        return False
    if a == b == 0:
        return math.copysign(1, a) == math.copysign(1, b)
    return a == b or str(a) == str(b) == "nan"
