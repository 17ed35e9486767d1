"""The kinds of the cells of a column, in formats that tell numbers from text.

There a text among numbers is not a category: the column is refused with a cell of each kind. But a
number may be stored as text, which is then read as in a CSV file.
"""

from collections.abc import Callable
from typing import Any

from linreg.data.cells.words import MISSING, MISSING_AMONG_VALUES


class NumberText(str):
    """A number as a file writes it."""

    __slots__ = ()


_NAMES: dict[type, str] = {
    NumberText: "the number",
    float: "the number",
    str: "the text",
    bool: "the truth value",
}
_LONGEST = 40
_MISSING = {*MISSING, *MISSING_AMONG_VALUES}


class ColumnKinds:
    """The kinds of the cells of one column that were seen so far, each with the first such cell.

    place       returns the name of a cell of the column from the number of its row
    has_header  whether the first cell is a name, such as a year, and text above all other kinds a
                title, name or unit
    """

    def __init__(self, place: Callable[[int], str], *, has_header: bool) -> None:
        self._place = place
        self._has_header = has_header
        self._is_below_header = False
        self._first: dict[str, tuple[int, Any]] = {}
        # So that most cells are passed over quickly.
        self._known: set[type] = {type(None)}
        self._number_as_text: tuple[int, str] | None = None

    def see(self, value: Any, row: int) -> None:
        """Count a cell."""
        if type(value) in self._known:
            return
        if self._has_header and not self._is_below_header:
            self._is_below_header = True
            return
        kind = _NAMES.get(type(value), "the value")
        if kind == "the text":
            if value.strip() in _MISSING:
                return
            if may_be_number(value):
                self._number_as_text = self._number_as_text or (row, value)
                return
            if self._has_header and not self._first:
                return
        self._known.add(type(value))
        self._first.setdefault(kind, (row, value))

    @property
    def unreadable(self) -> str:
        """Why the column cannot be read; '' if it can be."""
        found = list(self._first.items())
        if self._number_as_text and "the truth value" in self._first:
            found.append(("the text", self._number_as_text))
        nested = [each for each in found if each[0] == "the value"]
        if not nested and len(found) < 2:
            return ""
        cells = [
            f"{kind} {_shown(value)} in {self._place(row)}"
            for kind, (row, value) in nested or found
        ]
        return "holds " + " and ".join(cells[:2])

    @property
    def number_as_text(self) -> str:
        """The first text among numbers that is one, with its place; '' if there is none."""
        if self._number_as_text is None or "the number" not in self._first:
            return ""
        row, value = self._number_as_text
        return f"{_shown(value)} in {self._place(row)}"


def may_be_number(text: str) -> bool:
    """Whether a text could be a number with signs of money, percent or thousands."""
    try:
        float(text)
    except ValueError:
        characters = set(text)
        return any(map(str.isdigit, characters)) and not any(map(str.isalpha, characters))
    return True


def _shown(value: Any) -> str:
    if type(value) is bool:
        return str(value).lower()
    return repr(value[:_LONGEST]) if type(value) is str else str(value)[:_LONGEST]
