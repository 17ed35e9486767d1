"""The evaluation of a model: metrics by part, gap, gates and coefficient table, and their files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from linreg.data.formula.column_statistics import Level
from linreg.data.rows import Rows
from linreg.evaluation.cross_validated import cross_validated_metrics
from linreg.evaluation.inference import Inference
from linreg.evaluation.metrics import compute_metrics
from linreg.evaluation.own_metrics import OwnMetrics, PartArrays
from linreg.files import write_document, write_json
from linreg.fit.model import LinearModel
from linreg.params.metric_names import BASELINE_PREFIX, CV, own_metrics_in
from linreg.process.workers import ALONE, Workers

CURVES = ("train_mse", "validation_mse")
"""Values that MLflow shows by epoch already."""


def metrics_by_part(
    parts: Mapping[str, Sequence[Rows]],
    model: LinearModel,
    mean_target: float,
    workers: Workers = ALONE,
    own: OwnMetrics | None = None,
    training: Path | None = None,
) -> dict[str, dict[str, Any]]:
    """Return the metrics of every part that has rows, next to those of predicting the mean.

    The user's own metrics, if there are any, need all rows of a part in memory. With the folder of
    a training that was cross-validated, the metrics over its folds are beside them, by CV.
    """
    metrics = cross_validated_metrics(training) if training else {}
    for part, rows in parts.items():
        if any(each.num_rows for each in rows):
            metrics[part] = compute_metrics(rows, model.theta, model.b, workers, mean_target)
            if own:
                arrays = PartArrays.collect(rows, model, workers)
                metrics[part] |= own.of_rows(arrays, f"{part} rows")
    return metrics


class Documented(Protocol):
    """What is written as a document, and has some numbers for MLflow."""

    def as_data(self) -> dict[str, Any]:
        """Return plain data for JSON."""

    def as_metrics(self) -> dict[str, float]:
        """Return numbers by MLflow name."""


@dataclass(frozen=True)
class Evaluation:
    """What the evaluate stage finds about a model.

    metrics           by part (train, validation, test), for parts that have rows, and over folds
    gap               measures of the distance from the exact minimum
    gates             whether all passed, and the result of each by name
    inference         the coefficient table at the exact minimum
    reference_levels  by category, the level that its other levels are compared with
    baseline          what `compare_with_baseline` has found
    diagnostics       the content of diagnostics.json and its leading numbers, if there are any
    """

    metrics: Mapping[str, Mapping[str, Any]]
    gap: Mapping[str, float | None]
    gates: Mapping[str, Any]
    inference: Inference
    reference_levels: Mapping[str, Level] = field(default_factory=dict)
    baseline: Mapping[str, Any] = field(default_factory=dict)
    diagnostics: Documented | None = None

    @property
    def scored_part(self) -> str:
        """The part whose R² counts: test if it has rows, else validation, else train."""
        return next(part for part in ("test", "validation", "train") if part in self.metrics)

    @property
    def all_metrics(self) -> dict[str, Any]:
        """The metrics by part, the gap, and the comparison with a baseline if there is one."""
        return {**self.metrics, **self.gap, **self.baseline}

    def write(self, folder: Path) -> None:
        """Write scores.json, metrics.json, inference.json, diagnostics.json and gates.json."""
        write_json(folder / "scores.json", self.scores())
        write_document(folder / "metrics.json", self.all_metrics)
        references = {"reference_levels": self.reference_levels} if self.reference_levels else {}
        write_document(folder / "inference.json", self.inference.as_data() | references)
        write_document(folder / "gates.json", self.gates)
        if self.diagnostics:
            write_document(folder / "diagnostics.json", self.diagnostics.as_data())

    def scores(self) -> dict[str, Any]:
        """Return the few numbers that runs are compared by: gap, RMSE and the user's own metrics of
        each part, one R², and RMSE and R² over folds.
        """
        parts = {part: metrics for part, metrics in self.metrics.items() if part != CV}
        names = ["rmse", *own_metrics_in(parts.values())]
        scores: dict[str, Any] = {
            part: {name: metrics[name] for name in names} for part, metrics in parts.items()
        }
        if CV in self.metrics:
            scores[CV] = {name: self.metrics[CV][name] for name in ("rmse", "r2")}
        scores[self.scored_part]["r2"] = self.metrics[self.scored_part]["r2"]
        return scores | {"gap": self.gap["gap"]}

    def values(self) -> dict[str, float]:
        """Return all numbers by their MLflow names, such as test_r2, but not those of curves."""
        values = {}
        for part, metrics in self.metrics.items():
            for metric, value in metrics.items():
                name = f"{part}_{metric}"
                if isinstance(value, float) and name not in CURVES:
                    values[name] = value
        if self.baseline:
            of_baseline = self.baseline["baseline_file"].items()
            name = f"test_{BASELINE_PREFIX}"
            values |= {f"{name}{key}": each for key, each in of_baseline if isinstance(each, float)}
            values["beats_baseline"] = self.baseline["beats_baseline"]
        values |= self.inference.as_metrics()
        return values | (self.diagnostics.as_metrics() if self.diagnostics else {})

    def summary(self) -> str:
        """Return R² and RMSE of the scored part and the result of the gates, on one line."""
        metrics, gates = self.metrics[self.scored_part], self.gates["gates"]
        r2 = "undefined" if metrics["r2"] is None else f"{metrics['r2']:.6g}"
        rmse = "undefined" if metrics["rmse"] is None else f"{metrics['rmse']:.6g}"
        failed = [name for name, result in gates.items() if not result["passed"]]
        if failed:
            result = f"gates failed: {', '.join(failed)}"
        elif gates:
            result = f"gates passed: {', '.join(gates)}"
        else:
            result = "no gates set"
        return f"{self.scored_part} R² {r2}, RMSE {rmse}; {result}"
