"""Gates: bounds in params.yaml that the metrics of a model must be within."""

from collections.abc import Mapping
from typing import Any

from linreg.params.evaluate import Gate

OF_ALL = ("gap", "beats_baseline")
"""The gates that are not about a part."""
LARGEST_GAP = 0.01
"""A training whose loss ends further above its minimum, as a share of it, has not converged."""


def check_gates(gates: Mapping[str, Gate], metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return whether all gates passed, and for each its value, its bounds and whether it passed.

    A gate named PART_METRIC, such as test_r2 or cv_rmse, bounds `metrics[PART][METRIC]`; the gates
    gap and beats_baseline bound the entry of their name. A gate without a value (a part without
    rows, or a constant target) fails. A gap above LARGEST_GAP fails, whatever gate there is on it.
    """
    results = {}
    for name, gate in sorted(gates.items()):
        part, _, metric = name.partition("_")
        value = metrics.get(name) if name in OF_ALL else metrics.get(part, {}).get(metric)
        passed = value is not None and _is_within(gate, value)
        results[name] = {"value": value, "min": gate.min, "max": gate.max, "passed": passed}
    if (metrics.get("gap") or 0.0) > LARGEST_GAP:
        bounds = results.get("gap", {"value": metrics["gap"], "min": None, "max": LARGEST_GAP})
        largest = LARGEST_GAP if bounds["max"] is None else min(bounds["max"], LARGEST_GAP)
        results["gap"] = bounds | {"max": largest, "passed": False}
        results = dict(sorted(results.items()))
    return {"passed": all(result["passed"] for result in results.values()), "gates": results}


def format_bounds(result: Mapping[str, Any]) -> str:
    """Return the bounds in a gate's result as text, such as `at least 0.9`."""
    words = {"min": "at least", "max": "at most"}
    return " and ".join(
        f"{word} {result[key]:g}" for key, word in words.items() if result[key] is not None
    )


def _is_within(gate: Gate, value: float) -> bool:
    return (gate.min is None or value >= gate.min) and (gate.max is None or value <= gate.max)
