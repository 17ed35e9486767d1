"""What a check has found, and what it may look at."""

from collections.abc import Mapping
from dataclasses import dataclass

from linreg.setup.survey.column_survey import Survey


@dataclass(frozen=True)
class Finding:
    """Something that the user should know.

    message    a sentence
    action     what was done about it, or what to do
    excluded   the columns that are not features because of it
    reason     why they are not, in a word or two
    is_hint    whether it is advice, and nothing is wrong
    otherwise  what to do to have it otherwise, where there is a way
    column     the column that it is about, where that is not one of those excluded
    """

    message: str
    action: str
    excluded: tuple[str, ...] = ()
    reason: str = ""
    is_hint: bool = False
    otherwise: str = ""
    column: str = ""


@dataclass(frozen=True)
class CheckContext:
    """What the checks of a table look at.

    train_share  the share of the rows that are for training
    auxiliary    the columns with another role, each with the parameter that names it
    target       the column to predict; None before it is chosen
    unseen_is_error  whether a level that no training row has ends the split
    """

    survey: Survey
    train_share: float
    auxiliary: Mapping[str, str]
    target: str | None = None
    unseen_is_error: bool = False


def quote_cell(value: object) -> str:
    """Return a cell as a message shows it: text in quotes and shortened."""
    text = " ".join(str(value).split())
    if not isinstance(value, str):
        return text
    return f"'{text if len(text) <= 30 else text[:29] + '…'}'"


def list_names(names: list[str], most: int = 6) -> str:
    """Return `a, b, c and 4 more`."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
