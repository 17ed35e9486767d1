import math
from fractions import Fraction
from types import ModuleType

import numpy as np
import pytest

from linreg.fit.exact.double_double import projection_kernels, projection_numpy
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.projection import WELL_CONDITIONED, leverages
from tests.evaluation.noisy_rows import Floats, drawn
from tests.fit.exact.fits import fit

both_implementations = pytest.mark.parametrize("passes", [projection_numpy, projection_kernels])


def scaled_rows(solution: LeastSquares, X: Floats) -> list[list[Fraction]]:
    """The rows of [1 X] / 2^exponents."""
    exponents = solution.exponents[:-1].tolist()
    return [
        [Fraction(x) / Fraction(2) ** e for x, e in zip([1.0, *row], exponents, strict=True)]
        for row in X.tolist()
    ]


@both_implementations
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("size", [1.0, 2.0**600])
def test_projections_have_all_digits_of_the_exact_ones(
    passes: ModuleType, intercept: bool, size: float
) -> None:
    """q = Wᵀx cancels 10 digits here, of nearly collinear columns. Measured: 1e-16."""
    X, y, _ = drawn(140)
    X[:, 1] = X[:, 0] + 1e-5 * X[:, 1]
    X *= size
    solution = fit(X, y, intercept=intercept)
    q, a = np.empty((4, 140)), np.zeros((4, 140))
    passes.project(X, solution.exponents, solution.inverse_cholesky, solution.kept, q, a)
    W = [
        [Fraction(high) + Fraction(low) for high, low in zip(highs, lows, strict=True)]
        for highs, lows in zip(*solution.inverse_cholesky.tolist(), strict=True)
    ]
    kept = np.flatnonzero(solution.kept).tolist()
    for row, of_row in enumerate(scaled_rows(solution, X)):
        exact_q = [sum((of_row[i] * W[i][j] for i in kept), Fraction(0)) for j in range(4)]
        for j in range(4):
            assert q[j, row] == pytest.approx(float(exact_q[j]), rel=1e-15, abs=1e-25)
            exact_a = sum((W[j][k] * exact_q[k] for k in kept), Fraction(0))
            size_of_a = sum((abs(W[j][k] * exact_q[k]) for k in kept), Fraction(0))
            assert abs(Fraction(a[j, row]) - exact_a) <= size_of_a * Fraction(1e-15)
    assert intercept or (q[0] == 0).all()


@both_implementations
def test_residuals_have_all_digits_of_the_exact_ones(passes: ModuleType) -> None:
    """Those of a fit that leaves 1e-12 of the target. Measured: 1e-16."""
    X, y, _ = drawn(140)
    # Another power of two for each column.
    X *= [1e3, 1e-3, 1e6]
    y = X @ [1e-3, 2e3, -1e-6] + 1e-12 * y
    solution = fit(X, y)
    units = solution.exponents[:-1] - solution.exponents[-1]
    rounded = np.array([solution.b, *solution.theta])
    coefficients = np.ldexp(np.stack([rounded, solution.remainders]), units)
    found = np.empty(140)
    passes.residuals(X, y, solution.exponents, coefficients, found)
    for row, target, residual in zip(X.tolist(), y.tolist(), found.tolist(), strict=True):
        exact = Fraction(target)
        for x, high, low in zip([1.0, *row], rounded.tolist(), solution.remainders, strict=True):
            exact -= Fraction(x) * (Fraction(high) + Fraction(float(low)))
        exact /= Fraction(2) ** int(solution.exponents[-1])
        assert residual == pytest.approx(float(exact), rel=1e-14, abs=0)


def test_leverages_are_exact_for_nearly_collinear_columns() -> None:
    # The sum of all leverages is the number of coefficients; float64 throughout would lose 9 of the
    # digits.
    x = np.linspace(-8.8, -3.1, 82)
    X = np.column_stack([x**k for k in range(1, 11)])
    of_rows = leverages(fit(X, np.sin(x)), X)
    assert math.fsum(of_rows) == pytest.approx(11, abs=1e-12)
    assert of_rows.max() < 1


@pytest.mark.parametrize("num_rows", [0, 1, 8191, 8192, 8193, 20_000])
def test_leverages_of_any_number_of_new_rows(num_rows: int) -> None:
    """One column: 1/n + (x − x̄)² / Σ(x − x̄)²."""
    x = np.random.default_rng(1).normal(size=30)
    new = np.random.default_rng(2).normal(5, 3, num_rows)
    expected = 1 / 30 + (new - x.mean()) ** 2 / np.square(x - x.mean()).sum()
    found = leverages(fit(x[:, None], np.sin(x)), new[:, None])
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def conditioned(condition: float, weighted: bool) -> tuple[LeastSquares, Floats, Floats]:
    """A solution of many columns with about that condition of the Gram matrix, X, and weights."""
    random = np.random.default_rng(3)
    X = random.normal(size=(300, 130)) * 10.0 ** random.integers(-6, 6, 130)
    # Of the whole size of the first column, but for a part.
    X[:, 1] = X[:, 0] * (1 + random.normal(size=300) / np.sqrt(condition) * 8)
    w = random.uniform(0.1, 3.0, 300) if weighted else None
    solution = fit(X, random.normal(size=300), w, passes=1)
    return solution, X, np.ones(300) if w is None else w


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("condition", [1e3, 1e6, 1e9])
def test_leverages_of_many_columns_lose_half_of_the_digits_of_the_condition(
    condition: float, weighted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those in float64 against those in double-double. Measured: 8e-14 for a condition of 7e8."""
    solution, X, w = conditioned(condition, weighted)
    assert solution.condition is not None
    assert condition / 10 < solution.condition < WELL_CONDITIONED
    found = leverages(solution, X)
    monkeypatch.setattr("linreg.fit.exact.projection.WELL_CONDITIONED", 0.0)
    expected = leverages(solution, X)
    assert (found != expected).any()
    np.testing.assert_allclose(found, expected, rtol=1e-16 * math.sqrt(solution.condition))
    assert (w * found).sum() == pytest.approx(131, rel=1e-12)


def test_leverages_of_ill_conditioned_columns_are_computed_in_double_double() -> None:
    solution, X, _ = conditioned(1e14, weighted=False)
    assert solution.condition is not None
    assert solution.condition > WELL_CONDITIONED
    assert leverages(solution, X).sum() == pytest.approx(131, rel=1e-13)
    # One by one as all together.
    np.testing.assert_array_equal(leverages(solution, X[7:9]), leverages(solution, X)[7:9])


def test_rows_are_projected_one_by_one() -> None:
    """However many of them there are."""
    solution, X, _ = conditioned(1e3, weighted=False)
    expected = leverages(solution, X)
    for rows in (slice(0), slice(7, 8), slice(3, 300, 7)):
        np.testing.assert_array_equal(leverages(solution, X[rows]), expected[rows])
