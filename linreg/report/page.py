"""The report of one run: a single HTML file that loads nothing; the same bytes for the same run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from linreg.files import file_hash, files_in, write_document, write_text
from linreg.report.coefficient_figures import distance_figure, effect_figure
from linreg.report.descent_figures import path_end_figure, path_figure
from linreg.report.diagnostics import diagnostics
from linreg.report.loss_figures import gap_figure, loss_figure
from linreg.report.rendering import render
from linreg.report.residual_figures import prediction_figure, quantile_figure, residual_figure
from linreg.report.results import NamedResults, RunResults

MAX_ROWS = 200
"""Rows of the coefficient table that are shown."""


def write_report(folder: Path, context: Mapping[str, Any]) -> None:
    """Write report.json and report.html into the folder that holds the other results of the run.

    report.json is the context and, as `files`, the MD5s of the files that are there already. Raises
    UserError like `RunResults.read`.
    """
    files = {file.name: file_hash(file) for file in files_in(folder)}
    write_document(folder / "report.json", {**context, "files": files})
    write_text(folder / "report.html", report_page(RunResults.read(folder)))


def report_page(results: RunResults) -> str:
    """Return the page."""
    return render(
        "report.html.jinja",
        {
            **_figures(results),
            "results": results,
            "context": results.context,
            "profile": results.context["profile"],
            "inference": results.inference,
            "coefficients": results.leading_coefficients(MAX_ROWS),
            "num_coefficients": len(results.coefficients),
            "diagnostics": diagnostics(results),
        },
    )


def _figures(results: RunResults) -> dict[str, Markup | None]:
    run = NamedResults("", results)
    # Values beyond float64 have no place in a figure.
    with np.errstate(all="ignore"):
        figures = {
            "effects": effect_figure([run]),
            "distances": distance_figure([run]),
            "loss": loss_figure([run]),
            "gap": gap_figure([run]),
            "path": path_figure(results),
            "path_end": path_end_figure(results),
            "predictions": prediction_figure(results),
            "residuals": residual_figure(results),
            "quantiles": quantile_figure([run]),
        }
    if results.context["parameters"]["train.solver"] == "exact":
        # They would show one point, at 0.
        figures |= dict.fromkeys(("distances", "loss", "gap"))
    return figures
