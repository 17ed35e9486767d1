import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.evaluation.gates import check_gates, format_bounds
from linreg.params.evaluate import Evaluate, Gate

METRICS = {"test": {"n": 5, "mse": 0.04, "rmse": 0.2, "mae": 0.1, "r2": 0.9, "max_error": 0.5}}


def passed(gates: Any, metrics: Any = METRICS) -> dict[str, bool]:
    """Whether each gate passed."""
    results = check_gates(Evaluate.model_validate({"gates": gates}).gates, metrics)
    assert results["passed"] == all(each["passed"] for each in results["gates"].values())
    return {name: each["passed"] for name, each in results["gates"].items()}


@given(st.floats(-10, 10), st.none() | st.floats(-10, 10), st.none() | st.floats(-10, 10))
def test_a_gate_passes_within_its_bounds_inclusive(
    value: float, low: float | None, high: float | None
) -> None:
    if (low is None and high is None) or (low is not None and high is not None and low > high):
        return
    results = check_gates({"test_r2": Gate(min=low, max=high)}, {"test": {"r2": value}})
    within = (-math.inf if low is None else low) <= value <= (math.inf if high is None else high)
    assert results == {
        "passed": within,
        "gates": {"test_r2": {"value": value, "min": low, "max": high, "passed": within}},
    }


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        ({"min": 0.9}, True),
        ({"min": 0.9000000000000001}, False),
        ({"max": 0.9}, True),
        ({"max": 0.8999999999999999}, False),
    ],
)
def test_a_bound_is_compared_to_the_last_bit(gate: dict[str, float], expected: bool) -> None:
    assert passed({"test_r2": gate}) == {"test_r2": expected}


def test_one_failed_gate_fails_all() -> None:
    assert passed({"test_r2": {"min": 0.5}, "test_rmse": {"max": 0.1}}) == {
        "test_r2": True,
        "test_rmse": False,
    }


def test_the_results_are_in_the_order_of_the_names() -> None:
    gates = {name: {"min": 0} for name in ("test_rmse", "gap", "test_mae", "train_r2")}
    assert list(passed(gates)) == ["gap", "test_mae", "test_rmse", "train_r2"]


def test_a_metric_whose_name_has_an_underscore_is_found() -> None:
    assert passed({"test_max_error": {"max": 0.5}}) == {"test_max_error": True}


@pytest.mark.parametrize(("gap", "expected"), [(0.01, True), (0.02, False), (None, False)])
def test_the_gate_gap_bounds_the_gap(gap: float | None, expected: bool) -> None:
    assert passed({"gap": {"max": 0.01}}, {**METRICS, "gap": gap}) == {"gap": expected}


@pytest.mark.parametrize(
    "metrics",
    [{}, {"test": {}}, {"test": {"r2": None}}, {"train": {"r2": 1.0}}, {"test": {"r2": math.nan}}],
)
def test_a_gate_without_a_value_fails(metrics: Any) -> None:
    assert passed({"test_r2": {"min": -1e9}}, metrics) == {"test_r2": False}
    assert passed({"test_r2": {"max": 1e9}}, metrics) == {"test_r2": False}


def test_without_gates_the_model_passes() -> None:
    assert check_gates({}, METRICS) == {"passed": True, "gates": {}}


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(0.9, None, "at least 0.9"), (None, 0.25, "at most 0.25"), (0, 1, "at least 0 and at most 1")],
)
def test_bounds_as_text(low: float | None, high: float | None, text: str) -> None:
    assert format_bounds({"value": 0.5, "min": low, "max": high, "passed": True}) == text


@pytest.mark.parametrize(
    "gates", [{}, {"gap": {"max": 0.5}}, {"gap": {"min": 0.0}}, {"test_r2": {"min": 0}}]
)
def test_a_training_that_ends_more_than_1_percent_above_the_minimum_never_passes(
    gates: Any,
) -> None:
    found = passed(gates, METRICS | {"gap": 0.0100001})
    assert found["gap"] is False
    results = check_gates(Evaluate.model_validate({"gates": gates}).gates, METRICS | {"gap": 0.02})
    assert results["gates"]["gap"]["max"] == 0.01
    assert list(results["gates"]) == sorted(results["gates"])


@pytest.mark.parametrize("gap", [0.0, 0.01, None])
def test_a_gap_of_up_to_1_percent_or_none_is_no_failure_by_itself(gap: float | None) -> None:
    assert passed({"test_r2": {"min": 0}}, METRICS | {"gap": gap}) == {"test_r2": True}


@pytest.mark.parametrize("largest", [0.0, 0.001])
def test_a_stricter_gate_on_the_gap_stays(largest: float) -> None:
    results = check_gates({"gap": Gate(max=largest)}, METRICS | {"gap": 0.02})
    assert results["gates"]["gap"]["max"] == largest
