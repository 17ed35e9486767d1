"""Gates: bounds in params.yaml that a model's metrics have to keep."""

from collections.abc import Mapping
from typing import Any

from linreg.params import Gate


def judge(gates: Mapping[str, Gate], metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return pass or fail for each gate, with the value found, and for all of them together.

    A gate named PART_METRIC, such as test_r2, bounds `metrics[PART][METRIC]`; the gate gap,
    `metrics["gap"]`. A gate without a value to judge (no such rows, or a constant target) fails:
    what was not seen did not pass.
    """
    verdicts = {}
    for name, gate in sorted(gates.items()):
        part, _, metric = name.partition("_")
        value = metrics.get(part, {}).get(metric) if metric else metrics.get(part)
        passed = value is not None and _keeps(gate, value)
        verdicts[name] = {"value": value, "min": gate.min, "max": gate.max, "passed": passed}
    return {"passed": all(verdict["passed"] for verdict in verdicts.values()), "gates": verdicts}


def in_words(part: str, metrics: Mapping[str, Any], verdict: Mapping[str, Any]) -> str:
    """Return R², RMSE and what the gates say, on one line."""
    r2, rmse = (
        "undefined" if metrics[name] is None else f"{metrics[name]:.6g}" for name in ("r2", "rmse")
    )
    failed = [name for name, each in verdict["gates"].items() if not each["passed"]]
    passed = f"gates passed: {', '.join(verdict['gates'])}" if verdict["gates"] else "no gates set"
    gates = f"gates failed: {', '.join(failed)}" if failed else passed
    return f"{part} R² {r2}, RMSE {rmse}; {gates}"


def bounds_in_words(gate: Mapping[str, Any]) -> str:
    """Return the bounds of a gate that was judged, such as `at least 0.9`."""
    words = {"min": "at least", "max": "at most"}
    return " and ".join(
        f"{word} {gate[key]:g}" for key, word in words.items() if gate[key] is not None
    )


def _keeps(gate: Gate, value: float) -> bool:
    return (gate.min is None or value >= gate.min) and (gate.max is None or value <= gate.max)
