import math
from fractions import Fraction

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from linreg.fit.exact.least_squares import LeastSquares, solve
from linreg.fit.exact.moments import Moments
from linreg.fit.exact.quadratic_loss import QuadraticLoss
from linreg.process.torch_setup import torch

Floats = NDArray[np.float64]


def drawn(n: int = 60, num_features: int = 3, seed: int = 1) -> tuple[Floats, Floats, Floats]:
    """X, y and weights, some of which are 0; the columns have scales from 0.01 to 1000 and means
    other than 0.
    """
    random = np.random.default_rng(seed)
    scales = 10.0 ** random.integers(-2, 4, num_features)
    X = (random.standard_normal((n, num_features)) + random.integers(-2, 3, num_features)) * scales
    y = 2.0 + X @ (random.standard_normal(num_features) / scales) + random.standard_normal(n)
    w = random.uniform(0.1, 3.0, n)
    w[::7] = 0.0
    return X, y, w


def known(
    X: Floats, y: Floats, w: Floats | None = None, intercept: bool = True, l2: float = 0.0
) -> tuple[LeastSquares, QuadraticLoss]:
    moments = Moments.zero(X.shape[1])
    moments.add(X, y, w)
    exact = solve(moments, [f"x{j}" for j in range(1, X.shape[1] + 1)], intercept, l2)
    return exact, QuadraticLoss(moments, exact)


def loss(
    X: Floats, y: Floats, w: Floats | None, theta: list[Fraction], b: Fraction, l2: float
) -> Fraction:
    """(1/n) Σ w (y − ỹ)² + l2·‖θ‖², exactly."""
    weights = [1.0] * len(y) if w is None else w.tolist()
    total = Fraction(0)
    for row, target, weight in zip(X.tolist(), y.tolist(), weights, strict=True):
        error = (
            Fraction(target)
            - b
            - sum((Fraction(x) * t for x, t in zip(row, theta, strict=True)), Fraction(0))
        )
        total += Fraction(weight) * error * error
    return total / len(y) + Fraction(l2) * sum((t * t for t in theta), Fraction(0))


def minimum(
    X: Floats, y: Floats, w: Floats | None, intercept: bool, l2: float
) -> tuple[list[Fraction], Fraction]:
    """θ* and b* by Gauss–Jordan elimination of the normal equations in fractions."""
    Z = [[*([Fraction(1)] if intercept else []), *map(Fraction, row)] for row in X.tolist()]
    t = [Fraction(v) for v in y.tolist()]
    weights = [Fraction(1)] * len(t) if w is None else [Fraction(v) for v in w.tolist()]
    p = len(Z[0])
    rows = []
    for i in range(p):
        row = [
            sum((v * z[i] * z[j] for v, z in zip(weights, Z, strict=True)), Fraction(0))
            for j in range(p)
        ]
        row[i] += len(t) * Fraction(l2) if i >= intercept else 0
        rows.append(
            [*row, sum((v * z[i] * s for v, z, s in zip(weights, Z, t, strict=True)), Fraction(0))]
        )
    for i in range(p):
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for k in range(p):
            if k != i:
                rows[k] = [a - rows[k][i] * b for a, b in zip(rows[k], rows[i], strict=True)]
    solution = [row[-1] for row in rows]
    return (solution[1:], solution[0]) if intercept else (solution, Fraction(0))


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
    exact, gap = known(X, y, weights, intercept, l2)
    theta_star, b_star = minimum(X, y, weights, intercept, l2)
    least = loss(X, y, weights, theta_star, b_star, l2)
    random = np.random.default_rng(5)
    for _ in range(3):
        theta = exact.theta + step * random.standard_normal(3) / np.abs(X).max(axis=0)
        b = exact.b + step * float(random.standard_normal()) if intercept else 0.0
        found = gap.convergence(theta, b)["gap"]
        expected = (
            loss(X, y, weights, [Fraction(t) for t in theta.tolist()], Fraction(b), l2) / least - 1
        )
        assert found is not None
        assert found == pytest.approx(float(expected), rel=2e-13, abs=1e-25)


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
    """What the rounding of θ* and b* to float64 leaves is subtracted too. Measured: 1e-31 and
    less.
    """
    X, y, w = drawn(30, num_features, seed)
    exact, gap = known(X, y, w if weighted else None, intercept, l2)
    at_minimum = gap.convergence(exact.theta, exact.b)["gap"]
    assert at_minimum is not None
    assert 0 <= at_minimum < 1e-27
    for j in range(num_features):
        moved = exact.theta.copy()
        moved[j] = math.nextafter(moved[j], math.inf)
        beside = gap.convergence(moved, exact.b)["gap"]
        assert beside is not None
        assert beside >= 0
        moved[j] += 0.01 * abs(moved[j])
        farther = gap.convergence(moved, exact.b)["gap"]
        assert farther is not None
        assert farther > at_minimum


@pytest.mark.parametrize("l2", [0.0, 0.25])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
def test_the_gradient_norm_is_that_of_autograd(intercept: bool, weighted: bool, l2: float) -> None:
    """The loss as anybody would write it in torch, in float64. Measured: 3e-15."""
    X, y, w = drawn()
    exact, gap = known(X, y, w if weighted else None, intercept, l2)
    random = np.random.default_rng(6)
    theta = exact.theta + random.standard_normal(3) / np.abs(X).max(axis=0)
    b = exact.b + 0.3 if intercept else 0.0
    leaf = torch.tensor(theta, requires_grad=True)
    bias = torch.tensor(b, dtype=torch.double, requires_grad=True)
    errors = torch.from_numpy(y) - torch.from_numpy(X) @ leaf - bias
    weights = torch.from_numpy(w if weighted else np.ones(len(y)))
    value = (weights * errors**2).mean() + l2 * (leaf**2).sum()
    slopes = torch.autograd.grad(value, [leaf, bias] if intercept else [leaf])
    expected = math.sqrt(sum(float((slope**2).sum()) for slope in slopes))
    # Without intercept the derivative by b, which is no coefficient then, is no part of the
    # gradient.
    assert gap.convergence(theta, b)["gradient_norm"] == pytest.approx(expected, rel=1e-13)
    at_minimum = gap.convergence(exact.theta, exact.b)["gradient_norm"]
    assert at_minimum is not None
    assert at_minimum < 1e-14 * expected


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
def test_the_distance_is_in_the_standard_errors_of_statsmodels(
    intercept: bool, weighted: bool
) -> None:
    """Measured: 2e-15. statsmodels counts rows of weight 0 as rows, so they are left out of what it
    is given.
    """
    X, y, w = drawn()
    exact, gap = known(X, y, w if weighted else None, intercept)
    rows = w > 0 if weighted else np.ones(len(y), bool)
    design = sm.add_constant(X) if intercept else X
    theirs = sm.WLS(y[rows], design[rows], weights=w[rows] if weighted else 1.0).fit()
    steps = np.random.default_rng(7).standard_normal(len(theirs.bse))
    moved = theirs.params + steps * theirs.bse
    theta, b = (moved[1:], float(moved[0])) if intercept else (moved, 0.0)
    assert gap.convergence(theta, b)["distance"] == pytest.approx(
        float(np.linalg.norm(steps)), rel=1e-12
    )
    one = exact.theta.copy()
    one[1] += 3 * theirs.bse[1 + intercept]
    assert gap.convergence(one, exact.b)["distance"] == pytest.approx(3, rel=1e-12)
    assert gap.convergence(exact.theta, exact.b)["distance"] == pytest.approx(0, abs=1e-14)


def test_a_ridge_has_a_gap_and_no_distance() -> None:
    X, y, _ = drawn()
    _, gap = known(X, y, l2=0.5)
    found = gap.convergence(np.zeros(3), 0.0)
    assert found["distance"] is None
    assert found["gap"] is not None
    assert found["gap"] > 0


def test_a_perfect_fit_has_no_gap_and_no_distance_but_a_gradient() -> None:
    X = np.arange(12.0).reshape(6, 2) ** 2
    y = 3 + X @ [2.0, -1.0]
    exact, gap = known(X, y)
    assert exact.theta.tolist() == [2, -1]
    found = gap.convergence(np.array([2.5, -1.0]), 3.0)
    assert (found["gap"], found["distance"]) == (None, None)
    expected = 2 * np.linalg.norm(np.column_stack([np.ones(6), X]).T @ (0.5 * X[:, 0]) / 6)
    assert found["gradient_norm"] == pytest.approx(float(expected), rel=1e-14)
    assert gap.convergence(exact.theta, exact.b) == {
        "gap": None,
        "distance": None,
        "gradient_norm": 0,
    }


def test_as_many_rows_as_coefficients_fit_perfectly() -> None:
    X, y, _ = drawn(4, 3)
    _, gap = known(X, y)
    assert gap.convergence(np.zeros(3), 0.0)["gap"] is None


def test_a_constant_alone_is_as_far_as_its_mean() -> None:
    y = np.random.default_rng(1).normal(5, 2, 50)
    _, gap = known(np.empty((50, 0)), y)
    found = gap.convergence(np.empty(0), 6.0)
    assert found["gap"] == pytest.approx((6 - y.mean()) ** 2 / y.var(), rel=1e-12)
    assert found["distance"] == pytest.approx(
        abs(6 - y.mean()) / (y.std(ddof=1) / math.sqrt(50)), rel=1e-12
    )
    assert found["gradient_norm"] == pytest.approx(2 * abs(6 - y.mean()), rel=1e-12)


@pytest.mark.parametrize(
    "size", [1e153, 1e154, 3e154, 1e155, 1e160, 1e200, 1e300, 1.7e308, math.inf, math.nan]
)
@pytest.mark.parametrize("signs", [(1, 1, 1, 1), (-1, 1, -1, 1), (1, -1, -1, -1), (0, 1, -1, 1)])
def test_a_theta_too_large_for_float64_gives_none_and_no_warning(
    size: float, signs: tuple[int, ...]
) -> None:
    """Steps that diverge end here: their loss is nearly 1e308, the squares of θ and b are beyond it
    or not.
    """
    random = np.random.default_rng(2)
    X = random.standard_normal((50, 3))
    X[:, 1] += 3 * X[:, 0]  # correlated, so that the sums have terms of both signs
    y = X @ [1.0, 2.0, 3.0] + random.standard_normal(50)
    exact, gap = known(X, y)
    with np.errstate(invalid="ignore"):
        moved = size * np.array(signs, float)
    found = gap.convergence(moved[1:], float(moved[0]))
    d = [Fraction(v) if math.isfinite(v) else None for v in moved.tolist()]
    if None in d:
        assert found == {"gap": None, "distance": None, "gradient_norm": None}
        return
    theta = [value for value in d[1:] if value is not None]
    b = d[0] or Fraction(0)
    least = loss(X, y, None, [Fraction(t) for t in exact.theta.tolist()], Fraction(exact.b), 0.0)
    relative = loss(X, y, None, theta, b, 0.0) / least - 1
    if relative < Fraction(10) ** 306:
        assert found["gap"] == pytest.approx(float(relative), rel=1e-12)
    elif relative > Fraction(10) ** 309:
        assert found["gap"] is None
    else:
        assert found["gap"] is None or math.isfinite(found["gap"])


def test_theta_at_the_two_ends_of_float64_is_no_warning() -> None:
    y = np.array([-1e308, -1.1e308, -0.9e308, -1e308])
    X = np.array([[0.0], [1.0], [3.0], [2.0]])
    _, gap = known(X, y)
    assert gap.convergence(np.array([1.0]), 1.7e308)["gap"] is None


@pytest.mark.parametrize("spread", [1.0, 1000.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_column_far_from_0_costs_no_digit_of_gap_and_loss(spread: float, weighted: bool) -> None:
    """A time in seconds, 1.7e9 and a little. Measured: 2e-15 against exact fractions."""
    random = np.random.default_rng(4)
    X = 1.7e9 + spread * random.standard_normal((50, 1))
    y = 3.0 + 0.5 * (X[:, 0] - 1.7e9) + 0.1 * random.standard_normal(50)
    w = random.uniform(0.5, 2.0, 50) if weighted else None
    exact, gap = known(X, y, w)
    theta, b = exact.theta * (1 + 1e-3), exact.b - exact.theta[0] * 1e-3 * 1.7e9
    expected = loss(X, y, w, [Fraction(float(theta[0]))], Fraction(b), 0.0)
    least = loss(X, y, w, *minimum(X, y, w, True, 0.0), 0.0)
    assert gap.mean_squared_error(theta, b) == pytest.approx(float(expected), rel=1e-13)
    assert gap.convergence(theta, b)["gap"] == pytest.approx(float(expected / least - 1), rel=1e-6)
