"""Σ w(y − ỹ)² of any coefficients from moments, against fractions."""

from fractions import Fraction

import numpy as np
import pytest

from linreg.arrays import Floats
from linreg.fit.cross_validation.held_out_error import squared_error, total_sum_of_squares
from linreg.fit.exact.moment_sums.moments import Moments
from tests.fit.exact.compact_rows import dense_moments, drawn, fit, level_moments

RANDOM = np.random.default_rng(2)


def moments_of(X: Floats, y: Floats, w: Floats | None = None) -> Moments:
    moments = Moments.zero(X.shape[1])
    moments.add(X, y, w)
    return moments


def exactly(X: Floats, y: Floats, theta: Floats, b: float, w: Floats | None = None) -> Fraction:
    total = Fraction(0)
    weights = [1.0] * len(y) if w is None else w.tolist()
    for row, target, weight in zip(X.tolist(), y.tolist(), weights, strict=True):
        products = (Fraction(x) * Fraction(t) for x, t in zip(row, theta.tolist(), strict=True))
        residual = Fraction(target) - Fraction(b) - sum(products, Fraction(0))
        total += Fraction(weight) * residual * residual
    return total


def test_it_is_exact_for_integers() -> None:
    X = RANDOM.integers(-1000, 1000, (200, 3)).astype(float)
    y = RANDOM.integers(-(10**6), 10**6, 200).astype(float)
    w = RANDOM.integers(0, 5, 200).astype(float)
    theta, b = np.array([0.1, -1e-7, 3e5]), 1 / 3
    moments = moments_of(X, y, w)
    found = squared_error(moments, theta, b)
    assert found.rss == exactly(X, y, theta, b, w)
    assert found.weight == int(w.sum())
    mean = Fraction(int((w * y).sum()), int(w.sum()))
    tss = sum(Fraction(a) * (Fraction(t) - mean) ** 2 for a, t in zip(w, y, strict=True))
    assert total_sum_of_squares(moments) == tss


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e7])
def test_columns_far_from_zero_cost_no_digit_of_a_residual(offset: float) -> None:
    """Measured: 2e-17 at an offset of 1e7, whose squares are 1e16 times those of the residuals."""
    X = offset + RANDOM.normal(size=(300, 2))
    y = X @ [2.0, -3.0] + RANDOM.normal(size=300)
    theta, b = np.array([2.001, -2.999]), -0.002 * offset
    found = squared_error(moments_of(X, y), theta, b)
    expected = exactly(X, y, theta, b)
    assert abs(found.rss / expected - 1) < 1e-15
    assert abs(found.rss - expected) <= found.bound


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("sizes", [(12,), (1, 12, 1), (5, 1, 12)])
def test_levels_have_the_error_of_their_columns(sizes: tuple[int, ...], weighted: bool) -> None:
    solution = fit(drawn(300, *sizes))
    rows = drawn(80, *sizes, weighted=weighted, seed=9)
    coefficients = (solution.theta, solution.b)
    of_levels, of_columns = level_moments(rows), dense_moments(rows)
    found = squared_error(of_levels, *coefficients)
    expected = exactly(rows.array, rows.y, *coefficients, rows.w)
    assert abs(found.rss - expected) <= found.bound
    assert abs(found.rss / expected - 1) < 1e-25
    assert found.weight == squared_error(of_columns, *coefficients).weight
    assert total_sum_of_squares(of_levels) == total_sum_of_squares(of_columns)


def test_a_constant_target_has_no_total_sum_of_squares() -> None:
    X = RANDOM.normal(size=(30, 1))
    w = RANDOM.uniform(size=30)
    assert total_sum_of_squares(moments_of(X, np.full(30, 0.1), w)) == 0
    nearly = np.full(30, 0.1)
    nearly[0] = np.nextafter(0.1, 1)
    assert total_sum_of_squares(moments_of(X, nearly, w)) == 0
    nearly[0] += 1e-14
    assert total_sum_of_squares(moments_of(X, nearly, w)) > 0


def test_a_perfect_prediction_is_told_from_rounding() -> None:
    x = np.arange(50.0)[:, None]
    assert squared_error(moments_of(x, 3 * x[:, 0] + 1), np.array([3.0]), 1.0).rss == 0
    z = RANDOM.normal(size=(50, 1))
    moments = moments_of(z, z[:, 0] / 7)
    found = squared_error(moments, np.array([1 / 7]), 0.0)
    assert not found.is_known
    assert found.bound < Fraction(1, 10**28) * total_sum_of_squares(moments)
