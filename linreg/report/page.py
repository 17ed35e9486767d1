"""The report of one run: a single HTML file that loads nothing; the same bytes for the same run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from linreg.data.formula.design import Design
from linreg.evaluation.correlations import correlations_of
from linreg.evaluation.diagnostics.document import Diagnostics
from linreg.evaluation.predictions import PredictedRows, write_predictions
from linreg.files import file_hash, files_in, write_document, write_text
from linreg.fit.exact.reference import ExactReference
from linreg.fit.model import LinearModel
from linreg.number_format import DIGITS, aligned, alike, decimals_of
from linreg.params.metric_names import own_metrics_in
from linreg.params.split import split_column
from linreg.report.cross_validation import fold_rows, folds_in_words
from linreg.report.diagnostic_tables import diagnostic_tables
from linreg.report.diagnostics import diagnostics as sentences
from linreg.report.effective_parameters import effective_parameters
from linreg.report.figures.coefficients import (
    distance_figure,
    effect_figure,
    largest_effects,
    penalty_path_figure,
)
from linreg.report.figures.descent import path_end_figure, path_figure
from linreg.report.figures.diagnostics import diagnostic_figures
from linreg.report.figures.features import MAX_FEATURES, feature_figure, histogram_figure
from linreg.report.figures.losses import gap_figure, l1_choice_figure, loss_figure
from linreg.report.figures.residuals import prediction_figure, quantile_figure, residual_figure
from linreg.report.fit_in_words import (
    errors_in_words,
    fit_in_words,
    residuals_in_words,
    weights_in_words,
)
from linreg.report.html_table import html_table
from linreg.report.rendering import render
from linreg.results.run_results import NamedResults, RunResults

DIGITS_OF_METRICS = 5
DIGITS_OF_COLUMNS = 4
"""Of the standard deviation of a column, where its other numbers end."""
METRICS = ("r2", "rmse", "mae", "max_error")


def write_report(
    folder: Path,
    context: Mapping[str, Any],
    model: LinearModel,
    exact: ExactReference,
    predicted: PredictedRows,
    diagnostics: Diagnostics | None = None,
) -> None:
    """Write predictions.csv, report.json and report.html into the folder of the other results.

    report.json is the context and, as `files`, the MD5s of the files that are there already.

    predicted    the rows of the scored part, with the cells of `report_columns`
    diagnostics  of the fit, of which the sample of rows is drawn

    Raises UserError like `RunResults.read`.
    """
    write_predictions(folder / "predictions.csv", predicted.sample)
    files = {file.name: file_hash(file) for file in files_in(folder)}
    write_document(folder / "report.json", {**context, "files": files})
    results = RunResults.read(folder, names=model.design.reported_names)
    write_text(
        folder / "report.html", report_page(results, model.design, exact, predicted, diagnostics)
    )


def report_page(
    results: RunResults,
    design: Design,
    exact: ExactReference,
    predicted: PredictedRows,
    diagnostics: Diagnostics | None = None,
) -> str:
    """Return the page."""
    context, parameters = results.context, results.context["parameters"]
    effective = effective_parameters(
        parameters,
        is_generated=context["truth"] is not None,
        has_categories=bool(design.schema.category_columns),
    )
    # Values beyond float64 have no place in a figure.
    with np.errstate(all="ignore"):
        figures = {
            **_figures(results),
            "by_feature": _feature_figures(design, predicted, parameters),
            "around_fit": diagnostic_figures(
                diagnostics, design, context, results.inference["coefficients"]
            )
            if diagnostics
            else {},
        }
    return render(
        "report.html.jinja",
        {
            **figures,
            "results": results,
            "context": context,
            "profile": context["profile"],
            "inference": results.inference,
            "fit": [*fit_in_words(results), *residuals_in_words(results)],
            "weights": weights_in_words(results),
            "errors": errors_in_words(results),
            "table": html_table(results, design.terms),
            "num_effects": len(largest_effects([NamedResults("", results)])),
            "num_features": len(design.schema.features),
            "diagnostics": sentences(results),
            "regression": diagnostic_tables(results.diagnostics),
            "metrics": _metric_columns(results),
            "folds": fold_rows(folds) if (folds := results.cross_validation) else [],
            "over_folds": folds_in_words(folds) if folds else "",
            "own_metrics": own_metrics_in(results.metrics[part] for part in results.parts),
            "columns": _profile_columns(context["profile"]["columns"], design),
            "has_levels": any(c.get("levels") for c in context["profile"]["columns"].values()),
            "worst": _worst_rows(predicted, context["target"]),
            "worst_files": ", ".join(path.name for path in predicted.files),
            "all_features_shown": len(design.schema.features) <= MAX_FEATURES,
            "correlations": correlations_of(design, exact.moments, context["target"]),
            "parameters": effective,
            "num_unused": len(parameters) - len(effective),
        },
    )


def _figures(results: RunResults) -> dict[str, Markup | None]:
    run = NamedResults("", results)
    target, part = results.context["target"], results.context["judged"]
    figures = {
        "effects": effect_figure([run]),
        "distances": distance_figure([run]),
        "penalty_path": penalty_path_figure(results),
        "l1_choice": l1_choice_figure(results),
        "loss": loss_figure([run]),
        "gap": gap_figure([run]),
        "path": path_figure(results),
        "path_end": path_end_figure(results),
        "predictions": prediction_figure(results),
        "residuals": residual_figure(results),
        "quantiles": quantile_figure([run]),
        "target_histogram": histogram_figure(
            results.actual, target, f"How {target} is spread over the {part} rows"
        ),
        "residual_histogram": histogram_figure(
            results.residuals, "residual (actual − predicted)", "How the residuals are spread"
        ),
    }
    if results.is_exact:
        # They would show one point, at 0.
        figures |= dict.fromkeys(("distances", "loss", "gap"))
    return figures


def _feature_figures(
    design: Design, predicted: PredictedRows, parameters: Mapping[str, Any]
) -> list[Markup]:
    """Return residuals against the column that splits the rows, if any, and against features."""
    rows = predicted.sample
    if not rows:
        return []
    by, features = split_column(parameters["split.by"]), design.schema.features
    shown = [name for name in rows[0].cells if name in features or name == by]
    times = {name for name, column in features.items() if column.kind == "time"}
    if parameters["split.by"].startswith("time:") and by:
        times.add(by)
    figures = [feature_figure(name, rows, design, is_time=name in times) for name in shown]
    return [figure for figure in figures if figure]


def _metric_columns(results: RunResults) -> list[tuple[str, str, list[str]]]:
    """Return for each part its name, its number of rows and its metrics, aligned by column."""
    parts = [results.metrics[part] for part in results.parts]
    names = [*METRICS, *own_metrics_in(parts)]
    columns = [[part[name] for part in parts] for name in names]
    columns.append([part["baseline"]["rmse"] for part in parts])
    if baseline := results.metrics.get("baseline_file"):
        of_test = [baseline["rmse"] if part == "test" else None for part in results.parts]
        columns.append(of_test)
    cells = [alike(values, DIGITS_OF_METRICS) for values in columns]
    num_rows = [str(part["n"]) for part in parts]
    rows = map(list, zip(*cells, strict=True))
    return list(zip(results.parts, num_rows, rows, strict=True))


def _profile_columns(
    profiles: Mapping[str, Mapping[str, Any]], design: Design
) -> dict[str, list[str]]:
    """Return min, mean, max and standard deviation of each column, aligned by column.

    The target comes first, then the columns of the formula in its order, then all others.
    """
    factors = [design.schema.target, *design.schema.factors]
    order = dict.fromkeys([*(name for each in factors for name in each["columns"]), *profiles])
    columns = {name: profiles[name] for name in order if name in profiles}
    decimals = [
        max(0, decimals_of(column.get("sd"), DIGITS_OF_COLUMNS)) for column in columns.values()
    ]
    is_whole = [column["type"].startswith(("int", "uint")) for column in columns.values()]
    cells = []
    for name in ("min", "mean", "max", "sd"):
        values = [column.get(name) for column in columns.values()]
        numbers = [None if isinstance(value, str) else value for value in values]
        if name in ("min", "max"):
            own = [0 if whole else n for whole, n in zip(is_whole, decimals, strict=True)]
        else:
            own = decimals
        texts = zip(values, aligned(numbers, own), strict=True)
        # The first and the last time of a column are text.
        cells.append([value if isinstance(value, str) else text for value, text in texts])
    return {name: [each[i] for each in cells] for i, name in enumerate(columns)}


def _worst_rows(predicted: PredictedRows, target: str) -> list[tuple[str, list[str], str]]:
    """Return for each row where it is, actual, predicted and residual, and its cells as text."""
    rows = predicted.worst
    values = [[row.actual for row in rows], [row.predicted for row in rows]]
    residuals = [row.residual for row in rows]
    decimals = max(
        (decimals_of(abs(value), DIGITS) for value in residuals if value), default=DIGITS
    )
    numbers = [aligned(each, max(0, decimals)) for each in (*values, residuals)]
    return [
        (
            predicted.place(row),
            list(cells),
            ", ".join(
                f"{name} = {_cell(value)}" for name, value in row.cells.items() if name != target
            ),
        )
        for row, *cells in zip(rows, *numbers, strict=True)
    ]


def _cell(value: Any) -> str:
    if value is None:
        return "missing"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
