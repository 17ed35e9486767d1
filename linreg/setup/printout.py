"""What `linreg use` prints: the columns, what is suspicious, what is written; 80 columns wide."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa

from linreg.data.formula.schema import kind_of
from linreg.data.source import Source
from linreg.setup.column_checks import Finding
from linreg.setup.hints import FEW_VALUES
from linreg.setup.proposal import Proposal
from linreg.setup.survey import ColumnSurvey, Survey

WIDTH = 80
MOST_COLUMNS = 30
MOST_ALIKE = 4
_NAME, _ROLE = 24, 16


def head(path: Path, source: Source, survey: Survey) -> str:
    """Return one line about the file."""
    kind = "Parquet" if source.is_parquet else "CSV"
    files = f", {len(source.files)} files" if len(source.files) > 1 else ""
    columns = f"{len(source.columns)} column{'s' if len(source.columns) != 1 else ''}"
    return f"{path}: {kind}{files}, {survey.num_rows} rows, {columns}"


def column_table(survey: Survey, proposal: Proposal, beside: Mapping[str, str]) -> Iterator[str]:
    """Yield a line per column, the target first; of a wide table the first ones and a count of the
    others.
    """
    names = [proposal.target, *(name for name in survey.columns if name != proposal.target)]
    shown = names if len(names) <= MOST_COLUMNS else names[: MOST_COLUMNS - 1]
    rows = [("column", "type", "missing", "range or levels", "role")]
    for name in shown:
        column = survey.columns[name]
        rows.append(
            (
                name,
                kind(column),
                missing(column, survey.num_rows),
                "",
                role(name, column, proposal, beside),
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    widths[0], widths[4] = min(widths[0], _NAME), min(widths[4], _ROLE)
    widths[3] = WIDTH - sum(widths[i] for i in (0, 1, 2, 4)) - 8
    for i, row in enumerate(rows):
        middle = row[3] if i == 0 else span(survey.columns[shown[i - 1]], widths[3])
        cells = [
            _cut(row[0], widths[0]).ljust(widths[0]),
            row[1].ljust(widths[1]),
            row[2].rjust(widths[2]),
            middle.ljust(widths[3]),
            _cut(row[4], widths[4]),
        ]
        yield "  ".join(cells).rstrip()
    if rest := names[len(shown) :]:
        features = sum(name in proposal.features for name in rest)
        left_out = f", {len(rest) - features} left out" if features < len(rest) else ""
        yield f"… and {len(rest)} more columns: {features} features{left_out}"


def kind(column: ColumnSurvey) -> str:
    """Return what a column holds, in a word."""
    type_ = column.profile.type
    if column.profile.count == 0:
        return "–"
    if pa.types.is_integer(type_):
        return "whole"
    if pa.types.is_floating(type_):
        return "number"
    if pa.types.is_boolean(type_):
        return "true/false"
    if pa.types.is_string(type_):
        return "text"
    return "date" if pa.types.is_date(type_) else "time"


def missing(column: ColumnSurvey, num_rows: int) -> str:
    """Return the missing cells, with their share."""
    count = column.profile.missing
    return f"{count} ({count / num_rows:.1%})" if count else ""


def span(column: ColumnSurvey, width: int) -> str:
    """Return range, or levels with their counts, the most frequent first."""
    profile = column.profile
    if profile.count == 0 or kind_of(profile.type) == "other":
        return ""
    if kind_of(profile.type) == "number":
        if profile.min == profile.max:
            return _cut(_number(profile.min), width)
        few = pa.types.is_integer(profile.type) and column.distinct.count <= FEW_VALUES
        values = f" ({column.distinct.count} values)" if few else ""
        return _cut(f"{_number(profile.min)} … {_number(profile.max)}{values}", width)
    if kind_of(profile.type) == "category":
        if profile.levels is None or profile.is_free_text:
            about = "" if column.distinct.exact else "about "
            return _cut(f"{about}{column.distinct.count} values", width)
        levels = sorted(profile.levels.items(), key=lambda level: (-level[1], str(level[0])))
        listed = ", ".join(
            f"{str(level).lower() if level in (True, False) else level} {n}" for level, n in levels
        )
        return listed if len(listed) <= width else _cut(f"{len(levels)}: {listed}", width)
    return _cut(f"{str(profile.min)[:10]} … {str(profile.max)[:10]}", width)


def role(name: str, column: ColumnSurvey, proposal: Proposal, beside: Mapping[str, str]) -> str:
    """Return what a column is to the model."""
    if name == proposal.target:
        return "TARGET"
    if name in beside:
        return beside[name]
    if name in proposal.features:
        return "category" if kind_of(column.profile.type) == "category" else "number"
    return f"– {proposal.left_out.get(name, 'left out')}"


def findings(title: str, found: Iterable[Finding]) -> Iterator[str]:
    """Yield a heading and a paragraph per finding; nothing without any."""
    lines = [line for finding in _grouped(list(found)) for line in _paragraph(finding)]
    if lines:
        yield ""
        yield title
        yield from lines


def settings(values: Mapping[str, str], reasons: Mapping[str, str]) -> Iterator[str]:
    """Yield parameters with their values, and why they have them."""
    width = max(map(len, values))
    for name, value in values.items():
        reason = reasons.get(name, "")
        line = f"  {name.ljust(width)}  {value}"
        if reason and len(line) + len(reason) + 4 <= WIDTH:
            yield f"{line}  ({reason})"
            continue
        yield from (
            textwrap.wrap(
                line.strip(),
                WIDTH,
                initial_indent="  ",
                subsequent_indent=" " * (width + 4),
                break_long_words=False,
                break_on_hyphens=False,
                drop_whitespace=True,
            )
            if len(line) > WIDTH
            else [line]
        )
        if reason:
            indent = " " * (width + 4)
            yield from textwrap.wrap(
                f"({reason})", WIDTH, initial_indent=indent, subsequent_indent=indent
            )


def paragraph(text: str, indent: str = "") -> list[str]:
    """Wrap text to the width, commands in it unbroken."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _grouped(found: list[Finding]) -> Iterator[Finding]:
    """Yield findings; of many with the same consequence the first ones, and how many more there
    are.
    """
    alike: dict[str, list[Finding]] = {}
    for finding in found:
        alike.setdefault(finding.short, []).append(finding)
    for short, group in alike.items():
        if not short or len(group) <= MOST_ALIKE:
            yield from group
            continue
        yield from group[: MOST_ALIKE - 1]
        names = [name for finding in group[MOST_ALIKE - 1 :] for name in finding.left_out]
        shown = ", ".join(names[:MOST_ALIKE]) + (" …" if len(names) > MOST_ALIKE else "")
        yield Finding(f"{len(names)} more columns are left out as well ({short}):", shown)


def _paragraph(finding: Finding) -> list[str]:
    return textwrap.wrap(
        f"{finding.what} {finding.done}",
        WIDTH,
        initial_indent="  · ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) and abs(value) < 10**9 else f"{value:.6g}"


def _cut(text: str, width: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"
