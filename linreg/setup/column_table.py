"""The table of columns that `linreg use` prints: type, missing cells, range or levels, role."""

from collections.abc import Mapping

import pyarrow as pa

from linreg.data.formula.schema import kind_of
from linreg.setup.checks.hints import FEW_VALUES
from linreg.setup.proposal import Proposal
from linreg.setup.survey.column_survey import ColumnSurvey, Survey
from linreg.text import GAP, table

WIDTH = 80
MOST_COLUMNS = 30
_HEADER = ("column", "type", "missing", "range or levels", "role")
_WIDTH_OF_NAME = 24
_WIDTH_OF_ROLE = 16


def column_table(survey: Survey, proposal: Proposal, auxiliary: Mapping[str, str]) -> list[str]:
    """Return a line per column, the target first; of a wide table the first ones and a count."""
    names = [proposal.target, *(name for name in survey.columns if name != proposal.target)]
    shown = names if len(names) <= MOST_COLUMNS else names[: MOST_COLUMNS - 1]
    rows = []
    for name in shown:
        column = survey.columns[name]
        role = describe_role(name, column, proposal, auxiliary)
        rows.append(
            (
                shorten(name, _WIDTH_OF_NAME),
                describe_type(column),
                describe_missing(column, survey.num_rows),
                shorten(role, _WIDTH_OF_ROLE),
            )
        )
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    others = [*map(len, _HEADER[:3]), len(_HEADER[4])]
    width = WIDTH - sum(map(max, widths, others)) - 4 * len(GAP)
    lines = table(
        [
            _HEADER,
            *(
                (*row[:3], describe_values(survey.columns[name], width), row[3])
                for name, row in zip(shown, rows, strict=True)
            ),
        ],
        align="<<><<",
    )
    rest = names[len(shown) :]
    if rest:
        num_features = sum(name in proposal.features for name in rest)
        left_out = f", {len(rest) - num_features} left out" if num_features < len(rest) else ""
        lines.append(f"… and {len(rest)} more columns: {num_features} features{left_out}")
    return lines


def describe_type(column: ColumnSurvey) -> str:
    """Return what a column contains, in a word."""
    type_ = column.profile.type
    if column.profile.count == 0:
        return "–"
    if pa.types.is_integer(type_):
        return "integer"
    if pa.types.is_floating(type_):
        return "number"
    if pa.types.is_boolean(type_):
        return "boolean"
    if pa.types.is_string(type_):
        return "text"
    return "date" if pa.types.is_date(type_) else "time"


def describe_missing(column: ColumnSurvey, num_rows: int) -> str:
    """Return the number of missing cells, and their share."""
    count = column.profile.missing
    return f"{count} ({count / num_rows:.1%})" if count else ""


def describe_values(column: ColumnSurvey, width: int) -> str:
    """Return the range, or the levels with their counts, the most frequent first."""
    profile = column.profile
    kind = kind_of(profile.type)
    if profile.count == 0 or kind == "other":
        return ""
    if kind == "number":
        return shorten(_number_range(column), width)
    if kind == "category":
        return _levels(column, width)
    return shorten(f"{str(profile.min)[:10]} … {str(profile.max)[:10]}", width)


def describe_role(
    name: str, column: ColumnSurvey, proposal: Proposal, auxiliary: Mapping[str, str]
) -> str:
    """Return what a column is to the model."""
    if name == proposal.target:
        return "target"
    if name in auxiliary:
        return auxiliary[name]
    if name in proposal.features:
        is_category = kind_of(column.profile.type) == "category" or name in proposal.codes
        return "category" if is_category else "number"
    return f"– {proposal.excluded.get(name, 'left out')}"


def shorten(text: str, width: int) -> str:
    """Return text on one line of at most `width` characters."""
    text = " ".join(text.split())
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def _number_range(column: ColumnSurvey) -> str:
    low, high = column.profile.min, column.profile.max
    if low == high:
        return _format_number(low)
    is_integer = pa.types.is_integer(column.profile.type)
    few = is_integer and column.distinct.count <= FEW_VALUES
    values = f" ({column.distinct.count} values)" if few else ""
    return f"{_format_number(low)} … {_format_number(high)}{values}"


def _levels(column: ColumnSurvey, width: int) -> str:
    profile = column.profile
    if profile.levels is None or profile.is_free_text:
        about = "" if column.distinct.is_exact else "about "
        return shorten(f"{about}{column.distinct.count} distinct values", width)
    is_boolean = pa.types.is_boolean(profile.type)
    by_frequency = sorted(profile.levels.items(), key=lambda level: (-level[1], str(level[0])))
    listed = ", ".join(
        f"{str(level).lower() if is_boolean else level} {count}" for level, count in by_frequency
    )
    return listed if len(listed) <= width else shorten(f"{len(profile.levels)}: {listed}", width)


def _format_number(value: float) -> str:
    return str(value) if isinstance(value, int) and abs(value) < 10**9 else f"{value:.6g}"
