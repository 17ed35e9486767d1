"""Least squares with a category eliminated, against all columns, statsmodels and fractions."""

import re
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import statsmodels.api as sm

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import CompactMatrix
from linreg.errors import UserError
from linreg.evaluation.inference import infer
from linreg.fit.exact.least_squares import LeastSquares
from tests.fit.exact.compact_rows import CompactRows, dense_fit, drawn, fit
from tests.fit.exact.fits import exact_minimum, rss_of

LAYOUTS = [(12,), (1, 12, 1), (5, 1, 12), (12, 1, 12, 1, 3)]
with_and_without_weights = pytest.mark.parametrize("weighted", [False, True])
with_and_without_intercept = pytest.mark.parametrize("intercept", [False, True])


def assert_same_solution(found: LeastSquares, expected: LeastSquares) -> None:
    """Coefficients to the last bit, and what follows from them. Measured: 4e-16."""
    np.testing.assert_array_equal(found.theta, expected.theta)
    assert found.b == expected.b
    assert found.names == expected.names
    np.testing.assert_array_equal(found.kept, expected.kept)
    np.testing.assert_allclose(found.standard_errors, expected.standard_errors, rtol=2e-15)
    counts = [(each.num_rows, each.rank, each.df, each.digits) for each in (found, expected)]
    assert counts[0] == counts[1]
    assert rss_of(found) == pytest.approx(rss_of(expected), rel=1e-15)
    assert float(found.tss) == pytest.approx(float(expected.tss), rel=1e-15)
    assert (found.tss_around_mean is None) == (expected.tss_around_mean is None)
    assert found.sigma == pytest.approx(expected.sigma, rel=1e-15)
    assert found.levels
    assert not expected.levels


@pytest.mark.parametrize("l2", [0.0, 0.01, 1.0])
@with_and_without_intercept
@with_and_without_weights
@pytest.mark.parametrize("sizes", LAYOUTS)
def test_the_solution_is_that_of_all_columns(
    sizes: tuple[int, ...], weighted: bool, intercept: bool, l2: float
) -> None:
    rows = drawn(300, *sizes, weighted=weighted, full=not intercept)
    found, expected = (solve(rows, intercept, l2=l2) for solve in (fit, dense_fit))
    assert_same_solution(found, expected)
    assert found.dropped == {}
    of_any = [j for j in range(len(rows.names) + 1) if found.kept[j]][::3]
    covariance = found.unscaled_covariance(of_any)
    errors = np.sqrt(np.diag(covariance))
    difference = (covariance - expected.unscaled_covariance(of_any)) / np.outer(errors, errors)
    assert np.abs(difference).max() < 2e-15


@with_and_without_intercept
@with_and_without_weights
@pytest.mark.parametrize("sizes", LAYOUTS)
def test_the_solution_agrees_with_statsmodels(
    sizes: tuple[int, ...], weighted: bool, intercept: bool
) -> None:
    """Measured: 2e-12 of coefficients and their errors, for those that are nearly 0 too."""
    rows = drawn(300, *sizes, weighted=weighted, full=not intercept)
    found = fit(rows, intercept)
    X = sm.add_constant(rows.array, has_constant="add") if intercept else rows.array
    theirs = sm.WLS(rows.y, X, weights=1.0 if rows.w is None else rows.w).fit()
    coefficients = [found.b, *found.theta] if intercept else found.theta
    np.testing.assert_allclose(coefficients, theirs.params, rtol=1e-10)
    errors = found.standard_errors[0 if intercept else 1 :]
    np.testing.assert_allclose(errors, theirs.bse, rtol=1e-10)
    assert (found.df, found.rank) == (theirs.df_resid, theirs.model.rank)
    inference = infer(found, 0.95)
    expected = [theirs.scale**0.5, theirs.fvalue, theirs.f_pvalue]
    if intercept:
        of_fit = [inference.sigma, inference.f, inference.f_p]
        np.testing.assert_allclose(np.array(of_fit, float), expected, rtol=1e-9)
        assert inference.r2 == pytest.approx(theirs.rsquared, rel=1e-12)
    else:
        # A category with all its levels spans a constant.
        assert inference.r2_around_mean == pytest.approx(theirs.rsquared, rel=1e-12)


@with_and_without_weights
def test_a_ridge_fit_solves_its_normal_equations(weighted: bool) -> None:
    rows = drawn(200, 1, 12, 5, weighted=weighted)
    found = fit(rows, l2=0.3)
    Z = sm.add_constant(rows.array)
    w = np.ones(200) if rows.w is None else rows.w
    A = Z.T @ (Z * w[:, None]) + 200 * 0.3 * np.diag([0.0, *np.ones(Z.shape[1] - 1)])
    expected = np.linalg.solve(A, Z.T @ (w * rows.y))
    np.testing.assert_allclose([found.b, *found.theta], expected, rtol=1e-11)
    residuals = rows.y - Z @ expected
    assert rss_of(found) == pytest.approx((w * residuals**2).sum(), rel=1e-12)
    inverse = np.linalg.inv(A)
    np.testing.assert_allclose(
        found.unscaled_covariance([0, 1, 4, 15]), inverse[np.ix_(*[[0, 1, 4, 15]] * 2)], rtol=1e-11
    )


@pytest.mark.parametrize("distance", [1e3, 1e6, 1e9, 1e11])
@pytest.mark.parametrize("l2", [0.0, 1.0])
@with_and_without_weights
def test_coefficients_have_the_digits_that_are_claimed(
    weighted: bool, l2: float, distance: float
) -> None:
    """Columns far from 0, against elimination in fractions."""
    rows = drawn(40, 1, 6, 1, weighted=weighted)
    rows = rows.with_dense(np.asfortranarray(rows.X.dense + np.array([distance, -2 * distance])))
    found, dense = fit(rows, l2=l2), dense_fit(rows, l2=l2)
    theta, b = exact_minimum(rows.array, rows.y, rows.w, l2=l2)
    sigma = 0.0 if l2 or found.sigma is None else found.sigma
    variances = np.diag(found.unscaled_covariance(range(9)))
    for j, exact in enumerate([b, *theta]):
        value = Fraction(found.b if j == 0 else found.theta[j - 1]) + Fraction(
            float(found.remainders[j])
        )
        size = max(abs(float(exact)), sigma * float(np.sqrt(variances[j])))
        assert abs(float(value - exact)) <= found.relative_errors[j] * size
    # About those that the solution with all columns has.
    assert found.digits >= dense.digits - 1
    assert found.digits >= {1e3: 15, 1e6: 15, 1e9: 9, 1e11: 4}[distance]


@with_and_without_intercept
def test_a_level_whose_rows_have_weight_0_is_dropped(intercept: bool) -> None:
    """As are two of them, in the category that is eliminated and in the other one."""
    rows = drawn(300, 1, 12, 5, weighted=True, full=not intercept)
    assert rows.w is not None
    large, small = rows.X.codes
    w = np.where((large == 7) | (small == 2), 0.0, rows.w)
    rows = CompactRows(rows.X, rows.y, w)
    with pytest.raises(UserError, match=re.escape("columns g[T.7], h[T.2]: are 0 in all")):
        fit(rows, intercept)
    found = fit(rows, intercept, collinear="drop")
    assert_same_solution(found, dense_fit(rows, intercept, collinear="drop"))
    assert found.dropped == {"h[T.2]": "0", "g[T.7]": "0"}
    X = np.delete(rows.array, [8, 15], axis=1)
    X = sm.add_constant(X, has_constant="add") if intercept else X
    theirs = sm.WLS(rows.y[w > 0], X[w > 0], weights=w[w > 0]).fit()
    np.testing.assert_allclose(found.standard_errors[found.kept], theirs.bse, rtol=1e-11)
    assert found.df == theirs.df_resid


def test_a_ridge_fit_keeps_a_level_without_weight_at_0() -> None:
    rows = drawn(300, 1, 12, weighted=True)
    assert rows.w is not None
    rows = CompactRows(rows.X, rows.y, np.where(rows.X.codes[0] == 7, 0.0, rows.w))
    found = fit(rows, l2=0.1)
    assert_same_solution(found, dense_fit(rows, l2=0.1))
    assert found.theta[8] == 0.0
    assert found.kept[9]


def test_the_row_of_a_level_of_its_own_is_fitted_exactly() -> None:
    rows = drawn(200, 1, 12)
    rows.X.codes[0][rows.X.codes[0] == 3] = -1
    rows.X.codes[0][5] = 3
    found = fit(rows)
    assert_same_solution(found, dense_fit(rows))
    others = np.arange(200) != 5
    without = fit(rows[others], collinear="drop")
    assert without.dropped == {"g[T.3]": "0"}
    np.testing.assert_allclose(np.delete(found.theta, 4), np.delete(without.theta, 4), rtol=1e-14)
    assert (found.rank, found.df) == (without.rank + 1, without.df)
    predicted = found.b + found.theta[0] * rows.X.dense[5, 0] + found.theta[4]
    assert predicted == pytest.approx(rows.y[5], rel=1e-14)


def of_levels(rows: CompactRows) -> Floats:
    """A number for each level of the largest category, and for none of them."""
    return np.random.default_rng(3).normal(size=13)[rows.X.codes[0]]


DEPENDENT: list[tuple[Callable[[CompactRows], Floats], str]] = [
    (of_levels, "−0.281287 + a number for each level of g"),
    (lambda rows: 0 * rows.y, "0"),
    (lambda rows: 0 * rows.y + 5, "5"),
    (lambda rows: 2 * rows.X.dense[:, 0], "2·x1"),
    (
        lambda rows: 2 * rows.X.dense[:, 0] + np.floor(8 * of_levels(rows)),
        "−3 + 2·x1 + a number for each level of g",
    ),
    (lambda rows: 1.0 * (rows.X.codes[1] == 3), "h[T.3]"),
    (lambda rows: 1.0 * (rows.X.codes[0] == 3), "a number for each level of g"),
]


@pytest.mark.parametrize(("column", "dependency"), DEPENDENT)
@with_and_without_weights
def test_a_dependency_says_whether_levels_have_a_part_in_it(
    weighted: bool, column: Callable[[CompactRows], Floats], dependency: str
) -> None:
    rows = drawn(300, 1, 12, 5, 1, weighted=weighted)
    dense = rows.X.dense.copy(order="F")
    dense[:, 0] = np.rint(8 * dense[:, 0])
    rows = rows.with_dense(dense)
    without = CompactRows(rows.X, rows.y, rows.w)
    dense[:, 1] = column(rows)
    with pytest.raises(UserError, match=re.escape(f"found x19 = {dependency}")) as error:
        fit(rows)
    assert len(str(error.value).splitlines()) == 1
    found = fit(rows, collinear="drop")
    assert list(found.dropped) == ["x19"]
    # What is left is the fit without the column.
    layout = without.X.layout._replace(num_features=18)
    X = CompactMatrix(layout, np.asfortranarray(dense[:, :1]), without.X.codes)
    expected = fit(CompactRows(X, rows.y, rows.w))
    assert found.b == expected.b
    np.testing.assert_array_equal(found.theta, [*expected.theta, 0.0])
    errors = [*expected.standard_errors, np.nan]
    np.testing.assert_allclose(found.standard_errors, errors, rtol=1e-15)
    assert (found.df, found.rank) == (expected.df, expected.rank)
    assert rss_of(found) == rss_of(expected)


def test_of_nested_categories_the_smaller_one_is_dropped() -> None:
    """Its predictions are those of any other choice."""
    rows = drawn(300, 12, 1)
    cities = rows.X.codes[0]
    states = np.where(cities < 0, -1, cities // 4).astype(np.int32)
    layout = drawn(1, 3, 12, 1).X.layout
    nested = CompactRows(CompactMatrix(layout, rows.X.dense, (states, cities)), rows.y)
    found, expected = fit(nested, collinear="drop"), fit(rows)
    assert list(found.dropped) == ["g[T.0]", "g[T.1]", "g[T.2]"]
    np.testing.assert_array_equal(found.theta, [0.0, 0.0, 0.0, *expected.theta])
    assert rss_of(found) == rss_of(expected)


@pytest.mark.parametrize("size", [1e-300, 1e-200, 1e200, 1e300])
def test_the_units_of_weights_change_no_coefficient_and_no_error(size: float) -> None:
    rows = drawn(200, 1, 12, 5, weighted=True)
    assert rows.w is not None
    found, expected = fit(CompactRows(rows.X, rows.y, rows.w * size)), fit(rows)
    np.testing.assert_allclose(found.theta, expected.theta, rtol=1e-14)
    np.testing.assert_allclose(found.standard_errors, expected.standard_errors, rtol=1e-13)
    assert found.digits == 15


def targets(dense: Floats, numbers: Floats) -> dict[str, Floats]:
    """Targets that rows explain but for rounding: of integers, of none, and of decimals."""
    return {
        "integers": 3 + dense @ [2.0, -1.0] + numbers,
        "a constant": np.full(len(dense), 3.1),
        "zeros": np.zeros(len(dense)),
        "decimals": 0.1 * dense[:, 0] + 0.3 * numbers,
    }


@pytest.mark.parametrize("kind", ["integers", "a constant", "zeros", "decimals"])
@with_and_without_weights
def test_residuals_that_may_be_rounding_leave_no_standard_errors(weighted: bool, kind: str) -> None:
    """The coefficients have their digits all the same."""
    rows = drawn(300, 1, 12, 1, weighted=weighted)
    dense = np.asfortranarray(np.rint(8 * rows.X.dense))
    numbers = np.append(np.arange(12.0) - 4, 0.0)
    y = targets(dense, numbers[rows.X.codes[0]])[kind]
    found = fit(CompactRows(rows.with_dense(dense).X, y, rows.w))
    expected = {
        "integers": [3.0, 2.0, *numbers[:-1], -1.0],
        "a constant": [3.1, *[0.0] * 14],
        "zeros": [0.0] * 15,
        "decimals": [0.0, 0.1, *(0.3 * numbers[:-1]), 0.0],
    }[kind]
    np.testing.assert_allclose([found.b, *found.theta], expected, rtol=1e-15, atol=1e-15)
    assert (found.rss, found.sigma) == (None, None)
    assert np.isnan(found.standard_errors).all()
    assert found.digits >= 13
    inference = infer(found, 0.95)
    assert inference.no_errors == "rounding"
    assert inference.r2 == (None if kind in ("zeros", "a constant") else 1.0)


def test_fewer_rows_than_coefficients_are_refused() -> None:
    rows = drawn(13, 1, 12)
    with pytest.raises(UserError, match="13 rows for 14 coefficients"):
        fit(rows)


def test_a_coefficient_beyond_float64_is_named() -> None:
    rows = drawn(300, 1, 12)
    y = np.where(rows.X.codes[0] == 3, 1.7e308, -1.7e308)
    with pytest.raises(UserError, match=r"the coefficient of g\[T\.3\] is too large for float64"):
        fit(CompactRows(rows.X, y))
