"""The diagnostics of a fit as they are written, logged and drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from linreg.evaluation.diagnostics.findings import Finding
from linreg.evaluation.diagnostics.passes.sample import RowSample


@dataclass(frozen=True)
class Diagnostics:
    """The diagnostics of a fit.

    results   by diagnostic, its numbers as plain data, or the reason why there are none
    findings  what they mean, the most important first
    sample    some rows, for figures; None where there are no residuals
    rank      the number of coefficients
    """

    results: Mapping[str, Any]
    findings: Sequence[Finding]
    sample: RowSample | None = None
    rank: int = 0

    def as_data(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {**self.results, "findings": [each._asdict() for each in self.findings]}

    def as_metrics(self) -> dict[str, float]:
        """Return the leading numbers by MLflow name, such as diagnostic.white_p."""
        values: dict[str, float | None] = {
            f"{name}_p": test["p"]
            for name, test in self.results.items()
            if isinstance(test, dict) and "p" in test
        }
        if "collinearity" in self.results:
            found = self.results["collinearity"]
            values["max_vif"] = max(found["vif"].values(), default=None)
            indices = [each["index"] for each in found["condition_indices"]]
            values["max_condition_index"] = max(indices, default=None)
        if "influence" in self.results:
            rows = self.results["influence"]
            values["outlier_p"] = rows["outlier_p"]
            if rows["influential"]:
                values["max_cooks_distance"] = rows["influential"][0]["cooks_distance"]
            values["durbin_watson"] = self.results["durbin_watson"].get("statistic")
            for order, test in self.results["breusch_godfrey"].items():
                if order != "reason":
                    values[f"breusch_godfrey_{order}_p"] = test["p"]
        return {f"diagnostic.{name}": value for name, value in values.items() if value is not None}
