"""Models side by side, as papers print them: coefficients, standard errors in parentheses below."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from linreg.markdown import plain
from linreg.number_format import DIGITS_WITHOUT_ERROR, aligned, decimals_of
from linreg.results.run_results import NamedResults, RunResults
from linreg.summary.specification import specification
from linreg.summary.tex import tex, tex_number
from linreg.text import table

STARS = {0.001: "***", 0.01: "**", 0.05: "*"}
NOTE_ON_STARS = "* p < 0.05, ** p < 0.01, *** p < 0.001: of each coefficient being 0, one at a time"
NOTE_ON_ROWS = (
    "The models are of different rows or targets: log-likelihood, AIC and BIC cannot be compared"
)
STATISTICS = {
    "n": "num_rows",
    "R²": "r2",
    "adjusted R²": "adjusted_r2",
    "within R²": "r2_within",
    "residual sd": "sigma",
    "F": "f",
    "log-likelihood": "log_likelihood",
    "AIC": "aic",
    "BIC": "bic",
}
"""What is printed below the coefficients, by its title: a key of inference.json."""


@dataclass(frozen=True)
class SideBySide:
    """Models side by side.

    runs    the models with the names of their columns
    digits  significant digits of a standard error, where its coefficient ends
    stars   whether coefficients have stars for their p
    """

    runs: Sequence[NamedResults]
    digits: int
    stars: bool = False

    @property
    def names(self) -> list[str]:
        """The coefficients of all models: in the order of the first, others behind those that they
        follow in their own model.
        """
        merged: list[str] = []
        for run in self.runs:
            place = 0
            for name in _order(run.results):
                if name in merged:
                    place = merged.index(name) + 1
                else:
                    merged.insert(place, name)
                    place += 1
        return merged

    @property
    def notes(self) -> list[str]:
        """The formulas, what cannot be compared, and what stars mean."""
        notes = [f"{run.name}: {run.results.context['formula']}" for run in self.runs]
        notes += [
            f"{run.name}: {run.results.missing_errors}"
            for run in self.runs
            if run.results.missing_errors
        ]
        rows = {run.results.inference["num_rows"] for run in self.runs}
        targets = {run.results.context["target"] for run in self.runs}
        if len(rows) > 1 or len(targets) > 1:
            notes.append(NOTE_ON_ROWS)
        return [*notes, NOTE_ON_STARS] if self.stars else notes

    def rows(self) -> Iterator[tuple[str, list[str]]]:
        """Yield the label and the cells of each row; that of standard errors has no label."""
        columns = [self._coefficients(run.results) for run in self.runs]
        has_errors = any(run.results.has_errors for run in self.runs)
        for name in self.names:
            yield name, [column.get(name, ("", ""))[0] for column in columns]
            if has_errors:
                yield "", [column.get(name, ("", ""))[1] for column in columns]

    def statistics(self) -> Iterator[tuple[str, list[str]]]:
        """Yield the title and the cells of what the models are, and of each statistic that one has.

        F is that of the standard errors that count.
        """
        for title, cells in specification([run.results for run in self.runs]):
            yield title, [cell + " " for cell in cells]
        for title, key in STATISTICS.items():
            values = [_value(run.results, key) for run in self.runs]
            if any(value is not None for value in values):
                cells = ["" if value is None else _statistic(key, value) for value in values]
                yield title, [cell + " " for cell in cells]

    def _coefficients(self, results: RunResults) -> dict[str, tuple[str, str]]:
        """Return by name the coefficient and its standard error, whose points are below each
        other.
        """
        known = results.inference["coefficients"]
        numbers: list[float | None] = []
        decimals: list[int] = []
        for each in known.values():
            estimate, error = each["estimate"], _errors(results, each)["standard_error"]
            own = decimals_of(error, self.digits)
            numbers += [estimate, error]
            decimals += [own if error else decimals_of(estimate, DIGITS_WITHOUT_ERROR)] * 2
        cells = iter(aligned(numbers, decimals))
        width = max(map(len, STARS.values())) if self.stars else 1
        found = {}
        for name, each in known.items():
            estimate, error = next(cells), next(cells)
            errors = _errors(results, each)
            stars = _stars(errors["p"]) if self.stars else ""
            below = f"({error.strip()})" if errors["standard_error"] is not None else ""
            found[name] = (
                _before_spaces(estimate, stars.ljust(width)),
                below and _before_spaces(f"({error}", ")".ljust(width)),
            )
        return found


def as_lines(models: SideBySide) -> str:
    """Return the table for a terminal."""
    rows = [(label, *cells) for label, cells in [*models.rows(), *models.statistics()]]
    lines = table([("", *(run.name for run in models.runs)), *rows], "<>")
    lines.insert(1 + len(list(models.rows())), "")
    return "\n".join([*lines, "", *models.notes])


def as_markdown(models: SideBySide) -> str:
    """Return the table in Markdown, with the notes below it."""
    titles = ["", *(plain(run.name) for run in models.runs)]
    lines = [f"| {' | '.join(titles)} |", f"|---|{'---:|' * len(models.runs)}"]
    for label, cells in [*models.rows(), *models.statistics()]:
        shown = [plain(label), *(plain(cell.strip()) for cell in cells)]
        lines.append(f"| {' | '.join(shown)} |")
    return "\n".join([*lines, "", *(f"{plain(note)}  " for note in models.notes)])


def as_latex(models: SideBySide) -> str:
    """Return the table as LaTeX's tabular, without packages, and its notes."""

    def lines_of(rows: Iterator[tuple[str, list[str]]]) -> Iterator[str]:
        for label, cells in rows:
            yield f"{' & '.join([tex(label), *(tex_number(each.strip()) for each in cells)])} \\\\"

    return "\n".join(
        [
            f"\\begin{{tabular}}{{l{'r' * len(models.runs)}}}",
            "\\hline",
            f"{' & '.join(['', *(tex(run.name) for run in models.runs)])} \\\\",
            "\\hline",
            *lines_of(models.rows()),
            "\\hline",
            *lines_of(models.statistics()),
            "\\hline",
            "\\end{tabular}",
            "",
            *(f"{tex(note)}\\par" for note in models.notes),
        ]
    )


def as_html(models: SideBySide) -> str:
    """Return the table as an HTML table without styles, and its notes."""

    def lines_of(rows: Iterator[tuple[str, list[str]]]) -> Iterator[str]:
        for label, cells in rows:
            shown = "".join(f"<td>{escape(cell.strip())}</td>" for cell in cells)
            yield f"<tr><th>{escape(label)}</th>{shown}</tr>"

    titles = "".join(f"<th>{escape(run.name)}</th>" for run in models.runs)
    return "\n".join(
        [
            "<table>",
            f"<thead><tr><th></th>{titles}</tr></thead>",
            "<tbody>",
            *lines_of(models.rows()),
            "</tbody>",
            "<tbody>",
            *lines_of(models.statistics()),
            "</tbody>",
            "</table>",
            *(f"<p>{escape(note)}</p>" for note in models.notes),
        ]
    )


def as_csv(models: SideBySide) -> str:
    """Return a line per coefficient and per statistic, with every digit; empty where there is none.

    A model has two columns: its coefficient or statistic, and the standard error that counts.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["name", *(f"{run.name}{end}" for run in models.runs for end in ("", " standard_error"))]
    )
    for name in models.names:
        cells: list[float | str] = []
        for run in models.runs:
            each = run.results.inference["coefficients"].get(name)
            cells += ["", ""]
            if each:
                cells[-2:] = each["estimate"], _errors(run.results, each)["standard_error"]
        writer.writerow([name, *cells])
    for title, texts in specification([run.results for run in models.runs]):
        writer.writerow([title, *(cell for text in texts for cell in (text, ""))])
    for key in STATISTICS.values():
        values = [_value(run.results, key) for run in models.runs]
        writer.writerow([key, *(cell for value in values for cell in (value, ""))])
    return text.getvalue().removesuffix("\n")


def as_json(models: SideBySide) -> str:
    """Return by model the coefficients and statistics with every digit."""
    document: dict[str, Any] = {}
    for run in models.runs:
        inference = run.results.inference
        document[run.name] = {
            "formula": run.results.context["formula"],
            "coefficients": [
                {"name": name, "estimate": each["estimate"], **_errors(run.results, each)}
                for name in _order(run.results)
                for each in [inference["coefficients"][name]]
            ],
            "standard_errors": _kind_of_errors(run.results),
            "num_clusters": inference.get("num_clusters", {}),
            "absorbed": inference.get("absorbed", {}),
            "weights": run.results.weights,
            **{key: _value(run.results, key) for key in STATISTICS.values()},
        }
    return json.dumps(document, indent=2, ensure_ascii=False)


FORMATS: dict[str | None, Callable[[SideBySide], str]] = {
    None: as_lines,
    "json": as_json,
    "csv": as_csv,
    "markdown": as_markdown,
    "latex": as_latex,
    "html": as_html,
}


def _order(results: RunResults) -> list[str]:
    """Return the coefficients in the order of the formula; of older runs in that of their names."""
    known = results.inference["coefficients"]
    order: list[str] = results.inference.get("order") or sorted(known, key=lambda name: name != "b")
    return order


def _errors(results: RunResults, coefficient: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return standard_error, t, p, low and high of a coefficient: those that count."""
    errors: Mapping[str, Any] = coefficient["robust" if results.has_robust_headline else "usual"]
    return errors


def _kind_of_errors(results: RunResults) -> str:
    return str(results.inference["robust_kind"]) if results.has_robust_headline else "classical"


def _value(results: RunResults, key: str) -> Any:
    """Return a statistic of inference.json; of F, that of the standard errors that count."""
    is_robust = key == "f" and results.has_robust_headline
    return results.inference.get(f"robust_{key}" if is_robust else key)


def _statistic(key: str, value: float) -> str:
    if key == "num_rows":
        return str(value)
    if key in ("log_likelihood", "aic", "bic"):
        return f"{value:.2f}"
    return (
        f"{value:.4f}" if key in ("r2", "adjusted_r2", "r2_within") else f"{value:#.4g}".rstrip(".")
    )


def _stars(p: float | None) -> str:
    return next((stars for level, stars in STARS.items() if p is not None and p < level), "")


def _before_spaces(text: str, end: str) -> str:
    """Return text with an end before the spaces that put its point below others."""
    number = text.rstrip()
    return number + end + text[len(number) :]
