"""The decimal sign of a file: what its numbers show decides for those that allow two readings."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from linreg.data.cells.cell_format import TEXT, CellFormat
from linreg.data.cells.column_evidence import ColumnEvidence
from linreg.data.cells.number_evidence import NumberEvidence
from linreg.data.cells.signs import Signs
from linreg.data.tables.reading_note import ReadingNote
from linreg.errors import UserError

Evidence = Mapping[str, ColumnEvidence]
"""By column what its cells show."""


class FileSigns(NamedTuple):
    """What is known of the decimal sign of a file.

    shown  by decimal sign, the first column and cell that allow no other
    known  the sign to take where the file shows none, such as that of other files of the table
    usual  the sign to take where nothing is known; None where the dialect leaves it open
    """

    shown: Mapping[str, tuple[str, str]]
    known: str | None
    usual: str | None

    @property
    def decimal(self) -> str | None:
        """The one sign that the file shows, or that is known otherwise."""
        if len(self.shown) == 1:
            return next(iter(self.shown))
        return None if self.shown else self.known

    def of_column(self, where: str, numbers: NumberEvidence) -> Signs:
        """Return the signs of a column of numbers.

        Raises UserError for a column that allows two readings if nothing decides.
        """
        if not numbers.is_ambiguous:
            if len(numbers.decimals) == 1:
                return numbers.readings[0]
            return numbers.plainest(self.decimal or ".")
        if self.decimal:
            return numbers.plainest(self.decimal)
        if self.usual and not self.shown:
            signs = numbers.plainest(self.usual)
            if not signs.thousands or numbers.is_grouped_throughout:
                return signs
        raise self._ambiguous(where, numbers)

    def _ambiguous(self, where: str, numbers: NumberEvidence) -> UserError:
        assert numbers.shown is not None, "a column is ambiguous for a cell with a point or a comma"
        readings = " or ".join(numbers.values_of(numbers.shown).values())
        both = " and ".join(f"{cell!r} in column {name}" for name, cell in self.shown.values())
        found = f"both signs elsewhere: {both}" if both else "no number that shows which"
        todo = "set ingest.decimal to . or , (`linreg use FILE --decimal .`)"
        return UserError(
            f"{where}: {numbers.shown!r}", f"may be {readings}", found=found, todo=todo
        )


def usual_decimal(delimiter: str) -> str | None:
    """Return the decimal sign where no number shows it; a semicolon goes with either."""
    return None if delimiter == ";" else "."


def shown_signs(evidence: Evidence) -> dict[str, tuple[str, str]]:
    """Return by decimal sign the first column and cell that allow no other."""
    shown: dict[str, tuple[str, str]] = {}
    for name, column in evidence.items():
        numbers = column.numbers
        if numbers.are_numbers and len(numbers.decimals) == 1 and numbers.shown:
            shown.setdefault(numbers.readings[0].decimal, (name, numbers.shown))
    return shown


def are_ambiguous(evidence: Evidence) -> bool:
    """Whether a column of numbers does not show its own decimal sign."""
    return any(
        column.numbers.are_numbers and column.numbers.is_ambiguous for column in evidence.values()
    )


def notes_about(
    evidence: Evidence, formats: Mapping[str, CellFormat], signs: FileSigns
) -> Iterator[ReadingNote]:
    """Yield what a person should know about how columns were read in these formats."""
    if len(signs.shown) > 1:
        both = " and ".join(f"{cell!r} ({name})" for name, cell in signs.shown.values())
        yield ReadingNote("the table", f"has decimal points and decimal commas: {both}", "")
    for name, format_ in formats.items():
        column = evidence[name]
        if format_.type == TEXT.type:
            continue
        yield from _notes_about_words(name, column.words)
        if column.num_padded > column.count / 2:
            [cell] = column.padded
            what = f"is read as numbers, {cell!r} as {int(cell)}"
            yield ReadingNote(f"column {name}", f"{what}; codes belong in C() in the formula")
        if column.numbers.are_numbers:
            yield from _notes_about_numbers(name, column.numbers, format_)


def _notes_about_words(name: str, words: Mapping[str, int]) -> Iterator[ReadingNote]:
    for word, count in words.items():
        cells = "a missing cell" if count == 1 else f"a missing cell, {count} times"
        what = f"has {word!r} for {cells}"
        if re.search("[-–—]$|^[-–—]", word):
            what += "; if it stands for zero, write 0"
        yield ReadingNote(f"column {name}", what)


def _notes_about_numbers(
    name: str, numbers: NumberEvidence, format_: CellFormat
) -> Iterator[ReadingNote]:
    where = f"column {name}"
    cell = numbers.dressed or (numbers.shown if format_.thousands else None)
    if cell is not None:
        value = numbers.values_of(cell)[format_.decimal]
        option = "ingest.thousands" if format_.thousands else ""
        if numbers.is_ambiguous:
            option = "ingest.decimal"
        yield ReadingNote(where, f"is read as numbers, {cell!r} as {value}", option)
    if numbers.too_long:
        value = repr(float(numbers.values_of(numbers.too_long)[format_.decimal]))
        what = "has whole numbers of more than 18 digits, which are rounded to float64:"
        yield ReadingNote(where, f"{what} {numbers.too_long} to {value}")
