"""Robust standard errors where a category is eliminated."""

import numpy as np
import pytest
import statsmodels.api as sm

from linreg.arrays import Floats
from linreg.evaluation.covariance.level_robust import LevelRobustStandardErrors
from linreg.evaluation.covariance.robust import RobustStandardErrors
from linreg.fit.exact.least_squares import LeastSquares
from tests.fit.exact.compact_rows import CompactRows, dense_fit, drawn, fit

LAYOUTS = [(12,), (1, 12, 1), (5, 1, 12), (12, 1, 12, 1, 3)]
layouts = pytest.mark.parametrize("sizes", LAYOUTS)
with_and_without_weights = pytest.mark.parametrize("weighted", [False, True])
with_and_without_intercept = pytest.mark.parametrize("intercept", [False, True])


def noisy(num_rows: int, *sizes: int, weighted: bool = False, full: bool = False) -> CompactRows:
    """Rows whose noise grows with the first level."""
    rows = drawn(num_rows, *sizes, weighted=weighted, full=full)
    noise = np.random.default_rng(5).normal(size=num_rows) * (1 + rows.X.codes[0])
    return CompactRows(rows.X, rows.y + noise, rows.w)


def robust_of(
    solution: LeastSquares, rows: CompactRows, length: int = 10**6
) -> LevelRobustStandardErrors:
    """The standard errors from chunks of so many rows."""
    errors = LevelRobustStandardErrors(solution, rows.X.layout, len(rows.y))
    for start in range(0, len(rows.y), length):
        chunk = rows[start : start + length]
        errors.add(chunk.X, chunk.y, chunk.w)
    return errors


def dense_errors(rows: CompactRows, intercept: bool = True) -> tuple[str, Floats]:
    errors = RobustStandardErrors(dense_fit(rows, intercept, collinear="drop"), len(rows.y))
    errors.add(rows.array, rows.y, rows.w)
    return errors.standard_errors()


@pytest.mark.very_slow
@layouts
@with_and_without_weights
@with_and_without_intercept
def test_hc3_is_that_of_all_columns_and_agrees_with_statsmodels(
    sizes: tuple[int, ...], weighted: bool, intercept: bool
) -> None:
    """Measured: 2e-15 and 4e-13."""
    rows = noisy(300, *sizes, weighted=weighted, full=not intercept)
    robust = robust_of(fit(rows, intercept), rows)
    kind, errors = robust.standard_errors()
    expected_kind, expected = dense_errors(rows, intercept)
    assert kind == expected_kind == "HC3"
    np.testing.assert_allclose(errors, expected, rtol=1e-14)
    assert robust.relative_error < 1e-12
    Z = sm.add_constant(rows.array, has_constant="add") if intercept else rows.array
    w = np.ones(300) if rows.w is None else rows.w
    theirs = sm.WLS(rows.y, Z, weights=w).fit().get_robustcov_results("HC3", use_t=True)
    np.testing.assert_allclose(errors[0 if intercept else 1 :], theirs.bse, rtol=1e-10)


@pytest.mark.slow
@with_and_without_weights
def test_a_level_of_one_row_turns_hc3_into_hc1(weighted: bool) -> None:
    rows = noisy(300, 1, 12, 5, weighted=weighted)
    rows.X.codes[0][rows.X.codes[0] == 3] = -1
    rows.X.codes[0][5] = 3
    kind, errors = robust_of(fit(rows), rows).standard_errors()
    expected_kind, expected = dense_errors(rows)
    assert kind == expected_kind == "HC1"
    np.testing.assert_allclose(errors, expected, rtol=1e-14)
    w = np.ones(300) if rows.w is None else rows.w
    theirs = sm.WLS(rows.y, sm.add_constant(rows.array), weights=w).fit()
    np.testing.assert_allclose(errors, theirs.get_robustcov_results("HC1").bse, rtol=1e-10)


@pytest.mark.slow
def test_the_level_of_a_single_row_has_no_error_where_nothing_else_moves_it() -> None:
    """Of full levels without other columns, each coefficient is the mean of its rows."""
    rows = drawn(200, 7, full=True)
    rows.X.codes[0][rows.X.codes[0] == 3] = 0
    rows.X.codes[0][5] = 3
    kind, errors = robust_of(fit(rows, intercept=False), rows).standard_errors()
    assert kind == "HC1"
    assert errors[4] == 0.0
    assert (errors[1:4] > 0).all()


@pytest.mark.slow
def test_dropped_columns_have_no_error() -> None:
    rows = noisy(300, 1, 12, 5, 1, weighted=True)
    rows.X.dense[:, 1] = rows.X.codes[0]
    assert rows.w is not None
    rows = CompactRows(rows.X, rows.y, np.where(rows.X.codes[0] == 2, 0.0, rows.w))
    solution = fit(rows, collinear="drop")
    assert list(solution.dropped) == ["x19", "g[T.2]"]
    kind, errors = robust_of(solution, rows).standard_errors()
    assert np.flatnonzero(np.isnan(errors)).tolist() == [4, 19]
    kept = ~np.isnan(errors)
    X = np.delete(rows.array, [3, 18], axis=1)
    theirs = sm.WLS(rows.y, sm.add_constant(X), weights=rows.w).fit()
    expected = theirs.get_robustcov_results(kind, use_t=True).bse
    # statsmodels counts the rows of weight 0.
    assert kind == "HC3"
    np.testing.assert_allclose(errors[kept], expected, rtol=1e-10)


@pytest.mark.parametrize("length", [1, 7, 64, 299])
@with_and_without_weights
def test_the_lengths_of_chunks_do_not_change_a_bit(weighted: bool, length: int) -> None:
    rows = noisy(300, 5, 1, 12, weighted=weighted)
    solution = fit(rows)
    _, expected = robust_of(solution, rows).standard_errors()
    _, found = robust_of(solution, rows, length).standard_errors()
    np.testing.assert_array_equal(found, expected)


def test_parts_can_be_sent_and_added() -> None:
    rows = noisy(300, 5, 1, 12, weighted=True)
    solution = fit(rows)
    total = LevelRobustStandardErrors(solution, rows.X.layout)
    for part in (rows[:90], rows[90:91], rows[91:]):
        total.add_array(robust_of(solution, part).as_array())
    kind, found = total.standard_errors()
    whole = robust_of(solution, rows)
    assert (kind, total.relative_error) == ("HC3", whole.relative_error)
    np.testing.assert_allclose(found, whole.standard_errors()[1], rtol=1e-15)


@pytest.mark.parametrize("distance", [1e3, 1e6, 1e8])
def test_columns_far_from_0_leave_the_digits_of_the_solution(distance: float) -> None:
    rows = noisy(300, 1, 12, 1)
    rows = rows.with_dense(np.asfortranarray(rows.X.dense + np.array([distance, -distance])))
    solution = fit(rows)
    _, errors = robust_of(solution, rows).standard_errors()
    _, expected = dense_errors(rows)
    np.testing.assert_allclose(errors, expected, rtol=max(1e-13, 10.0**-solution.digits))


@pytest.mark.parametrize(
    ("of_y", "of_w"), [(1.0, 1e-300), (1.0, 1e290), (1e-310, 1.0), (1e300, 1.0)]
)
def test_units_of_any_size_keep_their_digits(of_y: float, of_w: float) -> None:
    rows = noisy(300, 1, 12, 5, weighted=True)
    assert rows.w is not None
    scaled = CompactRows(rows.X, rows.y * of_y, rows.w * of_w)
    found, expected = (robust_of(fit(each), each).standard_errors()[1] for each in (scaled, rows))
    # Numbers near 1e-310 have 45 bits.
    np.testing.assert_allclose(found / of_y, expected, rtol=1e-13 if of_y > 1e-300 else 1e-12)


def test_there_are_none_for_ridge() -> None:
    rows = noisy(300, 1, 12)
    assert np.isnan(robust_of(fit(rows, l2=0.1), rows).standard_errors()[1]).all()


def test_no_rows_add_nothing() -> None:
    rows = noisy(300, 1, 12)
    robust = robust_of(fit(rows), rows)
    _, expected = robust.standard_errors()
    robust.add(rows.X[:0], rows.y[:0])
    np.testing.assert_array_equal(robust.standard_errors()[1], expected)
