"""The coefficient table and what belongs to it, for programs (JSON, CSV) and for papers."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from linreg.data.formula.design_info import DesignTerm
from linreg.markdown import plain
from linreg.report.coefficient_table import coefficient_columns, reference_levels
from linreg.report.fit_in_words import (
    absorbed_in_words,
    fit_in_words,
    joint_tests_in_words,
    weights_in_words,
)
from linreg.results.run_results import CoefficientRow, RunResults
from linreg.summary.tex import tex, tex_number

ERRORS = ("standard_error", "t", "p", "low", "high")
ROBUST = ("headline", "headline_reason", "robust_kind", "robust_df", "robust_f", "robust_f_p")
LATER_KEYS = (
    "no_errors",
    "rss",
    "log_likelihood",
    "aic",
    "aicc",
    "bic",
    "residuals",
    *ROBUST,
    "terms",
)
"""Evaluations of older versions do not have them."""


def as_json(results: RunResults, terms: Sequence[DesignTerm], _: int) -> str:
    """Return all numbers with every digit, coefficients in the order of the formula."""
    inference = results.inference
    keys = ("num_rows", "df", "sigma", "r2", "adjusted_r2", "f", "f_df", "f_p", "confidence")
    document = {
        "formula": results.context["formula"],
        "target": results.context["target"],
        "coefficients": [_numbers(row) for row in results.coefficients],
        "reference_levels": dict(reference_levels(terms)),
        **{key: inference[key] for key in keys},
        **{key: inference.get(key) for key in LATER_KEYS},
        **{key: inference[key] for key in ("absorbed", "r2_within") if key in inference},
        "metrics": results.metrics,
        "gates": results.gates,
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def as_csv(results: RunResults, _terms: Sequence[DesignTerm], _: int) -> str:
    """Return a line for each coefficient, with every digit; empty for what does not exist."""
    text = io.StringIO()
    rows = [_numbers(row) for row in results.coefficients]
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["name"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().removesuffix("\n")


def as_markdown(results: RunResults, terms: Sequence[DesignTerm], digits: int) -> str:
    """Return the table in Markdown, and a line of notes."""
    columns = _columns(results, digits)
    lines = [f"| {' | '.join(['', *columns])} |", f"|---|{'---:|' * len(columns)}"]
    rows = zip(results.coefficients, *columns.values(), strict=True)
    lines += [f"| {' | '.join([plain(row.name), *map(plain, cells)])} |" for row, *cells in rows]
    return "\n".join([*lines, "", *(f"{plain(note)}  " for note in _notes(results, terms))])


def as_latex(results: RunResults, terms: Sequence[DesignTerm], digits: int) -> str:
    """Return the table as LaTeX's tabular, without packages, and its notes."""
    columns = _columns(results, digits)
    lines = [
        f"\\begin{{tabular}}{{l{'r' * len(columns)}}}",
        "\\hline",
        f"{' & '.join(['', *map(tex, columns)])} \\\\",
        "\\hline",
    ]
    rows = zip(results.coefficients, *columns.values(), strict=True)
    lines += [
        f"{' & '.join([tex(row.name), *(tex_number(cell) for cell in cells)])} \\\\"
        for row, *cells in rows
    ]
    lines += ["\\hline", "\\end{tabular}", ""]
    return "\n".join([*lines, *(f"{tex(note)}\\par" for note in _notes(results, terms))])


def as_html(results: RunResults, terms: Sequence[DesignTerm], digits: int) -> str:
    """Return the table as an HTML table without styles, and its notes."""
    columns = _columns(results, digits)
    titles = "".join(f"<th>{escape(title)}</th>" for title in columns)
    rows = zip(results.coefficients, *columns.values(), strict=True)
    lines = []
    for row, *cells in rows:
        shown = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        lines.append(f"<tr><th>{escape(row.name)}</th>{shown}</tr>")
    notes = [f"<p>{escape(note)}</p>" for note in _notes(results, terms)]
    head = f"<thead><tr><th></th>{titles}</tr></thead>"
    return "\n".join(["<table>", head, "<tbody>", *lines, "</tbody>", "</table>", *notes])


FORMATS = {
    "json": as_json,
    "csv": as_csv,
    "markdown": as_markdown,
    "latex": as_latex,
    "html": as_html,
}


def _columns(results: RunResults, digits: int) -> Mapping[str, list[str]]:
    columns = coefficient_columns(results, results.coefficients, digits)
    return {title: [cell.rstrip() for cell in cells] for title, cells in columns.items()}


def _notes(results: RunResults, terms: Sequence[DesignTerm]) -> Iterator[str]:
    yield results.context["formula"]
    if weights := weights_in_words(results):
        yield weights
    for factor, level in reference_levels(terms):
        yield f"{factor}: compared with {level}"
    if absorbed := absorbed_in_words(results):
        yield absorbed
    yield from joint_tests_in_words(results)
    yield "; ".join(fit_in_words(results))
    if results.missing_errors:
        yield results.missing_errors


def _numbers(row: CoefficientRow) -> dict[str, Any]:
    robust = {f"robust_{key}": row.robust.get(key) for key in ERRORS}
    classical = {key: row.classical.get(key) for key in ERRORS}
    values = {"name": row.name, "trained": row.trained, "exact": row.exact, "true": row.true}
    return values | classical | robust
