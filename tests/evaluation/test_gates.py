import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.evaluation.gates import in_words, judge
from linreg.params import Evaluate, Gate

METRICS = {"test": {"n": 5, "mse": 0.04, "rmse": 0.2, "mae": 0.1, "r2": 0.9, "max_error": 0.5}}


def verdict(gates: dict[str, dict[str, float]], metrics: Any = METRICS) -> dict[str, bool]:
    """Whether each gate passed."""
    found = judge(Evaluate.model_validate({"gates": gates}).gates, metrics)
    assert found["passed"] == all(each["passed"] for each in found["gates"].values())
    return {name: each["passed"] for name, each in found["gates"].items()}


@given(st.floats(-10, 10), st.none() | st.floats(-10, 10), st.none() | st.floats(-10, 10))
def test_a_gate_passes_within_its_bounds_themselves_included(
    value: float, low: float | None, high: float | None
) -> None:
    if (low is None and high is None) or (low is not None and high is not None and low > high):
        return
    found = judge({"test_r2": Gate(min=low, max=high)}, {"test": {"r2": value}})
    passed = (
        (low if low is not None else -math.inf) <= value <= (high if high is not None else math.inf)
    )
    assert found == {
        "passed": passed,
        "gates": {"test_r2": {"value": value, "min": low, "max": high, "passed": passed}},
    }


@pytest.mark.parametrize(
    ("gate", "passed"),
    [
        ({"min": 0.9}, True),
        ({"min": 0.9000000000000001}, False),
        ({"max": 0.9}, True),
        ({"max": 0.8999999999999999}, False),
    ],
)
def test_a_bound_is_kept_to_the_last_bit(gate: dict[str, float], passed: bool) -> None:
    assert verdict({"test_r2": gate}) == {"test_r2": passed}


def test_one_failed_gate_fails_all() -> None:
    assert verdict({"test_r2": {"min": 0.5}, "test_rmse": {"max": 0.1}}) == {
        "test_r2": True,
        "test_rmse": False,
    }


def test_a_metric_whose_name_has_an_underscore_is_found() -> None:
    assert verdict({"test_max_error": {"max": 0.5}}) == {"test_max_error": True}


@pytest.mark.parametrize(
    "metrics",
    [{}, {"test": {}}, {"test": {"r2": None}}, {"train": {"r2": 1.0}}, {"test": {"r2": math.nan}}],
)
def test_what_was_not_seen_did_not_pass(metrics: Any) -> None:
    assert verdict({"test_r2": {"min": -1e9}}, metrics) == {"test_r2": False}
    assert verdict({"test_r2": {"max": 1e9}}, metrics) == {"test_r2": False}


def test_no_gates_pass() -> None:
    assert judge({}, METRICS) == {"passed": True, "gates": {}}


@pytest.mark.parametrize(
    ("gates", "end"),
    [
        ({}, "no gates set"),
        ({"test_r2": {"min": 0.5}, "test_mae": {"max": 1}}, "gates passed: test_mae, test_r2"),
        (
            {"test_r2": {"min": 1}, "test_mae": {"max": 1}, "test_rmse": {"max": 0}},
            "gates failed: test_r2, test_rmse",
        ),
    ],
)
def test_the_summary_names_what_failed(gates: dict[str, Any], end: str) -> None:
    found = judge(Evaluate.model_validate({"gates": gates}).gates, METRICS)
    assert in_words("test", METRICS["test"], found) == f"test R² 0.9, RMSE 0.2; {end}"


def test_the_summary_tells_an_undefined_r2() -> None:
    assert (
        in_words("train", {"r2": None, "rmse": 0.0}, judge({}, {}))
        == "train R² undefined, RMSE 0; no gates set"
    )
