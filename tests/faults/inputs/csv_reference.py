"""What a CSV file holds, read in plain Python: the answer that ingest is compared with."""

import csv
import io
import re
from collections.abc import Callable
from typing import Any

from linreg.data.cells.words import MISSING
from tests.faults.inputs.case import Table


def read_by_python(content: bytes, delimiter: str) -> Table | None:
    """Read a CSV file and its types in plain Python; None where it cannot be read or is no table of
    y, x and t.

    Text behind a closing quote goes with the cell, unless lines lie between its quotes.
    """
    try:
        text = content.decode("utf-8-sig")
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
        except csv.Error:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
            if any("\n" in cell or "\r" in cell for row in rows for cell in row):
                return None
    except (UnicodeDecodeError, csv.Error):
        return None
    header, *rows = [row for row in rows if row]
    names = [name.strip() for name in header]
    if any(len(row) != len(names) for row in rows) or not {"y", "x", "t"} <= {*names}:
        return None
    comma = delimiter == ";"
    return {
        name: typed([row[names.index(name)] for row in rows], comma)
        for name in names
        if name in ("y", "x", "t")
    }


def typed(cells: list[str], comma: bool) -> list[Any]:
    """Give a column of numbers or text its type."""
    bare = [cell.strip(" \t") for cell in cells]
    present = [cell for cell in bare if cell not in MISSING]
    number = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
    convert: Callable[[str], Any] = str
    if all(re.fullmatch(r"-?[0-9]+", cell) and -(2**63) <= int(cell) < 2**63 for cell in present):
        convert = int
    elif all(re.fullmatch(number, cell, re.ASCII) for cell in present):
        convert = float
    elif comma and all(
        re.fullmatch(number.replace(r"\.", ","), cell, re.ASCII) for cell in present
    ):
        convert = lambda cell: float(cell.replace(",", "."))  # noqa: E731
    return [
        None if short in MISSING else convert(cell if convert is str else short)
        for cell, short in zip(cells, bare, strict=True)
    ]
