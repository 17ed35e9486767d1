import json
import math
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm

from linreg.evaluation.covariance.robust import RobustStandardErrors
from linreg.evaluation.inference import Inference, infer
from linreg.evaluation.intervals import intervals
from tests.evaluation.noisy_rows import Floats, drawn
from tests.fit.exact.fits import fit


def inference_of(
    X: Floats, y: Floats, w: Floats | None = None, intercept: bool = True, **options: Any
) -> Inference:
    solution = fit(X, y, w, intercept, **options)
    robust = RobustStandardErrors(solution)
    robust.add(X, y, w)
    return infer(solution, 0.95, robust.covariance())


@pytest.mark.parametrize("num_rows", [5, 6, 120])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
def test_the_coefficient_table_agrees_with_statsmodels(
    intercept: bool, weighted: bool, num_rows: int
) -> None:
    """From 1 residual degree of freedom on. Measured: 4e-13, and 3e-13 for a p-value of 1e-40."""
    X, y, w = drawn(num_rows)
    ours = inference_of(X, y, w if weighted else None, intercept)
    design = sm.add_constant(X) if intercept else X
    theirs = sm.WLS(y, design, weights=w if weighted else 1.0).fit()
    names = ["b", "x1", "x2", "x3"]
    assert [row.name for row in ours.coefficients] == names[0 if intercept else 1 :]
    table = [
        [each.estimate, test.standard_error, test.t, test.low, test.high]
        for each in ours.coefficients
        for test in [each.classical]
    ]
    expected = np.column_stack([theirs.params, theirs.bse, theirs.tvalues, theirs.conf_int()])
    np.testing.assert_allclose(np.array(table, float), expected, rtol=1e-10)
    p_values = np.array([row.classical.p for row in ours.coefficients], float)
    np.testing.assert_allclose(p_values, theirs.pvalues, rtol=1e-10)
    assert (ours.df, ours.f_df, ours.num_rows) == (theirs.df_resid, theirs.df_model, num_rows)
    of_fit = [ours.sigma, ours.r2, ours.adjusted_r2, ours.f, ours.f_p]
    np.testing.assert_allclose(
        np.array(of_fit, float),
        [
            math.sqrt(theirs.scale),
            theirs.rsquared,
            theirs.rsquared_adj,
            theirs.fvalue,
            theirs.f_pvalue,
        ],
        rtol=1e-10,
    )


@pytest.mark.parametrize("num_rows", [5, 120])
def test_robust_t_tests_agree_with_statsmodels(num_rows: int) -> None:
    X, y, _ = drawn(num_rows)
    ours = inference_of(X, y)
    theirs = sm.OLS(y, sm.add_constant(X)).fit().get_robustcov_results("HC3", use_t=True)
    assert ours.robust_kind == "HC3"
    table = [
        [row.robust.standard_error, row.robust.t, row.robust.p, row.robust.low, row.robust.high]
        for row in ours.coefficients
        if row.robust
    ]
    expected = [theirs.bse, theirs.tvalues, theirs.pvalues, theirs.conf_int()]
    np.testing.assert_allclose(np.array(table, float), np.column_stack(expected), rtol=1e-9)


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("confidence", [0.5, 0.99])
@pytest.mark.parametrize("num_rows", [5, 120])
def test_intervals_for_new_rows_agree_with_statsmodels(
    num_rows: int, intercept: bool, confidence: float
) -> None:
    X, y, _ = drawn(num_rows)
    new = np.vstack([X[:3] * 2, np.zeros((1, 3))])
    ours = intervals(fit(X, y, intercept=intercept), new, confidence)
    design = sm.add_constant(X) if intercept else X
    new_design = sm.add_constant(new, has_constant="add") if intercept else new
    frame = sm.OLS(y, design).fit().get_prediction(new_design).summary_frame(alpha=1 - confidence)
    columns = ["mean", "mean_ci_lower", "mean_ci_upper", "obs_ci_lower", "obs_ci_upper"]
    np.testing.assert_allclose(np.column_stack(ours), frame[columns], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("size", [2.0**-900, 2.0**900])
def test_units_do_not_change_t_and_p(size: float) -> None:
    X, y, _ = drawn()
    ours, scaled = inference_of(X, y), inference_of(X * size, y * size)
    for a, b in zip(ours.coefficients, scaled.coefficients, strict=True):
        assert a.robust is not None
        assert b.robust is not None
        assert (a.classical.t, a.classical.p) == (b.classical.t, b.classical.p)
        assert (a.robust.t, a.robust.p) == (b.robust.t, b.robust.p)
    assert (ours.r2, ours.adjusted_r2) == (scaled.r2, scaled.adjusted_r2)
    assert (ours.f, ours.f_p) == (scaled.f, scaled.f_p)


def test_a_perfect_fit_has_intervals_without_width() -> None:
    X, _, _ = drawn()
    y = X[:, 0] - 2 * X[:, 1]
    ours = inference_of(X, y)
    for each in ours.coefficients:
        for test in (each.classical, each.robust):
            assert test is not None
            assert (test.standard_error, test.t) == (0.0, None)
            assert test.low == test.high == each.estimate
            assert test.p == (0.0 if each.estimate else None)
    assert (ours.r2, ours.adjusted_r2, ours.f, ours.f_p, ours.sigma) == (1.0, 1.0, None, 0.0, 0.0)
    new = intervals(fit(X, y), X[:5], 0.95)
    np.testing.assert_array_equal(new.low, new.predicted)
    np.testing.assert_array_equal(new.mean_high, new.predicted)


def test_a_zero_coefficient_of_a_perfect_fit_has_no_p_value() -> None:
    """x2 is orthogonal to x1 and to the constant, in exact arithmetic."""
    x1, x2 = np.array([-1.0, 1, -1, 1, 0, 0]), np.array([-1.0, -1, 1, 1, 0, 0])
    ours = inference_of(np.column_stack([x1, x2]), 3 * x1)
    assert [row.estimate for row in ours.coefficients] == [0, 3, 0]
    assert [row.classical.p for row in ours.coefficients] == [None, 0, None]


def has_no_tests(found: Inference) -> bool:
    tests = [each for row in found.coefficients for each in (row.classical, row.robust) if each]
    return all(value is None for test in tests for value in vars(test).values())


def test_without_residual_degrees_of_freedom_there_are_no_standard_errors() -> None:
    X, y, _ = drawn()
    found = inference_of(X[:4], y[:4])
    assert has_no_tests(found)
    assert (found.df, found.sigma, found.adjusted_r2, found.f, found.f_p) == (0, *[None] * 4)
    assert found.r2 == 1.0
    assert np.isnan(intervals(fit(X[:4], y[:4]), X, 0.95).high).all()


def test_a_ridge_fit_has_no_standard_errors() -> None:
    X, y, _ = drawn()
    found = inference_of(X, y, l2=0.1)
    assert has_no_tests(found)
    assert (found.f, found.f_p) == (None, None)
    assert found.sigma is not None
    assert np.isnan(intervals(fit(X, y, l2=0.1), X, 0.95).low).all()
    assert np.isfinite(intervals(fit(X, y, l2=0.1), X, 0.95).predicted).all()


def test_a_constant_target_has_no_r2() -> None:
    X, _, _ = drawn()
    found = inference_of(X, np.full(120, 3.0))
    assert (found.r2, found.adjusted_r2, found.f, found.f_p) == (None, None, None, None)
    assert found.sigma == 0.0


def test_the_intercept_alone_has_no_f_and_explains_nothing() -> None:
    X, y, _ = drawn()
    found = inference_of(X[:, :0], y)
    assert (found.r2, found.adjusted_r2, found.f, found.f_df) == (0.0, 0.0, None, 0)
    assert found.coefficients[0].classical.standard_error == pytest.approx(
        y.std(ddof=1) / math.sqrt(120), rel=1e-14, abs=0
    )


def test_dropped_columns_are_listed_and_have_no_row() -> None:
    X, y, _ = drawn(num_features=2)
    twice = np.column_stack([X[:, 0], 2 * X[:, 0], X[:, 1]])
    ours, without = inference_of(twice, y, collinear="drop"), inference_of(X, y)
    assert ours.dropped == {"x2": "2·x1"}
    assert [row.name for row in ours.coefficients] == ["b", "x1", "x3"]
    for row, expected in zip(ours.coefficients, without.coefficients, strict=True):
        assert (row.classical, row.robust) == (expected.classical, expected.robust)


@pytest.mark.parametrize("num_rows", [4, 5, 120])
def test_the_data_is_json(num_rows: int) -> None:
    X, y, _ = drawn(num_rows)
    data = inference_of(X, y).as_data()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert list(data["coefficients"]) == ["b", "x1", "x2", "x3"]
    assert set(data["coefficients"]["x1"]) == {"estimate", "usual", "robust"}
    assert set(data["coefficients"]["x1"]["usual"]) == {"standard_error", "t", "p", "low", "high"}


def test_mlflow_gets_estimates_and_those_standard_errors_that_exist() -> None:
    X, y, _ = drawn()
    rows = inference_of(X, y).coefficients
    expected = {f"exact.{row.name}": row.estimate for row in rows}
    assert inference_of(X, y, l2=0.0).as_metrics() == expected | {
        f"standard_error.{row.name}": row.classical.standard_error for row in rows
    }
    assert set(inference_of(X, y, l2=0.1).as_metrics()) == set(expected)


def test_without_a_pass_over_the_rows_there_are_no_robust_errors() -> None:
    X, y, _ = drawn()
    found = infer(fit(X, y), 0.95)
    assert found.robust_kind is None
    assert all(row.robust is None for row in found.coefficients)


def test_r2_of_a_full_category_is_given_as_r_and_as_statsmodels_define_it() -> None:
    """R takes Σy² without an intercept; statsmodels sees that the columns span a constant."""
    random = np.random.default_rng(1)
    groups = np.arange(60) % 3
    X = np.column_stack([*(groups == level for level in range(3)), random.normal(size=60)])
    y = 5 + groups + X[:, 3] + random.normal(size=60)
    ours = inference_of(X.astype(float), y, intercept=False)
    theirs = sm.OLS(y, X.astype(float)).fit()
    assert ours.r2 == pytest.approx(1 - theirs.ssr / (y @ y), rel=1e-13)
    assert ours.r2_around_mean == pytest.approx(theirs.rsquared, rel=1e-13)
    # With an intercept, or without a constant, there is one R² only.
    assert inference_of(X[:, 3:], y).r2_around_mean is None
    assert inference_of(X[:, 3:], y, intercept=False).r2_around_mean is None


def test_it_is_said_why_there_are_no_standard_errors() -> None:
    X, y, _ = drawn()
    assert inference_of(X, y).no_errors is None
    assert inference_of(X, y, l2=0.1).no_errors == "ridge"
    assert inference_of(X[:4], y[:4]).no_errors == "no degrees of freedom"
    # Three rows outweigh all others, whose residuals cannot be told from the rounding of these.
    w = np.full(len(y), 1e-100)
    w[:4] = 1e100
    found = inference_of(X, y, w)
    assert found.no_errors == "rounding"
    assert has_no_tests(found)
    assert (found.sigma, found.f, found.f_p) == (None, None, None)
    assert found.r2 == 1.0
