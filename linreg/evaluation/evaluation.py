"""The evaluation of a model: metrics by part, gap, gates and coefficient table, and their files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linreg.data.rows import Rows
from linreg.evaluation.gates import in_words
from linreg.evaluation.inference import Inference
from linreg.evaluation.metrics import final_values, metrics, scores
from linreg.files import write_document, write_json
from linreg.fit.model import LinearModel
from linreg.process.workers import ALONE, Workers


def metrics_by_part(
    parts: Mapping[str, Sequence[Rows]],
    model: LinearModel,
    mean_target: float,
    workers: Workers = ALONE,
) -> dict[str, dict[str, Any]]:
    """Return the metrics of every part that has rows, next to those of predicting the mean."""
    return {
        part: metrics(rows, model.theta, model.b, workers, mean_target)
        for part, rows in parts.items()
        if any(each.num_rows for each in rows)
    }


@dataclass(frozen=True)
class Evaluation:
    """What the evaluate stage finds about a model.

    metrics    by part (train, validation, test), for parts that have rows
    gap        measures of the distance from the exact minimum
    gates      whether all passed, and each gate by name
    inference  the coefficient table at the exact minimum
    """

    metrics: Mapping[str, Mapping[str, Any]]
    gap: Mapping[str, float | None]
    gates: Mapping[str, Any]
    inference: Inference

    @property
    def scored_part(self) -> str:
        """The part whose R² counts: test if it has rows, else validation, else train."""
        return next(part for part in ("test", "validation", "train") if part in self.metrics)

    @property
    def all_metrics(self) -> dict[str, Any]:
        """The metrics by part, and the gap."""
        return {**self.metrics, **self.gap}

    def write(self, folder: Path) -> None:
        """Write scores.json, metrics.json, inference.json and gates.json."""
        write_json(folder / "scores.json", scores(self.metrics, self.scored_part, self.gap))
        write_document(folder / "metrics.json", self.all_metrics)
        write_document(folder / "inference.json", self.inference.as_data())
        write_document(folder / "gates.json", self.gates)

    def values(self) -> dict[str, float]:
        """Return all numbers by the names that MLflow shows, without those that are curves."""
        return final_values(self.metrics) | self.inference.as_metrics()

    def summary(self) -> str:
        """Return R² and RMSE of the scored part and the result of the gates, on one line."""
        return in_words(self.scored_part, self.metrics[self.scored_part], self.gates)
