"""Whether the first row of a CSV file holds the names of its columns."""

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from linreg.data.cells.words import MISSING
from linreg.data.csv.layout import is_number_like
from linreg.errors import UserError

FIRST_ROW_HOLDS_NAMES = "the first row has to hold the column names"


def check_header(path: Path, names: Sequence[str], sample: Sequence[Sequence[str]]) -> None:
    """Raise UserError when the first row holds no names, data, or a duplicate number.

    `sample` are the first rows below it.
    """
    if not any(names):
        raise UserError(path, "has no column names", todo=FIRST_ROW_HOLDS_NAMES)
    if evidence := _evidence_of_data(names, sample):
        raise UserError(
            path,
            "has no header",
            found=evidence,
            todo=f"{FIRST_ROW_HOLDS_NAMES}, or {_name_columns(len(names))}",
        )
    duplicate = next((name for name in repeated(names) if _is_number(name)), None)
    if duplicate is not None:
        todo = f"rename one of them; if the first row is data, {_name_columns(len(names))}"
        raise UserError(f"{path}: column {duplicate}", "duplicate column name", todo=todo)


def check_given_names(path: Path, names: Sequence[str], first_row: Sequence[str]) -> None:
    """Raise UserError when names given for a file without a header do not fit its first row."""
    is_trailing_empty = len(first_row) == len(names) + 1 and not first_row[-1].strip()
    if len(names) != len(first_row) and not is_trailing_empty:
        raise UserError(
            path,
            f"has {len(first_row)} columns, but ingest.names names {len(names)}",
            found=", ".join(first_row),
            todo="name every column once, or set ingest.names to null if the first row holds the"
            " names",
        )
    duplicate = next(repeated(names), None)
    if duplicate is not None:
        raise UserError(
            "params.yaml: ingest.names",
            "holds a duplicate column name",
            found=duplicate,
            todo="rename one of them",
        )


def suggest_name(name: str, names: Sequence[str]) -> str:
    """Return what to do about a name that is none of the names, or '' where nothing is similar.

    It is most likely a similar name, or the file has a delimiter that was not recognized.
    """
    if len(names) == 1 and (separator := re.search(r"[:;|/~^ ]", names[0])):
        sign = separator[0]
        return f"if {sign!r} separates cells: `linreg use FILE --delimiter '{sign}'`"
    plain_names = {_in_plain_letters(each): each for each in reversed(names)}
    similar = difflib.get_close_matches(_in_plain_letters(name), list(plain_names), n=1)
    return f"did you mean {plain_names[similar[0]]}?" if similar else ""


def _in_plain_letters(name: str) -> str:
    """Return a name as it looks: in small letters, with a plain blank for any other space."""
    return " ".join(unicodedata.normalize("NFKC", name).lower().split())


def _is_number(name: str) -> bool:
    """Whether a cell of the first row is a number; 5% and 95% may be names of quantiles."""
    return is_number_like(name) and "%" not in name


def _evidence_of_data(names: Sequence[str], sample: Sequence[Sequence[str]]) -> str:
    """Return what shows that the first row is data; '' where it may be a header.

    A row of nothing but numbers is data. With text among its cells it is data when every column of
    numbers begins with a number and some column of text begins with a value that occurs again
    below: `country,2019,2020` may be a header, `5.1,setosa` above more rows of setosa is not.
    """
    cells = [name for name in names if name not in MISSING]
    if cells and all(map(_is_number, cells)):
        return f"only numbers in the first row: {', '.join(names)}"
    repeated = None
    for index, name in enumerate(names):
        column = [row[index].strip() for row in sample if index < len(row)]
        column = [cell for cell in column if cell not in MISSING]
        if not column or name in MISSING:
            continue
        if all(map(is_number_like, column)):
            if not _is_number(name):
                return ""
        elif name in column:
            repeated = name
    if repeated is None or not any(map(_is_number, names)):
        return ""
    return f"data in the first row: {', '.join(names)} ({repeated!r} occurs again below)"


def repeated(names: Sequence[str]) -> Iterator[str]:
    """Yield each name that several columns have, once."""
    return (name for name, count in Counter(names).items() if name and count > 1)


def _name_columns(count: int) -> str:
    """Return how to give names to the columns of a file without a header."""
    example = ",".join("abcdefgh"[: min(count, 8)]) + (",…" if count > 8 else "")
    names = "all its names" if count > 8 else f"its {count} names" if count > 1 else "its name"
    return f"give it {names}: `linreg use FILE --names {example}` (ingest.names)"
