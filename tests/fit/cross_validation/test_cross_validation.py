"""Cross-validation from moments, against scikit-learn's and statsmodels' fits of the same folds."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import statsmodels.api as sm
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import KFold, PredefinedSplit, TimeSeriesSplit, cross_validate

from linreg.arrays import Floats
from linreg.data.formula.design import Design
from linreg.data.rows import Rows
from linreg.data.split.folds import Folds, FoldsByRow, FoldsByValue
from linreg.errors import UserError
from linreg.fit.cross_validation import cross_validation
from linreg.fit.cross_validation.cross_validation import Coefficients, CrossValidation, spread_of
from linreg.fit.cross_validation.fold_moments import fold_moments
from linreg.fit.cross_validation.least_squares import cross_validate_least_squares
from linreg.fit.exact.moment_sums.any_moments import AnyMoments
from linreg.fit.exact.solver import solve
from tests.fit.level_shards import compact_and_dense, drawn

NUM_ROWS = 403
RANDOM = np.random.default_rng(11)
X = 50 + RANDOM.normal(size=(NUM_ROWS, 3))
Y = X @ [1.0, -2.0, 0.5] + RANDOM.normal(size=NUM_ROWS)
Shards = Callable[..., list[Rows]]
SCORES = {"mse": "neg_mean_squared_error", "rmse": "neg_root_mean_squared_error", "r2": "r2"}


def assert_close(found: Any, expected: Any, rtol: float) -> None:
    np.testing.assert_allclose(found, expected, rtol)


def validated(
    shards: list[Rows],
    folds: Folds | int,
    l2: float = 0.0,
    *,
    intercept: bool = True,
    collinear: Any = "error",
) -> CrossValidation:
    if isinstance(folds, int):
        folds = FoldsByRow(folds, "row", [rows.num_rows for rows in shards])
    moments = fold_moments(shards, folds)
    whole = solve(moments.total, shards[0]._design.names, intercept, l2, collinear)
    return cross_validate_least_squares(moments, whole)


def assert_is_that_of_scikit_learn(
    found: CrossValidation, model: Any, cv: Any, columns: Floats = X, target: Floats = Y
) -> None:
    """Measured: 5e-14, which is the error of scikit-learn's fits."""
    theirs = cross_validate(
        model, columns, target, cv=cv, scoring=SCORES, return_estimator=True, return_indices=True
    )
    for name in SCORES:
        sign = 1 if name == "r2" else -1
        expected = sign * theirs[f"test_{name}"]
        ours = [getattr(fold, name) for fold in found.folds]
        assert_close(ours, expected, rtol=1e-10)
        spread = found.spread(name)
        assert_close(spread.mean, expected.mean(), rtol=1e-10)
        assert_close(spread.standard_deviation, expected.std(ddof=1), rtol=1e-8)
        error = expected.std(ddof=1) / np.sqrt(len(expected))
        assert_close(spread.standard_error, error, rtol=1e-8)
    for fold, fitted, rows in zip(
        found.folds, theirs["estimator"], theirs["indices"]["test"], strict=True
    ):
        assert fold.coefficients is not None
        assert fold.num_rows == len(rows)
        assert_close(fold.coefficients.theta, fitted.coef_, rtol=1e-9)
        assert_close(fold.coefficients.b, fitted.intercept_, rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("intercept", [True, False])
def test_folds_by_row_are_those_of_kfold(shards_of: Shards, intercept: bool) -> None:
    found = validated(shards_of(X, Y, 3, rows_per_group=50), 5, intercept=intercept)
    assert_is_that_of_scikit_learn(found, LinearRegression(fit_intercept=intercept), KFold(5))


@pytest.mark.slow
def test_ridge_has_the_penalty_of_its_own_rows(shards_of: Shards) -> None:
    """l2·‖θ‖² beside the mean over n rows is alpha = n·l2 beside their sum."""
    found = validated(shards_of(X, Y), 13, l2=0.3)
    assert NUM_ROWS % 13 == 0
    assert found.estimator == "ridge"
    model = Ridge(alpha=0.3 * (NUM_ROWS - NUM_ROWS // 13), solver="cholesky")
    assert_is_that_of_scikit_learn(found, model, KFold(13))


@pytest.mark.slow
def test_folds_by_group_and_in_time_are_those_of_scikit_learn(shards_of: Shards) -> None:
    times = np.random.default_rng(1).permutation(NUM_ROWS).astype(float)
    columns = np.column_stack([times, X])
    shards = shards_of(columns, Y, 2)
    groups = FoldsByValue(4, "group:x1", pa.array(np.sort(times)), 1 + np.arange(NUM_ROWS) % 7 % 4)
    by_row = 1 + times.astype(int) % 7 % 4
    found = validated(shards, groups)
    assert_is_that_of_scikit_learn(found, LinearRegression(), PredefinedSplit(by_row), columns)

    firsts = np.arange(NUM_ROWS - 4 * (NUM_ROWS // 5), NUM_ROWS, NUM_ROWS // 5)
    forward = FoldsByValue(4, "time:x1", pa.array(firsts.astype(float)), np.arange(1, 5))
    order = np.argsort(times)
    found = validated(shards, forward)
    model, split = LinearRegression(), TimeSeriesSplit(4)
    assert_is_that_of_scikit_learn(found, model, split, columns[order], Y[order])


def test_weighted_folds_are_those_of_statsmodels(shards_of: Shards) -> None:
    w = np.random.default_rng(3).integers(0, 4, NUM_ROWS).astype(float)
    found = validated(shards_of(X, Y, w=w), 5)
    Z = sm.add_constant(X)
    for fold, (train, test) in zip(found.folds, KFold(5).split(X), strict=True):
        theirs = sm.WLS(Y[train], Z[train], weights=w[train]).fit()
        residuals = Y[test] - Z[test] @ theirs.params
        mse = np.average(residuals**2, weights=w[test])
        mean = np.average(Y[test], weights=w[test])
        variance = np.average((Y[test] - mean) ** 2, weights=w[test])
        assert_close(fold.mse, mse, rtol=1e-10)
        assert_close(fold.r2, 1 - mse / variance, rtol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("weighted", [False, True])
def test_a_category_by_level_gives_what_all_columns_give(
    tmp_path: Path, learn: Callable[..., Design], weighted: bool
) -> None:
    compact, dense = compact_and_dense(tmp_path, learn, drawn(), num_shards=2, weighted=weighted)
    of_levels, of_columns = (validated(shards, 3) for shards in (compact, dense))
    for ours, theirs in zip(of_levels.folds, of_columns.folds, strict=True):
        assert (ours.num_rows, ours.reason) == (theirs.num_rows, "")
        assert_close([ours.mse, ours.r2], [theirs.mse, theirs.r2], rtol=1e-13)
    levels = pa.array([f"g{level:03d}" for level in range(110)])
    by_level = FoldsByValue(2, "group:g", levels, np.array([2, 1] + [2] * 108))
    lacking, small = validated(compact, by_level).folds
    assert lacking.reason.startswith("column g[T.g001]: cannot be estimated from the rows that")
    assert small.reason.endswith("found 9 rows for 151 coefficients")
    assert lacking.mse is small.mse is None
    by_level = FoldsByValue(2, "group:g", levels, np.array([1] + [2] * 109))
    without_reference, _ = validated(compact, by_level).folds
    assert without_reference.reason == (
        "column b: cannot be estimated from the rows that the fold's model is fitted to; "
        "found no row of the reference level of a category"
    )


def test_a_fold_without_a_result_says_why_and_leaves_no_mean(shards_of: Shards) -> None:
    lonely = X.copy()
    lonely[:, 2] = 0
    lonely[:90, 2] = RANDOM.normal(size=90)
    found = validated(shards_of(lonely, Y), 4)
    assert [bool(fold.reason) for fold in found.folds] == [True, False, False, False]
    assert found.folds[0].reason.startswith("column x3: cannot be estimated from the rows that")
    assert found.folds[0].reason.endswith("found x3 = 0")
    assert found.spread("rmse") == (None, None, None)
    assert "fold 1 has none: column x3" in found.in_words()
    ridge = validated(shards_of(lonely, Y), 4, l2=0.1)
    assert ridge.folds[0].coefficients is not None
    assert ridge.folds[0].coefficients.theta[2] == 0
    assert ridge.folds[0].rmse is not None


def test_too_few_rows_and_weights_of_zero_are_reasons(shards_of: Shards) -> None:
    few = validated(shards_of(X[:6], Y[:6]), 2)
    assert all("at least as many as the coefficients" in fold.reason for fold in few.folds)
    w = np.ones(NUM_ROWS)
    w[:101] = 0
    found = validated(shards_of(X, Y, w=w), 4)
    assert found.folds[0].reason == "the weights of its rows are all zero"
    assert found.folds[0].coefficients is not None
    assert found.folds[1].reason == ""


@pytest.mark.slow
def test_columns_that_the_whole_fit_drops_are_no_reason(shards_of: Shards) -> None:
    doubled = np.column_stack([X, 2 * X[:, 0]])
    found = validated(shards_of(doubled, Y), 5, collinear="drop")
    expected = validated(shards_of(X, Y), 5)
    for ours, theirs in zip(found.folds, expected.folds, strict=True):
        assert ours.coefficients is not None
        assert ours.coefficients.theta[3] == 0
        assert_close(ours.mse, theirs.mse, rtol=1e-14)


@pytest.mark.slow
def test_a_perfect_fit_a_constant_target_and_single_rows_have_no_nan(shards_of: Shards) -> None:
    whole = RANDOM.integers(-9, 9, (40, 2)).astype(float)
    perfect = validated(shards_of(whole, whole @ [3.0, -2.0] + 5), 4)
    assert [(fold.mse, fold.r2) for fold in perfect.folds] == [(0.0, 1.0)] * 4
    rounded = validated(shards_of(X, X @ [0.1, 0.7, 1 / 3]), 4)
    for fold in rounded.folds:
        assert (fold.mse, fold.r2) == (None, 1.0)
        assert fold.reason == "the residuals are no larger than rounding"
    each = validated(shards_of(X[:20], Y[:20]), 20)
    assert each.spread("r2").mean is None
    # Allen's PRESS statistic: the mean of the squares of r / (1 − h).
    fitted = sm.OLS(Y[:20], sm.add_constant(X[:20])).fit()
    press = np.mean(fitted.get_influence().resid_press ** 2)
    assert_close(each.spread("mse").mean, press, rtol=1e-10)


def test_any_function_of_moments_is_an_estimator(shards_of: Shards) -> None:
    folds = FoldsByRow(4, "row", [NUM_ROWS])
    moments = fold_moments(shards_of(X, Y), folds)

    def mean_of_target(of_rows: AnyMoments) -> Coefficients:
        return Coefficients(np.zeros(3), float(of_rows.totals().mean(-1)))

    def refused(_: AnyMoments) -> Coefficients:
        raise UserError("estimator", "has no answer")

    found = cross_validation.cross_validate(moments, mean_of_target, "mean")
    for fold, (train, test) in zip(found.folds, KFold(4).split(X), strict=True):
        assert_close(fold.mse, np.mean((Y[test] - Y[train].mean()) ** 2), rtol=1e-13)
    found = cross_validation.cross_validate(moments, refused, "none")
    assert {fold.reason for fold in found.folds} == {"estimator: has no answer"}


def test_the_spread_is_that_of_a_sample() -> None:
    values = [0.1, 0.7, 0.4]
    mean = sum(map(Fraction, values)) / 3
    variance = sum((Fraction(value) - mean) ** 2 for value in values) / 2
    spread = spread_of(values)
    expected = [float(mean), float(variance) ** 0.5, float(variance / 3) ** 0.5]
    assert_close(spread, expected, rtol=1e-15)
    assert spread_of([1e308, -1e308]) == (0.0, None, None)
