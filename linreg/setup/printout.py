"""What `linreg use` prints: the table, warnings and hints, the parameters; 80 columns wide."""

import shlex
import textwrap
from collections.abc import Iterable, Iterator, Mapping

from linreg.git import is_committed
from linreg.params.file import PARAMS_FILE
from linreg.setup.analysis import Analysis
from linreg.setup.checks.finding import Finding, list_names
from linreg.setup.column_table import WIDTH, column_table, shorten
from linreg.setup.options import UseOptions
from linreg.setup.settings import Setting
from linreg.setup.table_location import tracking_advice

MOST_ALIKE = 4
"""More findings with the same consequence are summarized."""
MOST_REFERENCES = 12
_WIDTH_OF_NAME = 30
_LONG_VALUE = 160
"""A longer value is shown by the names of its columns."""


def analysis_lines(analysis: Analysis, options: UseOptions) -> Iterator[str]:
    """Yield what was found."""
    yield _headline(analysis)
    yield ""
    yield from column_table(analysis.survey, analysis.proposal, analysis.auxiliary)
    target = analysis.target
    if target.guessed_from:
        yield ""
        yield from _wrap(
            f"Target: {target.name}, guessed {target.guessed_from}. To choose another:"
        )
        yield f"  {options.command(target='COLUMN')}"
    yield from reference_lines(analysis.references)
    yield from finding_lines("Warnings", (each for each in analysis.findings if not each.is_hint))
    yield from finding_lines("Hints", (each for each in analysis.findings if each.is_hint))


def outcome_lines(analysis: Analysis, options: UseOptions, *, changed: bool) -> Iterator[str]:
    """Yield the parameters, how well the formula fits, and what to do next."""
    title = "Would be written to" if options.dry_run else "Written to" if changed else "Already in"
    yield ""
    yield f"{title} {PARAMS_FILE}"
    yield from setting_lines(analysis.settings)
    proposal = analysis.proposal
    if proposal.r2 is not None:
        yield ""
        yield (
            f"Least squares on {proposal.num_rows_fitted} rows explains"
            f" {_percent(proposal.r2)} of the variance."
        )
    advice, command = tracking_advice(analysis.path, options)
    if advice:
        yield ""
        yield from _wrap(advice)
        yield f"  {command}"
    yield ""
    if options.dry_run:
        yield "Nothing was written. To write this:"
        yield f"  {options.command(dry_run=False, target=analysis.target.name)}"
        return
    yield "Next"
    yield "  dvc repro && linreg summary"
    if is_committed(str(PARAMS_FILE)):
        yield f"To undo: git checkout {PARAMS_FILE}"
    if any(finding.otherwise for finding in analysis.findings) or analysis.references:
        yield "To change something, add options to"
        yield f"  {options.command(target=analysis.target.name)}"


def reference_lines(references: Mapping[str, str]) -> Iterator[str]:
    """Yield a line per category with its reference level; nothing if there is none."""
    if not references:
        return
    yield ""
    yield "Reference levels, with which the other levels of a category are compared"
    shown = list(references.items())[:MOST_REFERENCES]
    width = min(_WIDTH_OF_NAME, max(len(name) for name, _ in shown))
    for name, levels in shown:
        head = f"  {shorten(name, width).ljust(width)}  "
        yield from _wrap(levels, head, " " * len(head))
    if len(references) > len(shown):
        yield f"  … and {len(references) - len(shown)} more, the first level of each"
    if any(" < " in levels for _, levels in shown):
        order = (
            "Between levels in the order of their words (model.levels) stands <; the first is the"
        )
        yield from _wrap(f"{order} reference level.")
    name, _ = shown[0]
    yield f"To choose another level, add --levels {shlex.quote(f'{name}=LEVEL')}"


def finding_lines(title: str, findings: Iterable[Finding]) -> Iterator[str]:
    """Yield a heading and a paragraph per finding; nothing if there is none."""
    summarized = _summarize(findings)
    if summarized:
        yield ""
        yield title
        for finding in summarized:
            yield from _wrap(finding.message, "  · ", "    ")
            yield from _wrap(finding.action, "    ", "    ")
            yield from _wrap(finding.otherwise, "    ", "    ")


def setting_lines(settings: Mapping[str, Setting]) -> Iterator[str]:
    """Yield a line per parameter, with the reason for its value behind it or below."""
    shown = {
        name: setting
        for name, setting in settings.items()
        if name != "ingest.names" or setting.value
    }
    width = max(map(len, shown))
    indent = " " * (width + 4)
    for name, (value, reason) in shown.items():
        line = f"  {name.ljust(width)}  {_format_value(value)}"
        if reason and len(line) + len(reason) + 4 <= WIDTH:
            yield f"{line}  ({reason})"
            continue
        yield from [line] if len(line) <= WIDTH else _wrap(line.strip(), "  ", indent)
        if reason:
            yield from _wrap(f"({reason})", indent, indent)


def _headline(analysis: Analysis) -> str:
    source = analysis.source
    files = f", {len(source.files)} files" if len(source.files) > 1 else ""
    columns = f"{len(source.columns)} column{'s' if len(source.columns) != 1 else ''}"
    return f"{analysis.path}: {source.kind}{files}, {analysis.survey.num_rows} rows, {columns}"


def _summarize(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings; of many with the same reason the first ones, and one about the others."""
    by_reason: dict[str, list[Finding]] = {}
    for finding in findings:
        by_reason.setdefault(finding.reason, []).append(finding)
    summarized = []
    for reason, group in by_reason.items():
        if not reason or len(group) <= MOST_ALIKE:
            summarized += group
            continue
        summarized += group[: MOST_ALIKE - 1]
        names = [name for finding in group[MOST_ALIKE - 1 :] for name in finding.excluded]
        listed = ", ".join(names[:MOST_ALIKE]) + (" …" if len(names) > MOST_ALIKE else "")
        summarized.append(Finding(f"{len(names)} more columns are left out ({reason}):", listed))
    return summarized


def _wrap(text: str, first_indent: str = "", indent: str = "") -> list[str]:
    """Return lines of at most 80 characters, without breaking names and commands."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first_indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _format_value(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case None:
            return "null"
        case dict():
            items = ", ".join(f"{key}: {_format_value(each)}" for key, each in value.items())
            if len(items) > _LONG_VALUE:
                return f"of {list_names(list(value))}"
            return f"{{{items}}}"
        case list():
            return f"[{', '.join(map(str, value))}]"
    return str(value)


def _percent(share: float) -> str:
    if share >= 1 - 1e-12:
        return "all"
    return f"{share:.1%}" if share < 0.999 else f"{share:.6%}"
