"""A second pass over rows of compact designs, against fractions and that over all columns."""

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import CompactMatrix
from linreg.evaluation.covariance.level_robust import LevelRobustStandardErrors
from linreg.evaluation.covariance.robust import RobustStandardErrors
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.projection import leverages
from tests.fit.exact.compact_rows import CompactRows, dense_fit, drawn, fit
from tests.fit.exact.fits import exact_loss, exact_minimum, rss_of

LAYOUTS = [(12, 1), (1, 12, 1), (5, 1, 12, 1), (12, 1, 12, 1, 3)]
layouts = pytest.mark.parametrize("sizes", LAYOUTS)
with_and_without_weights = pytest.mark.parametrize("weighted", [False, True])
with_and_without_intercept = pytest.mark.parametrize("intercept", [False, True])


def near_another(rows: CompactRows, noise: Floats) -> Floats:
    """A column that is nearly the one before it, or a function of the levels if there is none."""
    if rows.X.dense.shape[1] > 1:
        return rows.X.dense[:, 0] + 1e-12 * noise
    return rows.X.codes[0] + 1e-12 * noise


def far_from_0(rows: CompactRows, noise: Floats) -> Floats:
    return 1e14 + noise


def nearly_constant_within_levels(rows: CompactRows, noise: Floats) -> Floats:
    """A sum of a number for each level of every category, but for 1e-12."""
    return sum((np.sqrt(2.0 + codes) for codes in rows.X.codes), 1e-12 * noise)


ILL_CONDITIONED = [near_another, far_from_0, nearly_constant_within_levels]
Column = Callable[[CompactRows, Floats], Floats]
columns = pytest.mark.parametrize("column", ILL_CONDITIONED)


def ill_conditioned(
    column: Column, num_rows: int, *sizes: int, weighted: bool = False, full: bool = False
) -> CompactRows:
    """Rows whose last numeric column is replaced."""
    rows = drawn(num_rows, *sizes, weighted=weighted, full=full)
    dense = rows.X.dense.copy(order="F")
    dense[:, -1] = column(rows, np.random.default_rng(4).normal(size=num_rows))
    return rows.with_dense(dense)


def largest_error(found: LeastSquares, theta: list[Fraction], b: Fraction) -> float:
    """Of the coefficients, as a part of them or, if that is larger, of a standard error."""
    errors = [0.0]
    exact = zip([b, *theta], [found.b, *found.theta], found.standard_errors.tolist(), strict=True)
    for value, ours, standard_error in exact:
        if value:
            size = max(abs(float(value)), float(standard_error))
            errors.append(abs(float(Fraction(float(ours)) - value)) / size)
    return max(errors)


@pytest.mark.slow
@layouts
@columns
@with_and_without_weights
@with_and_without_intercept
def test_a_second_pass_brings_back_the_digits_that_the_first_one_loses(
    column: Column, sizes: tuple[int, ...], weighted: bool, intercept: bool
) -> None:
    """Measured: 4e-6 to 2e-9 after one pass, 3e-15 after two, as with all columns."""
    rows = ill_conditioned(column, 60, *sizes, weighted=weighted, full=not intercept)
    first, found = (fit(rows, intercept, passes=passes) for passes in (1, 2))
    expected = dense_fit(rows, intercept, passes=2)
    theta, b = exact_minimum(rows.array, rows.y, rows.w, intercept)
    assert first.digits < 8
    assert first.levels
    assert found.levels
    assert found.digits >= expected.digits == 14
    assert largest_error(first, theta, b) > 1e-12
    assert largest_error(found, theta, b) < 1e-14
    assert found.b + found.remainders[0] == pytest.approx(float(b), rel=1e-14)
    rss = 60 * exact_loss(rows.array, rows.y, rows.w, theta, b)
    assert rss_of(found) == pytest.approx(float(rss), rel=1e-14, abs=0)
    np.testing.assert_allclose(found.standard_errors, expected.standard_errors, rtol=1e-14)
    assert (found.rank, found.df) == (expected.rank, expected.df)
    counts = [0, 1, len(rows.names) // 2, len(rows.names)][0 if intercept else 1 :]
    difference = found.unscaled_covariance(counts) - expected.unscaled_covariance(counts)
    errors = np.sqrt(np.diag(expected.unscaled_covariance(counts)))
    assert np.abs(difference / np.outer(errors, errors)).max() < 1e-14


@layouts
@columns
def test_leverages_and_robust_errors_keep_their_digits(
    column: Column, sizes: tuple[int, ...]
) -> None:
    rows = ill_conditioned(column, 80, *sizes, weighted=True)
    found, expected = fit(rows, passes=2), dense_fit(rows, passes=2)
    np.testing.assert_allclose(
        leverages(found, rows.X), leverages(expected, rows.array), rtol=1e-13
    )
    robust = LevelRobustStandardErrors(found, rows.X.layout, len(rows.y))
    robust.add(rows.X, rows.y, rows.w)
    of_dense = RobustStandardErrors(expected, len(rows.y))
    of_dense.add(rows.array, rows.y, rows.w)
    (kind, errors), (dense_kind, dense_errors) = (
        robust.standard_errors(),
        of_dense.standard_errors(),
    )
    assert kind == dense_kind
    np.testing.assert_allclose(errors, dense_errors, rtol=1e-12)


@pytest.mark.parametrize("sizes", [(1, 150, 1), (1, 150, 140, 1)])
def test_many_levels_of_two_categories_keep_their_digits(sizes: tuple[int, ...]) -> None:
    """Their factorization is compiled."""
    rows = ill_conditioned(far_from_0, 900, *sizes)
    found, expected = fit(rows, passes=2), dense_fit(rows, passes=2)
    assert found.digits >= 13
    np.testing.assert_allclose(found.theta, expected.theta, rtol=1e-12)
    np.testing.assert_allclose(found.standard_errors, expected.standard_errors, rtol=1e-13)


def test_columns_and_levels_that_are_dropped_stay_out() -> None:
    rows = ill_conditioned(near_another, 300, 1, 12, 5, 1, 1, weighted=True)
    dense = rows.X.dense.copy(order="F")
    dense[:, 1] = 3 - 2 * dense[:, 0]
    rows = rows.with_dense(dense)
    assert rows.w is not None
    large, small = rows.X.codes
    rows = CompactRows(rows.X, rows.y, np.where((large == 7) | (small == 2), 0.0, rows.w))
    first, found = (fit(rows, collinear="drop", passes=passes) for passes in (1, 2))
    expected = dense_fit(rows, collinear="drop", passes=2)
    assert found.dropped == first.dropped == expected.dropped
    assert sorted(found.dropped) == ["g[T.7]", "h[T.2]", "x19"]
    assert first.digits < 8 < 14 <= found.digits
    np.testing.assert_allclose(found.theta, expected.theta, rtol=1e-14)
    np.testing.assert_allclose(found.standard_errors, expected.standard_errors, rtol=1e-14)


def test_rows_in_any_chunks_have_the_same_bits() -> None:
    rows = ill_conditioned(near_another, 300, 1, 12, 5, 1, weighted=True)
    found = fit(rows, passes=2)
    for cuts in ([1], [100, 101, 257]):
        again = fit(rows, passes=2, cuts=cuts)
        np.testing.assert_array_equal(again.theta, found.theta)
        np.testing.assert_array_equal(again.standard_errors, found.standard_errors)
        assert again.rss == found.rss


def test_a_design_that_needs_no_second_pass_has_none() -> None:
    assert not fit(drawn(300, 1, 12, 5)).needs_second_pass
    # There is no noise to tell, and no coordinates of a penalty.
    assert not fit(ill_conditioned(near_another, 300, 12, 1), l2=1e-9).needs_second_pass


def is_perfect(found: LeastSquares) -> bool:
    return found.rss == 0 and found.sigma == 0


def explained(*sizes: int, weighted: bool, seed: int) -> CompactRows:
    """A target that is computed in float64 from the numbers, and an effect of every level."""
    rows = drawn(300, *sizes, weighted=weighted)
    random = np.random.default_rng(seed)
    y = 1.5 + rows.X.dense @ random.normal(size=rows.X.dense.shape[1])
    for codes in rows.X.codes:
        y += random.normal(size=int(codes.max()) + 2)[codes]
    return CompactRows(rows.X, y, rows.w)


@layouts
@with_and_without_weights
@pytest.mark.parametrize("seed", range(3))
def test_a_function_of_levels_and_numbers_is_a_perfect_fit(
    sizes: tuple[int, ...], weighted: bool, seed: int
) -> None:
    rows = explained(*sizes, weighted=weighted, seed=seed)
    first, found = (fit(rows, passes=passes) for passes in (1, 2))
    assert first.rss is None
    assert is_perfect(found)
    assert found.digits >= 13
    np.testing.assert_array_equal(found.standard_errors, 0.0)
    assert is_perfect(dense_fit(rows, passes=2))


@layouts
@pytest.mark.parametrize("seed", range(3))
def test_noise_of_a_few_roundings_is_not_a_perfect_fit(sizes: tuple[int, ...], seed: int) -> None:
    """It is told apart as with all columns; of 1e-13 of the target it has a standard deviation."""
    rows = explained(*sizes, weighted=False, seed=seed)
    noise = np.random.default_rng(9).normal(size=300)
    for size in (3e-15, 1e-14, 1e-13):
        noisy = CompactRows(rows.X, rows.y + size * np.abs(rows.y).max() * noise)
        found, expected = fit(noisy, passes=2), dense_fit(noisy, passes=2)
        assert not is_perfect(found)
        assert (found.rss is None) == (expected.rss is None)
    assert found.sigma is not None
    assert found.sigma == pytest.approx(1e-13 * np.abs(rows.y).max(), rel=0.2)
    assert found.sigma == pytest.approx(expected.sigma, rel=1e-6)


def test_one_residual_beyond_its_rounding_leaves_the_noise_unknown() -> None:
    """1e-6 in a row near 0 is hidden in the sum, by the rounding of 2999 rows of 1e8."""
    rows = drawn(3000, 12, 1)
    dense = 1e8 * rows.X.dense
    dense[0] = 1e-8
    rows = rows.with_dense(np.asfortranarray(dense))
    levels = np.random.default_rng(3).normal(size=13)
    y = dense[:, 0] / 3 + levels[rows.X.codes[0]]
    assert is_perfect(fit(CompactRows(rows.X, y), passes=2))
    y[0] += 1e-6
    found = fit(CompactRows(rows.X, y), passes=2)
    assert found.rss is None
    assert np.isnan(found.standard_errors).all()


def test_integers_are_explained_by_no_rounding() -> None:
    rows = drawn(300, 12, 1)
    dense = np.asfortranarray(np.rint(8 * rows.X.dense) + 2.0**50)
    y = 3 * (dense[:, 0] - 2.0**50) + np.arange(13.0)[rows.X.codes[0]]
    X = CompactMatrix(rows.X.layout, dense, rows.X.codes)
    assert is_perfect(fit(CompactRows(X, y), passes=2))
    y[17] += 1
    found = fit(CompactRows(X, y), passes=2)
    assert found.rss is not None
    assert 0.5 < math.sqrt(found.rss) < 1.0
