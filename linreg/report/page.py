"""The report: one HTML file without anything from elsewhere, the same bytes for the same run."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from linreg.files import file_hash, files_in, write_document, write_text
from linreg.report import figures
from linreg.report.advice import advice
from linreg.report.figures import Run
from linreg.report.results import RunResults

MOST_ROWS = 200
"""Rows of the table of coefficients."""


def write_report(folder: Path, background: Mapping[str, Any]) -> None:
    """Write report.json and report.html into the folder that holds what evaluate found.

    report.json is the background with, as `files`, the MD5s of the files that lie there already.
    Raises UserError like `RunResults.read`.
    """
    files = {file.name: file_hash(file) for file in files_in(folder)}
    write_document(folder / "report.json", {**background, "files": files})
    write_text(folder / "report.html", report(RunResults.read(folder)))


def report(findings: RunResults) -> str:
    """Return the page of one run."""
    run = Run("", findings)
    # what is beyond float64 has no place in a figure
    with np.errstate(all="ignore"):
        drawings = {
            "effects": figures.effects([run]),
            "distances": figures.distances([run]),
            "loss": figures.loss([run]),
            "gap": figures.gap([run]),
            "whole_path": figures.whole_path(run),
            "end_of_path": figures.end_of_path(run),
            "predicted_against_actual": figures.predicted_against_actual(run),
            "residuals": figures.residuals(run),
            "normal_quantiles": figures.normal_quantiles([run]),
        }
    if findings.background["parameters"]["train.solver"] == "exact":
        # one point, at 0
        drawings |= dict.fromkeys(("distances", "loss", "gap"))
    return render(
        "report.html.jinja",
        {
            **drawings,
            "run": findings,
            "about": findings.background,
            "profile": findings.background["profile"],
            "verdict": findings.verdict,
            "certainty": findings.certainty,
            "coefficients": findings.coefficients,
            "advice": advice(findings),
            "most_rows": MOST_ROWS,
        },
    )


def render(template: str, values: Mapping[str, Any], package: str = "linreg.report") -> str:
    """Fill in a template of a package's folder `templates`; it may extend one of this package's."""
    loader = ChoiceLoader([PackageLoader(name, "templates") for name in (package, "linreg.report")])
    pages = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {
        "number": number,
        "digits": digits,
        "short": short,
        "percent": percent,
        "p_value": p_value,
        "levels": levels,
        "parameter": parameter,
    }
    pages.globals["css"] = Markup(
        (Path(__file__).parent / "templates" / "report.css").read_text(encoding="utf-8")
    )
    return pages.get_template(template).render(values)


def number(value: Any, form: str = ".6g") -> str:
    """Return a number as a person reads it; a dash for one that is not known."""
    return (
        "–"
        if value is None
        else format(value, form)
        if isinstance(value, int | float)
        else str(value)
    )


def digits(value: float | None) -> str:
    """Return eight digits."""
    return number(value, ".8g")


def short(value: float | None) -> str:
    """Return three digits."""
    return number(value, ".3g")


def percent(value: float | None) -> str:
    """Return three digits of a share as a percentage."""
    return "–" if value is None else f"{100 * value:.3g} %"


def p_value(value: float | None) -> str:
    """Return a p-value; what is tiny is told to be below a bound, since its digits mean nothing."""
    return "< 1e-16" if value is not None and value < 1e-16 else number(value, ".3g")


def levels(found: Mapping[str, int] | None, most: int = 8) -> str:
    """Return a category's levels with their counts, the most frequent of many."""
    if not found:
        return ""
    shown = [
        f"{level}: {count}"
        for level, count in sorted(found.items(), key=lambda each: -each[1])[:most]
    ]
    return ", ".join(shown) + (f", and {len(found) - most} more" if len(found) > most else "")


def parameter(value: Any) -> str:
    """Return a parameter as params.yaml has it."""
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value
