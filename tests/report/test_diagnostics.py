"""The diagnostics follow from the numbers of the run."""

import math
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from linreg.evaluation.gates import LARGEST_GAP
from linreg.fit.history import gap_in_words
from linreg.report.diagnostics import CONVERGED, diagnostics
from linreg.results.run_results import RunResults

Evaluated = Callable[..., RunResults]


def rows(
    n: int = 400,
    seed: int = 3,
    noise: float = 0.5,
    effect: float = 1.0,
    *,
    heteroscedastic: bool = False,
) -> pa.Table:
    random = np.random.default_rng(seed)
    x, useless = random.standard_normal(n), random.standard_normal(n)
    errors = noise * random.standard_normal(n) * (np.exp(x) if heteroscedastic else 1)
    return pa.table({"y": 1 + effect * x + errors, "x": x, "useless": useless})


def texts(run: RunResults) -> str:
    return "\n".join(each.text for each in diagnostics(run))


def severities(run: RunResults) -> set[str]:
    return {each.severity for each in diagnostics(run)}


def test_a_good_run_has_no_warnings_and_says_what_comes_next(evaluated: Evaluated) -> None:
    run = evaluated(
        "y ~ x", rows(), test=rows(seed=4), gates={"test_r2": {"min": 0.5}}, solver="exact"
    )
    assert severities(run) == {"ok"}
    assert "linreg predict" in texts(run)
    assert "linreg register" in texts(run)


def test_a_failed_gate_comes_next_and_no_use_of_the_model_is_suggested(
    evaluated: Evaluated,
) -> None:
    run = evaluated(
        "y ~ x", rows(), test=rows(seed=4), gates={"test_r2": {"min": 0.99}}, solver="exact"
    )
    _, first, *_ = diagnostics(run)
    r2 = run.metrics["test"]["r2"]
    assert first.severity == "error"
    assert first.text.startswith(f"Gate failed: test_r2 is {r2:.6g}, must be at least 0.99.")
    assert "linreg register" not in texts(run)


def test_a_gate_without_a_value_fails(evaluated: Evaluated) -> None:
    run = evaluated("y ~ x", rows(), gates={"test_r2": {"min": 0.9}}, solver="exact")
    assert "Gate failed: test_r2 has no value, must be at least 0.9." in texts(run)


def test_a_run_without_test_rows_and_gates_is_warned_of_both(evaluated: Evaluated) -> None:
    run = evaluated("y ~ x", rows(), solver="exact")
    assert "No gates are set" in texts(run)
    assert "There are no test rows (split.test)" in texts(run)


def test_a_coefficient_whose_interval_contains_0_is_not_significant(evaluated: Evaluated) -> None:
    run = evaluated("y ~ x + useless", rows(), solver="exact")
    assert "useless: not significant at 95 % (the confidence interval contains 0)." in texts(run)


def test_heteroscedasticity_shows_in_the_robust_standard_errors(evaluated: Evaluated) -> None:
    unequal = evaluated("y ~ x", rows(heteroscedastic=True), solver="exact", name="a")
    equal = evaluated("y ~ x", rows(), solver="exact", name="b")
    assert "differ by more than a factor of 1.5 (x): the noise has unequal" in texts(unequal)
    assert "heteroscedasticity" not in texts(equal)


@pytest.mark.parametrize(("noise", "is_overfitting"), [(1.0, True), (0.5, False)])
def test_a_much_larger_error_on_test_rows_is_overfitting(
    evaluated: Evaluated, noise: float, is_overfitting: bool
) -> None:
    run = evaluated("y ~ x", rows(), test=rows(seed=4, noise=noise), solver="exact")
    ratio = run.metrics["test"]["rmse"] / run.metrics["train"]["rmse"]
    text = f"RMSE on the test rows is {ratio:.3g} times that on the training rows: overfitting"
    assert (text in texts(run)) == is_overfitting


def test_of_a_training_that_has_not_converged_the_exact_coefficients_are_to_be_read(
    evaluated: Evaluated,
) -> None:
    run = evaluated("y ~ x", rows(), lr=0.0001, epochs=1)
    gap, distance = run.metrics["gap"], run.metrics["distance"]
    first, *_ = diagnostics(run)
    assert first.severity == "error"
    assert first.text.startswith(
        f"Read the exact coefficients, not the trained ones: training ended {gap_in_words(gap)}, "
        f"and coefficients are on average {distance / math.sqrt(2):.2g} standard errors from the "
    )
    assert not run.passed


@pytest.mark.slow
def test_of_a_training_near_the_minimum_predictions_are_fine_and_coefficients_are_not(
    evaluated: Evaluated,
) -> None:
    run = evaluated("y ~ x", rows(n=6000), lr=0.01, epochs=20)
    assert run.metrics["gap"] < LARGEST_GAP
    first, *_ = diagnostics(run)
    assert first.severity == "warning"
    assert first.text.startswith("Read the exact coefficients, not the trained ones")
    assert "Predictions are as good as they can be." in first.text


@pytest.mark.slow
def test_one_coefficient_far_from_its_exact_value_is_not_hidden_by_the_others(
    evaluated: Evaluated,
) -> None:
    """Two columns that differ by 0.5 %, whose coefficients gradient descent leaves near 0."""
    random = np.random.default_rng(2)
    X = random.standard_normal((1400, 61))
    X[:, 1] = X[:, 0] + 0.005 * X[:, 1]
    noise = random.standard_normal(1400)
    noise -= X @ np.linalg.lstsq(X, noise)[0]
    y = 6 * (X[:, 0] - X[:, 1]) + X[:, 2:].sum(axis=1) + noise
    columns = {f"x{i}": column for i, column in enumerate(X.T)}
    run = evaluated(
        f"y ~ {' + '.join(columns)}",
        pa.table({"y": y, **columns}),
        scale="standardize",
        schedule="linear",
        average=0.5,
        lr=0.003,
        epochs=20,
        batch_size=32,
        engine="compiled",
    )
    assert run.metrics["gap"] < LARGEST_GAP
    assert run.metrics["distance"] / math.sqrt(62) < CONVERGED
    farthest = max(run.coefficients, key=lambda row: abs(row.distance or 0.0))
    first, *_ = diagnostics(run)
    assert first.severity == "warning"
    assert first.text.startswith("Read the exact coefficients, not the trained ones")
    assert f"from the exact ones, {farthest.name} {abs(farthest.distance or 0):.2g}." in first.text


def test_of_a_training_that_has_converged_the_trained_coefficients_are_to_be_read(
    evaluated: Evaluated,
) -> None:
    run = evaluated(
        "y ~ x", rows(), lr=0.01, epochs=40, schedule="linear", average=0.5, dtype="float64"
    )
    first, *_ = diagnostics(run)
    assert first.severity == "ok"
    assert first.text.startswith("Read the trained coefficients: training ended ")


def test_the_exact_solution_is_to_be_read_as_it_is(evaluated: Evaluated) -> None:
    first, *_ = diagnostics(evaluated("y ~ x", rows(), solver="exact"))
    assert first.text == "Read the coefficients as they are: they are the exact solution."


@pytest.mark.parametrize("penalty", [{"l1": 0.1}, {"l2": 0.1}, {"l1": 0.1, "l2": 0.1}])
def test_penalized_coefficients_are_said_to_be_nearer_to_0(
    evaluated: Evaluated, penalty: dict[str, float]
) -> None:
    first, *_ = diagnostics(evaluated("y ~ x", rows(), solver="exact", **penalty))
    assert first.severity == "ok"
    assert "minimum of the penalized loss, nearer to 0" in first.text


def test_few_rows_per_coefficient_are_warned_of(evaluated: Evaluated) -> None:
    run = evaluated("y ~ x + useless", rows(n=12), solver="exact")
    assert "12 training rows are few for 3 coefficients" in texts(run)


def test_rows_of_weight_0_are_neither_coefficients_nor_rows_of_the_fit(
    evaluated: Evaluated,
) -> None:
    table = rows(n=100).append_column("w", pa.array([1.0] * 12 + [0.0] * 88))
    run = evaluated("y ~ x + useless", table, weights="w", solver="exact")
    assert "12 training rows with a weight above 0 are few for 3 coefficients" in texts(run)
    enough = rows(n=100).append_column("w", pa.array([1.0] * 40 + [0.0] * 60))
    run = evaluated("y ~ x + useless", enough, weights="w", solver="exact", name="enough")
    assert "are few for" not in texts(run)


def test_a_penalized_fit_of_few_rows_is_promised_no_confidence_intervals(
    evaluated: Evaluated,
) -> None:
    for penalty in ({"l1": 0.1}, {"l2": 0.1}):
        name = next(iter(penalty))
        run = evaluated("y ~ x + useless", rows(n=12), solver="exact", name=name, **penalty)
        assert "confidence interval" not in texts(run)


def test_dropped_rows_and_imputed_cells_are_counted(evaluated: Evaluated) -> None:
    columns = {
        "x": {"type": "double", "missing": 5, "min": 0.0, "max": 1.0, "mean": 0.5, "sd": 0.1},
        "zone": {"type": "string", "missing": 1, "levels": {"a": 400}},
        "y": {"type": "double", "missing": 0, "min": 0.0, "max": 1.0, "mean": 0.5, "sd": 0.1},
    }
    profile = {"rows_read": 401, "rows": 400, "dropped": {"zone is missing": 1}, "columns": columns}
    run = evaluated("y ~ x", rows(), profile=profile, solver="exact")
    run.context["parameters"]["ingest.missing"] = "mean"
    assert "1 of 401 rows was dropped." in texts(run)
    assert "Missing values (up to 5) were imputed with the mean" in texts(run)
    run.context["parameters"]["ingest.missing"] = "drop"
    assert "imputed" not in texts(run)


def test_collinear_columns_that_were_dropped_are_listed(evaluated: Evaluated) -> None:
    run = evaluated("y ~ x + I(2*x)", rows(), collinear="drop", solver="exact")
    assert "Collinear columns were dropped: I(2 * x) = 2·x." in texts(run)


def test_nearly_collinear_columns_are_ill_conditioned(evaluated: Evaluated) -> None:
    table = rows()
    almost = table["x"].to_numpy() + 1e-6 * table["useless"].to_numpy()
    run = evaluated("y ~ x + z", table.append_column("z", pa.array(almost)), solver="exact")
    condition = run.inference["condition"]
    assert f"nearly collinear (condition number {condition:.1e})" in texts(run)


def test_of_many_names_five_are_listed(evaluated: Evaluated) -> None:
    random = np.random.default_rng(1)
    names = [f"x{i}" for i in range(8)]
    columns = {"y": random.standard_normal(400)}
    columns |= {name: random.standard_normal(400) for name in names}
    run = evaluated(f"y ~ {' + '.join(names)}", pa.table(columns), solver="exact")
    not_significant = [
        c.name for c in run.coefficients if c.name != "b" and abs(c.classical["t"] or 0) < 1.96
    ]
    assert f"{', '.join(not_significant[:5])} and {len(not_significant) - 5} more" in texts(run)


def test_rows_with_unseen_levels_are_counted(evaluated: Evaluated) -> None:
    run = evaluated("y ~ x", rows(), unseen_levels={"test": {"town": 3}})
    assert (
        "Left out: 3 test rows with an unseen level of town (model.unseen). The metrics are those "
        "of the other rows." in texts(run)
    )


def test_a_perfect_fit_is_called_so(evaluated: Evaluated) -> None:
    run = evaluated("y ~ x", rows(noise=0.0), solver="exact")
    assert "The fit is perfect: rounding explains every residual." in texts(run)
    assert "perfect" not in texts(evaluated("y ~ x", rows(), name="other"))
