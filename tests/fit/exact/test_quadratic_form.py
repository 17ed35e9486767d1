"""How far parameters are from the minimum, where a category is eliminated."""

import numpy as np
import pytest

from linreg.arrays import Floats
from linreg.fit.coordinates.scaling import z_score_scaling
from linreg.fit.exact.quadratic_loss import QuadraticLoss
from tests.fit.exact.compact_rows import (
    CompactRows,
    dense_fit,
    dense_moments,
    drawn,
    fit,
    level_moments,
)

LAYOUTS = [(12,), (5, 1, 12, 1)]
weights_intercepts_and_penalties = pytest.mark.parametrize(
    ("weighted", "intercept", "l2"),
    [(False, True, 0.0), (True, True, 0.0), (True, False, 0.0), (True, True, 0.1), (1, 0, 0.1)],
)


def losses(
    rows: CompactRows, intercept: bool, l2: float = 0.0
) -> tuple[QuadraticLoss, QuadraticLoss, Floats, float]:
    """The loss with a category eliminated and with all columns, and the minimum."""
    found, expected = fit(rows, intercept, l2=l2), dense_fit(rows, intercept, l2=l2)
    return (
        QuadraticLoss(level_moments(rows), found),
        QuadraticLoss(dense_moments(rows), expected),
        found.theta,
        found.b,
    )


@weights_intercepts_and_penalties
@pytest.mark.parametrize("size", [1e-9, 1e-3, 1.0, 1e6])
@pytest.mark.parametrize("sizes", LAYOUTS)
def test_the_distance_from_the_minimum_is_that_of_all_columns(
    sizes: tuple[int, ...], size: float, weighted: bool, intercept: bool, l2: float
) -> None:
    """Measured: 1e-15."""
    rows = drawn(300, *sizes, weighted=weighted, full=not intercept)
    compact, dense, theta, b = losses(rows, intercept, l2)
    at = theta + size * np.random.default_rng(1).normal(size=len(theta)), b + intercept * size
    found, expected = compact.convergence(*at), dense.convergence(*at)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == (value if value is None else pytest.approx(value, rel=1e-13))
    mse = compact.mean_squared_error(*at)
    assert mse == pytest.approx(dense.mean_squared_error(*at), rel=1e-13)
    w = np.ones(300) if rows.w is None else rows.w
    residuals = rows.y - at[1] - rows.array @ at[0]
    assert mse == pytest.approx((w * residuals**2).sum() / 300, rel=1e-12)


@weights_intercepts_and_penalties
def test_at_the_minimum_rounding_is_left(weighted: bool, intercept: bool, l2: float) -> None:
    """Of the coefficients, whose remainders are known."""
    rows = drawn(300, 5, 1, 12, 1, weighted=weighted, full=not intercept)
    compact, dense, theta, b = losses(rows, intercept, l2)
    found, expected = compact.convergence(theta, b), dense.convergence(theta, b)
    assert found["gap"] is not None
    assert expected["gap"] is not None
    assert found["gap"] < 1e-29
    assert found["gap"] == pytest.approx(expected["gap"], rel=1e-6)
    assert found["gradient_norm"] == pytest.approx(expected["gradient_norm"], rel=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_levels_that_span_the_constant_leave_no_mean_to_form_differences_from(seed: int) -> None:
    """What is left of the column of ones is rounding, weights and all."""
    rows = drawn(60, 1, 7, weighted=True, full=True, seed=seed)
    rows = rows.with_dense(np.asfortranarray(rows.X.dense + 1e5))
    compact, dense, theta, b = losses(rows, intercept=False)
    theta = theta + np.random.default_rng(seed).normal(size=8)
    found, expected = compact.convergence(theta, b), dense.convergence(theta, b)
    assert found["gap"] == pytest.approx(expected["gap"], rel=1e-12)
    assert found["gradient_norm"] == pytest.approx(expected["gradient_norm"], rel=1e-12)


def test_a_level_without_weight_has_no_part_in_the_loss() -> None:
    rows = drawn(200, 1, 7, weighted=True)
    assert rows.w is not None
    rows = CompactRows(rows.X, rows.y, np.where(rows.X.codes[0] == 2, 0.0, rows.w))
    solution = fit(rows, collinear="drop")
    loss = QuadraticLoss(level_moments(rows), solution)
    far = solution.theta + 100.0 * (np.arange(8) == 3)
    assert (
        loss.convergence(far, solution.b)["gap"]
        == loss.convergence(solution.theta, solution.b)["gap"]
    )


def test_parameters_beyond_float64_have_no_distance() -> None:
    rows = drawn(200, 1, 7)
    loss = QuadraticLoss(level_moments(rows), fit(rows))
    for value in (np.nan, np.inf, 1e300):
        for at in ((np.full(8, value), 0.0), (np.zeros(8), value)):
            assert loss.convergence(*at)["gap"] is None
            assert loss.mean_squared_error(*at) is None


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("sizes", LAYOUTS)
def test_z_scores_are_those_of_all_columns(
    sizes: tuple[int, ...], weighted: bool, intercept: bool
) -> None:
    """Measured: 3e-16."""
    rows = drawn(300, *sizes, weighted=weighted)
    found = z_score_scaling(level_moments(rows), intercept)
    w = np.ones(300) if rows.w is None else rows.w
    X, y = rows.array, rows.y
    x_mean = np.average(X, axis=0, weights=w) if intercept else 0 * X[0]
    y_mean = np.average(y, weights=w) if intercept else 0.0
    x_scale = np.sqrt(np.average((X - x_mean) ** 2, axis=0, weights=w))
    np.testing.assert_allclose(found.x_mean, x_mean, rtol=1e-13)
    np.testing.assert_allclose(found.x_scale, x_scale, rtol=1e-13)
    assert found.y_mean == pytest.approx(y_mean, rel=1e-13)
    assert found.y_scale == pytest.approx(np.sqrt(np.average((y - y_mean) ** 2, weights=w)))
    expected = z_score_scaling(dense_moments(rows), intercept)
    np.testing.assert_allclose(found.x_scale, expected.x_scale, rtol=1e-15)


def test_the_indicator_of_a_level_without_rows_keeps_its_unit() -> None:
    rows = drawn(200, 1, 7)
    rows.X.codes[0][rows.X.codes[0] == 3] = -1
    scaling = z_score_scaling(level_moments(rows), intercept=True)
    assert (scaling.x_mean[4], scaling.x_scale[4]) == (0.0, 1.0)
