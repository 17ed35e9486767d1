"""What a person should know about how a table was read: a choice that could have been another."""

from typing import NamedTuple


class ReadingNote(NamedTuple):
    """A choice made in reading a table.

    where   the file or column that it is about, such as `t.csv` or `column price`
    what    the choice, with a cell that shows it: `is read with a decimal comma ('246,10')`
    option  the parameter that decides it otherwise, such as `ingest.decimal`; '' for none
    """

    where: str
    what: str
    option: str = ""

    def __str__(self) -> str:
        """Return the note as one sentence."""
        otherwise = f" (otherwise, set {self.option})" if self.option else ""
        return f"{self.where} {self.what}{otherwise}"
