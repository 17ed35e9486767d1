"""The results of a cross-validation as metrics: of a part named cv, beside train and test."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from linreg.fit.cross_validation.cross_validation import MEASURES
from linreg.fit.cross_validation.folds_file import read_folds
from linreg.params.metric_names import CV

OF_FOLD = ("fold", "rows", "trained_rows", *MEASURES, "reason")


def cross_validated_metrics(training: Path) -> dict[str, dict[str, Any]]:
    """Return the metrics over the folds of a training, by CV; empty without folds.

    Of each of MEASURES the mean over the folds and, as rmse_standard_deviation and
    rmse_standard_error, its spread; and the folds one by one.
    """
    found = read_folds(training)
    if found is None:
        return {}
    metrics: dict[str, Any] = {}
    for name in MEASURES:
        spread: Mapping[str, float | None] = found[name]
        metrics[name] = spread["mean"]
        for key in ("standard_deviation", "standard_error"):
            metrics[f"{name}_{key}"] = spread[key]
    folds = [{key: fold[key] for key in OF_FOLD} for fold in found["folds"]]
    return {CV: metrics | {key: found[key] for key in ("by", "estimator")} | {"folds": folds}}
