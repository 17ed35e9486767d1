import math
import operator
from fractions import Fraction

import numpy as np
import pytest

from linreg.arrays import Floats
from linreg.fit.exact.least_squares import LeastSquares
from tests.fit.exact.fits import exact_loss, exact_minimum, fit, rss_of


def ill_conditioned(num_rows: int, num_columns: int, smallest: float) -> tuple[Floats, Floats]:
    """Columns whose singular values fall from 1 to the smallest, and a noisy target."""
    random = np.random.default_rng(1)
    U, _ = np.linalg.qr(random.normal(size=(num_rows, num_columns)))
    V, _ = np.linalg.qr(random.normal(size=(num_columns, num_columns)))
    X = U * np.geomspace(1, smallest, num_columns) @ V.T
    return X, X.sum(axis=1) + 0.1 * random.normal(size=num_rows)


def largest_error(found: LeastSquares, theta: list[Fraction], b: Fraction) -> float:
    """Of the coefficients, relative to those in fractions."""
    pairs = zip([found.b, *found.theta.tolist()], [b, *theta], strict=True)
    return float(max(abs(Fraction(ours) / exact - 1) for ours, exact in pairs if exact))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
def test_a_second_pass_brings_back_the_digits_that_the_first_one_loses(
    intercept: bool, weighted: bool
) -> None:
    """Measured: 6e-8 to 2e-11 after one pass, 2e-16 after two."""
    X, y = ill_conditioned(60, 5, 1e-13)
    w = np.random.default_rng(2).uniform(0.1, 3, 60) if weighted else None
    theta, b = exact_minimum(X, y, w, intercept)
    first, found = (fit(X, y, w, intercept, passes=passes) for passes in (1, 2))
    assert first.digits < 8 < 14 <= found.digits
    assert largest_error(first, theta, b) > 1e-13
    assert largest_error(found, theta, b) < 1e-14
    rss = 60 * exact_loss(X, y, w, theta, b)
    assert rss_of(found) == pytest.approx(float(rss), rel=1e-14, abs=0)
    for j in range(5):
        # The variance of θⱼ is σ² by what the other columns do not explain of column j.
        others = np.delete(X, j, axis=1)
        unexplained = exact_loss(others, X[:, j], w, *exact_minimum(others, X[:, j], w, intercept))
        error = math.sqrt(rss / found.df / (60 * unexplained))
        assert found.standard_errors[1 + j] == pytest.approx(error, rel=1e-13, abs=0)


@pytest.mark.slow
def test_130_columns_with_singular_values_down_to_1e_12_keep_their_digits() -> None:
    """What is left of the gradient, in fractions, would move no coefficient by 1e-12 of it."""
    X, y = ill_conditioned(200, 130, 1e-12)
    first, found = (fit(X, y, intercept=False, passes=passes) for passes in (1, 2))
    assert first.digits < 8
    assert found.digits >= 12
    theta = [
        Fraction(high) + Fraction(low)
        for high, low in zip(found.theta.tolist(), found.remainders[1:].tolist(), strict=True)
    ]
    rows = [list(map(Fraction, row)) for row in X.tolist()]
    residuals = [
        Fraction(target) - sum(map(operator.mul, row, theta), Fraction(0))
        for row, target in zip(rows, y.tolist(), strict=True)
    ]
    gradient = [
        float(sum(map(operator.mul, column, residuals), Fraction(0)))
        for column in zip(*rows, strict=True)
    ]
    distance = np.abs(found.unscaled_covariance(range(1, len(found.kept))) @ gradient)
    assert (distance < 1e-12 * np.maximum(np.abs(found.theta), found.standard_errors[1:])).all()
    rss = sum((value * value for value in residuals), Fraction(0))
    assert rss_of(found) == pytest.approx(float(rss), rel=1e-12, abs=0)


def with_rounding(num_rows: int = 50) -> tuple[Floats, Floats]:
    """A target that is computed from the features in float64."""
    X = np.random.default_rng(3).normal(size=(num_rows, 2))
    return X, 1.5 + X[:, 0] / 3 - 0.7 * X[:, 1]


def is_perfect(found: LeastSquares) -> bool:
    return found.rss == 0 and found.sigma == 0


def test_a_fit_is_perfect_if_rounding_explains_every_residual() -> None:
    assert is_perfect(fit(*with_rounding()))
    X, y = with_rounding()
    assert is_perfect(fit(X.astype(np.float32).astype(float), y)) is False
    assert is_perfect(
        fit(
            X.astype(np.float32).astype(float),
            y.astype(np.float32).astype(float),
            roundoffs=np.full(3, 2.0**-24),
        )
    )


def test_integers_are_explained_by_no_rounding() -> None:
    X = np.arange(40.0)[:, None]
    y = 3 * X[:, 0] + 7
    assert is_perfect(fit(X, y))
    y[17] += 1
    assert rss_of(fit(X + 2.0**50, y + 2.0**50)) > 0.9


def test_one_residual_beyond_its_rounding_leaves_the_noise_unknown() -> None:
    """2e-7 in a row near 0 is hidden in the sum, by the rounding of 199 rows of 1e8."""
    X, _ = with_rounding(200)
    X *= 1e8
    X[0] = 1e-8
    y = 1.5 + X[:, 0] / 3 - 0.7 * X[:, 1]
    y[0] += 2e-7
    found = fit(X, y)
    assert found.rss is None
    assert found.sigma is None
    assert np.isnan(found.standard_errors).all()
    assert found.rss_bound < 1e-10


def test_weights_of_1e_100_and_1e100_leave_the_noise_unknown() -> None:
    """Three rows outweigh all others, and pass through them."""
    X, y = ill_conditioned(40, 2, 0.5)
    w = np.full(40, 1e-100)
    w[:3] = 1e100
    found = fit(X, y, w)
    assert found.rss is None
    assert np.isnan(found.standard_errors).all()


def test_a_target_of_zeros_is_a_perfect_fit() -> None:
    X, _ = with_rounding()
    found = fit(X, np.zeros(len(X)))
    assert is_perfect(found)
    assert found.digits == 15


def test_a_fit_without_columns_has_no_coefficients_and_all_digits() -> None:
    found = fit(np.empty((4, 0)), np.array([1.0, 2.0, 3.0, 4.0]), intercept=False)
    assert (found.rank, found.digits, rss_of(found)) == (0, 15, 30.0)
    assert is_perfect(fit(np.empty((4, 0)), np.zeros(4), intercept=False))


@pytest.mark.parametrize("num_features", [3, 6, 9])
@pytest.mark.parametrize("weighted", [False, True])
def test_coefficients_of_a_perfect_fit_have_their_digits(weighted: bool, num_features: int) -> None:
    """The error of residuals that are 0 is no part of them."""
    random = np.random.default_rng(1)
    X = np.rint(8 * random.normal(size=(300, num_features)))
    w = random.uniform(0.1, 3.0, 300) if weighted else None
    for y in (3 + X @ np.arange(1.0, num_features + 1), np.full(300, 3.1), 2 * X[:, 0]):
        found = fit(X, y, w)
        assert is_perfect(found)
        assert found.digits >= 13
