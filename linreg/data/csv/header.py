"""Whether the first row of a CSV file holds the names of its columns."""

import difflib
import re
from collections.abc import Sequence
from pathlib import Path

from linreg.data.csv.words import MISSING
from linreg.errors import UserError

NAMES = "the first row has to hold the column names"


def check_header(
    path: Path, names: Sequence[str], below: Sequence[Sequence[str]], comma_is_decimal: bool
) -> None:
    """Raise UserError when the first row holds no names, holds data, or a name stands in it twice.

    `below` are the first rows below it.
    """
    if not any(names):
        raise UserError(path, "has no column names", todo=NAMES)
    if proof := _proof_of_data(names, below, comma_is_decimal):
        raise UserError(
            path, "has no header", found=proof, todo=f"{NAMES}, or {_give_names(len(names))}"
        )
    twice = next((name for i, name in enumerate(names) if name and name in names[:i]), None)
    if twice is not None:
        number = is_number(twice, comma_is_decimal)
        more = f"; if the first row is data, {_give_names(len(names))}" if number else ""
        raise UserError(
            f"{path}: column {twice}",
            "stands twice in the header",
            todo=f"rename one of them{more}",
        )


def check_given_names(path: Path, names: Sequence[str], first: Sequence[str]) -> None:
    """Raise UserError when names given for a file without a header do not fit its first row, or one
    comes twice.
    """
    if len(names) != len(first):
        raise UserError(
            path,
            f"has {len(first)} columns, but ingest.names names {len(names)}",
            found=", ".join(first),
            todo="name every column once, or set ingest.names to null if the first row holds the names",
        )
    if [name.strip() for name in names] == [cell.strip() for cell in first]:
        raise UserError(
            path, "has a header with the names in ingest.names", todo="set ingest.names to null"
        )
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise UserError(
            "params.yaml: ingest.names", f"holds {twice} twice", todo="rename one of them"
        )


def likely_names(name: str, names: Sequence[str]) -> str:
    """Return what to do about a name that is not among the names: the nearest one, or a delimiter
    that was not seen.
    """
    if len(names) == 1 and (between := re.search(r"[:;|/~^ ]", names[0])):
        return (
            f"if {between[0]!r} stands between cells, put a comma, semicolon, tab or | in its place"
        )
    near = difflib.get_close_matches(name.lower(), [each.lower() for each in names], n=1)
    if near:
        return f"did you mean {next(each for each in names if each.lower() == near[0])}?"
    return ""


def is_number(cell: str, comma_is_decimal: bool = False) -> bool:
    """Whether a cell is written as a number."""
    try:
        float(cell.replace(",", ".") if comma_is_decimal else cell)
    except ValueError:
        return False
    return True


def _proof_of_data(
    names: Sequence[str], below: Sequence[Sequence[str]], comma_is_decimal: bool
) -> str:
    """Return in words why the first row must be data; empty where it may be a header.

    It is data when it is numbers only. Beside text it is data when every column of numbers begins
    with one, and a column of text begins with what comes again below: `country,2019,2020` may be a
    header, `5.1,setosa` above other rows of setosa is none.
    """
    cells = [name for name in names if name not in MISSING]
    if cells and all(is_number(cell, comma_is_decimal) for cell in cells):
        return f"only numbers in the first row: {', '.join(names)}"
    again = None
    for j, name in enumerate(names):
        column = [row[j].strip() for row in below if j < len(row) and row[j].strip() not in MISSING]
        if not column or name in MISSING:
            continue
        if all(is_number(cell, comma_is_decimal) for cell in column):
            if not is_number(name, comma_is_decimal):
                return ""
        elif name in column:
            again = name
    if again is None or not any(is_number(name, comma_is_decimal) for name in names):
        return ""
    return f"data in the first row: {', '.join(names)} ({again!r} comes again below)"


def _give_names(count: int) -> str:
    example = ",".join("abcdefgh"[: min(count, 8)]) + (",…" if count > 8 else "")
    names = "all its names" if count > 8 else f"its {count} names" if count > 1 else "its name"
    return f"give it {names}: `linreg use FILE --names {example}` (ingest.names)"
