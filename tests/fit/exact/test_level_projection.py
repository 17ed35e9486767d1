"""Residuals and leverages where a category is eliminated."""

import numpy as np
import pytest
import statsmodels.api as sm

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import CompactMatrix
from linreg.evaluation.intervals import intervals
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.level_projection import LevelProjection
from linreg.fit.exact.projection import Projection, leverages
from tests.fit.exact.compact_rows import CompactRows, dense_fit, drawn, fit

LAYOUTS = [(12,), (1, 12, 1), (5, 1, 12), (12, 1, 12, 1, 3)]
layouts = pytest.mark.parametrize("sizes", LAYOUTS)
with_and_without_weights = pytest.mark.parametrize("weighted", [False, True])
with_and_without_intercept = pytest.mark.parametrize("intercept", [False, True])


def residuals(solution: LeastSquares, rows: CompactRows) -> Floats:
    found, _ = LevelProjection(solution, rows.X.layout).residuals_and_leverages(rows.X, rows.y)
    unscaled: Floats = np.ldexp(found, solution.exponents[-1])
    return unscaled


@layouts
@with_and_without_weights
@with_and_without_intercept
def test_leverages_are_the_diagonal_of_the_hat_matrix(
    sizes: tuple[int, ...], weighted: bool, intercept: bool
) -> None:
    rows = drawn(300, *sizes, weighted=weighted, full=not intercept)
    w = np.ones(300) if rows.w is None else rows.w
    Z = sm.add_constant(rows.array, has_constant="add") if intercept else rows.array
    Q, _ = np.linalg.qr(Z * np.sqrt(w)[:, None])
    found = w * leverages(fit(rows, intercept), rows.X)
    np.testing.assert_allclose(found, np.square(Q).sum(axis=1), rtol=1e-11)
    assert found.sum() == pytest.approx(Z.shape[1], rel=1e-14)


@layouts
@with_and_without_weights
@with_and_without_intercept
def test_rows_are_projected_as_with_all_columns(
    sizes: tuple[int, ...], weighted: bool, intercept: bool
) -> None:
    """Measured: 2e-15 of a leverage, and 2e-30 of the largest residual."""
    rows = drawn(300, *sizes, weighted=weighted, full=not intercept)
    found, expected = fit(rows, intercept), dense_fit(rows, intercept)
    np.testing.assert_allclose(
        leverages(found, rows.X), leverages(expected, rows.array), rtol=1e-14
    )
    of_dense = np.ldexp(
        Projection(expected, 300).residuals(rows.array, rows.y), expected.exponents[-1]
    )
    np.testing.assert_allclose(residuals(found, rows), of_dense, rtol=1e-15, atol=1e-28)


def test_rows_in_any_order_and_number_have_the_same_bits() -> None:
    rows = drawn(300, 5, 1, 12)
    solution = fit(rows)
    expected = leverages(solution, rows.X)
    order = np.random.default_rng(1).permutation(300)
    np.testing.assert_array_equal(leverages(solution, rows.X[order]), expected[order])
    np.testing.assert_array_equal(leverages(solution, rows.X[7:8]), expected[7:8])
    assert leverages(solution, rows.X[:0]).shape == (0,)


@pytest.mark.parametrize("distance", [1e3, 1e6, 1e9])
def test_columns_far_from_0_cost_no_digits(distance: float) -> None:
    """Leverages do not change when columns are moved, and the sum of all is the rank."""
    rows = drawn(300, 1, 12, 5, 1)
    dense = np.asfortranarray(np.ldexp(np.rint(np.ldexp(rows.X.dense, 20)), -20))
    near = rows.with_dense(dense)
    far = rows.with_dense(np.asfortranarray(dense + np.array([distance, -3 * distance])))
    found, expected = (leverages(fit(each), each.X) for each in (far, near))
    np.testing.assert_allclose(found, expected, rtol=1e-11)


def test_the_row_of_a_level_of_its_own_has_leverage_1() -> None:
    rows = drawn(200, 1, 12, weighted=True)
    rows.X.codes[0][rows.X.codes[0] == 3] = -1
    rows.X.codes[0][5] = 3
    solution = fit(rows)
    assert rows.w is not None
    assert rows.w[5] * leverages(solution, rows.X)[5] == pytest.approx(1, abs=1e-15)
    assert abs(residuals(solution, rows)[5]) < 1e-29


def new_rows(rows: CompactRows) -> CompactMatrix:
    """All combinations of levels, the reference levels with them, at two points."""
    grids = np.meshgrid(*[np.arange(-1, each.size) for each in rows.X.layout.categories])
    codes = [np.tile(grid.ravel(), 2).astype(np.int32) for grid in grids]
    dense = np.repeat([[0.0, -3.0], [50.0, 2.0]], grids[0].size, axis=0)
    return CompactMatrix(rows.X.layout, np.asfortranarray(dense), tuple(codes))


@with_and_without_weights
def test_intervals_of_new_rows_agree_with_statsmodels(weighted: bool) -> None:
    """Measured: 1e-12."""
    rows = drawn(300, 5, 1, 12, 1, weighted=weighted)
    new = new_rows(rows)
    found = intervals(fit(rows), new, 0.9)
    w = np.ones(300) if rows.w is None else rows.w
    theirs = sm.WLS(rows.y, sm.add_constant(rows.array), weights=w).fit()
    design = sm.add_constant(new.to_array(), has_constant="add")
    frame = theirs.get_prediction(design).summary_frame(alpha=0.1)
    columns = ["mean", "mean_ci_lower", "mean_ci_upper", "obs_ci_lower", "obs_ci_upper"]
    np.testing.assert_allclose(np.column_stack(found), frame[columns], rtol=1e-9, atol=1e-9)
    dense = intervals(dense_fit(rows), new.to_array(), 0.9)
    np.testing.assert_allclose(np.column_stack(found), np.column_stack(dense), rtol=1e-13)


def test_a_solution_with_all_columns_takes_compact_rows() -> None:
    """As the models of earlier versions have them."""
    rows = drawn(300, 5, 1, 12)
    solution = dense_fit(rows)
    np.testing.assert_array_equal(leverages(solution, rows.X), leverages(solution, rows.array))
