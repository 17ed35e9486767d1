import math
from fractions import Fraction

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.quadratic_loss import QuadraticLoss
from linreg.process.torch_setup import torch
from tests.fit.exact.fits import Floats, exact_loss, exact_minimum, fit, moments_of


def drawn(n: int = 60, num_features: int = 3, seed: int = 1) -> tuple[Floats, Floats, Floats]:
    """X with columns of very different scales and means, y, and weights, some of which are 0."""
    random = np.random.default_rng(seed)
    scales = 10.0 ** random.integers(-2, 4, num_features)
    X = (random.standard_normal((n, num_features)) + random.integers(-2, 3, num_features)) * scales
    y = 2.0 + X @ (random.standard_normal(num_features) / scales) + random.standard_normal(n)
    w = random.uniform(0.1, 3.0, n)
    w[::7] = 0.0
    return X, y, w


def fitted(
    X: Floats, y: Floats, w: Floats | None = None, intercept: bool = True, l2: float = 0.0
) -> tuple[LeastSquares, QuadraticLoss]:
    solution = fit(X, y, w, intercept, l2=l2)
    return solution, QuadraticLoss(moments_of(X, y, w), solution)


@pytest.mark.parametrize("l2", [0.0, 0.25])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("step", [1e-6, 1e-3, 1.0, 1e3])
def test_the_gap_is_the_relative_excess_of_the_loss_over_its_minimum(
    intercept: bool, weighted: bool, l2: float, step: float
) -> None:
    """Against exact fractions. Measured: 2e-14 of the gap at most, for gaps from 1e-14 to 1e6."""
    X, y, w = drawn()
    weights = w if weighted else None
    solution, loss = fitted(X, y, weights, intercept, l2)
    theta_star, b_star = exact_minimum(X, y, weights, intercept, l2)
    least = exact_loss(X, y, weights, theta_star, b_star, l2)
    random = np.random.default_rng(5)
    for _ in range(3):
        theta = solution.theta + step * random.standard_normal(3) / np.abs(X).max(axis=0)
        b = solution.b + step * float(random.standard_normal()) if intercept else 0.0
        found = loss.convergence(theta, b)["gap"]
        expected = (
            exact_loss(X, y, weights, [Fraction(t) for t in theta.tolist()], Fraction(b), l2)
            / least
            - 1
        )
        assert found is not None
        assert found == pytest.approx(float(expected), rel=2e-13, abs=1e-25)


@pytest.mark.parametrize("l2", [0.0, 1e-30])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("difference", [1e-4, 1e-7, 1e-10])
def test_the_gap_is_exact_where_large_coefficients_of_like_columns_cancel(
    difference: float, intercept: bool, l2: float
) -> None:
    """Against exact fractions. Of float64 products no digit would be left for 1e-10."""
    random = np.random.default_rng(3)
    X, y, _ = drawn()
    X[:, 1] = X[:, 0] * (1 + difference * random.standard_normal(len(X)))
    solution, loss = fitted(X, y, None, intercept, l2)
    theta_star, b_star = exact_minimum(X, y, None, intercept, l2)
    least = exact_loss(X, y, None, theta_star, b_star, l2)
    far = 0.05 / difference / np.abs(X[:, 0]).max()
    theta = solution.theta + np.array([far, -far, 0.0])
    at = [Fraction(t) for t in theta.tolist()]
    expected = exact_loss(X, y, None, at, Fraction(solution.b), l2) / least - 1
    found = loss.convergence(theta, solution.b)
    assert found["gap"] == pytest.approx(float(expected), rel=1e-9)
    mse = exact_loss(X, y, None, at, Fraction(solution.b), 0.0)
    assert loss.mean_squared_error(theta, solution.b) == pytest.approx(float(mse), rel=1e-9)


@given(
    st.integers(1, 4),
    st.integers(0, 10**6),
    st.sampled_from([0.0, 0.01, 2.0]),
    st.booleans(),
    st.booleans(),
)
def test_the_gap_is_never_negative_and_0_at_the_minimum(
    num_features: int, seed: int, l2: float, intercept: bool, weighted: bool
) -> None:
    """The rounding of θ* and b* to float64 does not count. Measured: 1e-31 and less."""
    X, y, w = drawn(30, num_features, seed)
    solution, loss = fitted(X, y, w if weighted else None, intercept, l2)
    at_minimum = loss.convergence(solution.theta, solution.b)["gap"]
    assert at_minimum is not None
    assert 0 <= at_minimum < 1e-27
    for j in range(num_features):
        moved = solution.theta.copy()
        moved[j] = math.nextafter(moved[j], math.inf)
        neighbor = loss.convergence(moved, solution.b)["gap"]
        assert neighbor is not None
        assert neighbor >= 0
        moved[j] += 0.01 * abs(moved[j])
        farther = loss.convergence(moved, solution.b)["gap"]
        assert farther is not None
        assert farther > at_minimum


@pytest.mark.parametrize("l2", [0.0, 0.25])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
def test_the_gradient_norm_is_that_of_autograd(intercept: bool, weighted: bool, l2: float) -> None:
    """The loss as a user of torch would write it, in float64. Measured: 3e-15."""
    X, y, w = drawn()
    solution, loss = fitted(X, y, w if weighted else None, intercept, l2)
    random = np.random.default_rng(6)
    theta = solution.theta + random.standard_normal(3) / np.abs(X).max(axis=0)
    b = solution.b + 0.3 if intercept else 0.0
    leaf = torch.tensor(theta, requires_grad=True)
    bias = torch.tensor(b, dtype=torch.double, requires_grad=True)
    errors = torch.from_numpy(y) - torch.from_numpy(X) @ leaf - bias
    weights = torch.from_numpy(w if weighted else np.ones(len(y)))
    value = (weights * errors**2).mean() + l2 * (leaf**2).sum()
    slopes = torch.autograd.grad(value, [leaf, bias] if intercept else [leaf])
    expected = math.sqrt(sum(float((slope**2).sum()) for slope in slopes))
    # Without an intercept b is no coefficient, and the gradient has no entry for it.
    assert loss.convergence(theta, b)["gradient_norm"] == pytest.approx(expected, rel=1e-13, abs=0)
    at_minimum = loss.convergence(solution.theta, solution.b)["gradient_norm"]
    assert at_minimum is not None
    assert at_minimum < 1e-14 * expected


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
def test_the_distance_is_in_the_standard_errors_of_statsmodels(
    intercept: bool, weighted: bool
) -> None:
    """Measured: 2e-15. statsmodels counts rows of weight 0, so it gets the other rows only."""
    X, y, w = drawn()
    solution, loss = fitted(X, y, w if weighted else None, intercept)
    rows = w > 0 if weighted else np.ones(len(y), bool)
    design = sm.add_constant(X) if intercept else X
    theirs = sm.WLS(y[rows], design[rows], weights=w[rows] if weighted else 1.0).fit()
    steps = np.random.default_rng(7).standard_normal(len(theirs.bse))
    moved = theirs.params + steps * theirs.bse
    theta, b = (moved[1:], float(moved[0])) if intercept else (moved, 0.0)
    assert loss.convergence(theta, b)["distance"] == pytest.approx(
        float(np.linalg.norm(steps)), rel=1e-12, abs=0
    )
    one = solution.theta.copy()
    one[1] += 3 * theirs.bse[1 + intercept]
    assert loss.convergence(one, solution.b)["distance"] == pytest.approx(3, rel=1e-12, abs=0)
    assert loss.convergence(solution.theta, solution.b)["distance"] == pytest.approx(0, abs=1e-14)


def test_a_ridge_fit_has_a_gap_but_no_distance() -> None:
    X, y, _ = drawn()
    _, loss = fitted(X, y, l2=0.5)
    found = loss.convergence(np.zeros(3), 0.0)
    assert found["distance"] is None
    assert found["gap"] is not None
    assert found["gap"] > 0


def test_a_perfect_fit_has_no_gap_and_no_distance_but_a_gradient() -> None:
    X = np.arange(12.0).reshape(6, 2) ** 2
    y = 3 + X @ [2.0, -1.0]
    solution, loss = fitted(X, y)
    assert solution.theta.tolist() == [2, -1]
    found = loss.convergence(np.array([2.5, -1.0]), 3.0)
    assert (found["gap"], found["distance"]) == (None, None)
    expected = 2 * np.linalg.norm(np.column_stack([np.ones(6), X]).T @ (0.5 * X[:, 0]) / 6)
    assert found["gradient_norm"] == pytest.approx(float(expected), rel=1e-14, abs=0)
    assert loss.convergence(solution.theta, solution.b) == {
        "gap": None,
        "distance": None,
        "gradient_norm": 0,
    }


def test_as_many_rows_as_coefficients_fit_perfectly() -> None:
    X, y, _ = drawn(4, 3)
    _, loss = fitted(X, y)
    assert loss.convergence(np.zeros(3), 0.0)["gap"] is None


def test_for_the_intercept_alone_the_measures_are_elementary() -> None:
    y = np.random.default_rng(1).normal(5, 2, 50)
    _, loss = fitted(np.empty((50, 0)), y)
    found = loss.convergence(np.empty(0), 6.0)
    assert found["gap"] == pytest.approx((6 - y.mean()) ** 2 / y.var(), rel=1e-12, abs=0)
    assert found["distance"] == pytest.approx(
        abs(6 - y.mean()) / (y.std(ddof=1) / math.sqrt(50)), rel=1e-12, abs=0
    )
    assert found["gradient_norm"] == pytest.approx(2 * abs(6 - y.mean()), rel=1e-12, abs=0)


@pytest.mark.parametrize(
    "size", [1e153, 1e154, 3e154, 1e155, 1e160, 1e200, 1e300, 1.7e308, math.inf, math.nan]
)
@pytest.mark.parametrize("signs", [(1, 1, 1, 1), (-1, 1, -1, 1), (1, -1, -1, -1), (0, 1, -1, 1)])
def test_a_loss_beyond_float64_is_none_without_a_warning(
    size: float, signs: tuple[int, ...]
) -> None:
    """Steps that diverge end near 1e154, where the loss reaches the range of float64."""
    random = np.random.default_rng(2)
    X = random.standard_normal((50, 3))
    # Correlated, so that the sums have terms of both signs.
    X[:, 1] += 3 * X[:, 0]
    y = X @ [1.0, 2.0, 3.0] + random.standard_normal(50)
    solution, loss = fitted(X, y)
    with np.errstate(invalid="ignore"):
        moved = size * np.array(signs, float)
    found = loss.convergence(moved[1:], float(moved[0]))
    d = [Fraction(v) if math.isfinite(v) else None for v in moved.tolist()]
    if None in d:
        assert found == {"gap": None, "distance": None, "gradient_norm": None}
        return
    theta = [value for value in d[1:] if value is not None]
    b = d[0] or Fraction(0)
    least = exact_loss(
        X, y, None, [Fraction(t) for t in solution.theta.tolist()], Fraction(solution.b), 0.0
    )
    relative = exact_loss(X, y, None, theta, b, 0.0) / least - 1
    if relative < Fraction(10) ** 306:
        assert found["gap"] == pytest.approx(float(relative), rel=1e-12, abs=0)
    elif relative > Fraction(10) ** 309:
        assert found["gap"] is None
    else:
        assert found["gap"] is None or math.isfinite(found["gap"])


def test_a_difference_beyond_float64_is_none_without_a_warning() -> None:
    y = np.array([-1e308, -1.1e308, -0.9e308, -1e308])
    X = np.array([[0.0], [1.0], [3.0], [2.0]])
    _, loss = fitted(X, y)
    assert loss.convergence(np.array([1.0]), 1.7e308)["gap"] is None


@pytest.mark.parametrize("standard_deviation", [1.0, 1000.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_column_far_from_0_costs_no_digit_of_gap_and_loss(
    standard_deviation: float, weighted: bool
) -> None:
    """A time in seconds, 1.7e9 and a little. Measured: 2e-15 against exact fractions."""
    random = np.random.default_rng(4)
    X = 1.7e9 + standard_deviation * random.standard_normal((50, 1))
    y = 3.0 + 0.5 * (X[:, 0] - 1.7e9) + 0.1 * random.standard_normal(50)
    w = random.uniform(0.5, 2.0, 50) if weighted else None
    solution, loss = fitted(X, y, w)
    theta, b = solution.theta * (1 + 1e-3), solution.b - solution.theta[0] * 1e-3 * 1.7e9
    expected = exact_loss(X, y, w, [Fraction(float(theta[0]))], Fraction(b), 0.0)
    least = exact_loss(X, y, w, *exact_minimum(X, y, w, True, 0.0), 0.0)
    assert loss.mean_squared_error(theta, b) == pytest.approx(float(expected), rel=1e-13, abs=0)
    assert loss.convergence(theta, b)["gap"] == pytest.approx(
        float(expected / least - 1), rel=1e-6, abs=0
    )
