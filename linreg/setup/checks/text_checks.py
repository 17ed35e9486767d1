"""Text columns that should not be categories: numbers, dates, free text."""

import shlex

import pyarrow as pa

from linreg.setup.checks.finding import CheckContext, Finding, quote_cell
from linreg.setup.survey.column_survey import ColumnSurvey
from linreg.text import count_of


def check_text(_context: CheckContext, name: str, column: ColumnSurvey) -> Finding | None:
    """Return why a text column is excluded; ingest refuses the same columns in a formula."""
    if not pa.types.is_string(column.profile.type):
        return None
    return _check_content(name, column) or _check_free_text(name, column)


def _check_content(name: str, column: ColumnSurvey) -> Finding | None:
    """Return the finding about text that stands for numbers or dates."""
    formats = column.text_formats
    content = formats.content if column.profile.count else None
    if content is None:
        return None
    if content == "number":
        return Finding(
            f"{name} contains numbers stored as text.",
            "Left out; to use it, convert it to numbers, or write C() around it if it is a"
            " category.",
            (name,),
            "numbers as text",
        )
    cell = formats.first_not_number
    if content == "formatted number":
        cell = formats.first_not_plain
    assert cell is not None, "text of another content than numbers has such a cell"
    example = f"{quote_cell(cell.text)} ({cell.place})"
    if content == "formatted number":
        return Finding(
            f"{name} contains formatted numbers, such as {example}, which makes it text.",
            "Left out; to use it, write plain numbers, such as 1200.5.",
            (name,),
            "numbers as text",
        )
    if content == "date":
        return Finding(
            f"{name} contains dates or times as text, such as {example}, which are no features by"
            " themselves.",
            "Left out; with its format in ingest.dates, its parts can be used, such as days() and"
            " C(month()).",
            (name,),
            "date as text",
            otherwise=f"To test on the newest rows, add --split-by {shlex.quote(f'time:{name}')}",
        )
    others = count_of(column.profile.count - formats.numbers, "cell")
    return Finding(
        f"{name} contains {count_of(formats.numbers, 'number')}, but also {others} such as"
        f" {example}, which makes it text.",
        "Left out; to use it, correct or empty those cells, or write C() around it if it is a"
        " category.",
        (name,),
        "mixed",
    )


def _check_free_text(name: str, column: ColumnSurvey) -> Finding | None:
    profile, distinct = column.profile, column.distinct
    if not profile.is_free_text:
        return None
    if distinct.num_repeats == 0 and profile.count > 1:
        message = (
            f"{name} is text that is different in every row, such as {quote_cell(profile.min)}."
        )
        return Finding(message, "Left out, as it only names the rows.", (name,), "row names")
    about = "" if distinct.is_exact else "about "
    message = (
        f"{name} is free text: {about}{distinct.count} distinct values in {profile.count} cells,"
        " too many for a category."
    )
    return Finding(message, "Left out.", (name,), "free text")
