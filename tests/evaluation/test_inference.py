import json
import math
from fractions import Fraction

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from linreg.evaluation.distributions import f_upper, t_quantile, t_two_sided
from linreg.evaluation.inference import Inference, inference, intervals
from linreg.evaluation.robust import RobustErrors, leverages
from linreg.fit.exact.least_squares import LeastSquares, solve
from linreg.fit.exact.moments import Moments

Floats = NDArray[np.float64]


def drawn(n: int = 120, num_features: int = 3) -> tuple[Floats, Floats, Floats]:
    """Rows whose noise grows with x1."""
    random = np.random.default_rng(4)
    X = random.standard_normal((n, num_features)) + np.arange(num_features) * 5.0
    y = (
        1.0
        + X @ np.linspace(0.5, -0.1, num_features)
        + random.standard_normal(n) * (0.2 + abs(X[:, 0]))
    )
    return X, y, random.uniform(0.1, 3.0, n)


def fit(
    X: Floats, y: Floats, w: Floats | None = None, intercept: bool = True, **options: object
) -> LeastSquares:
    moments = Moments.zero(X.shape[1])
    moments.add(X, y, w)
    return solve(moments, [f"x{j}" for j in range(1, X.shape[1] + 1)], intercept, **options)  # type: ignore[arg-type]


def robust(
    found: LeastSquares, X: Floats, y: Floats, w: Floats | None = None, rows: int = 10**6
) -> RobustErrors:
    errors = RobustErrors(found)
    for start in range(0, len(y), rows):
        part = slice(start, start + rows)
        errors.add(X[part], y[part], None if w is None else w[part])
    return errors


def infer(
    X: Floats, y: Floats, w: Floats | None = None, intercept: bool = True, **options: object
) -> Inference:
    found = fit(X, y, w, intercept, **options)
    return inference(found, 0.95, robust(found, X, y, w))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
def test_statsmodels_agrees(intercept: bool, weighted: bool) -> None:
    X, y, w = drawn()
    weights = w if weighted else None
    ours = infer(X, y, weights, intercept)
    design = sm.add_constant(X) if intercept else X
    theirs = sm.WLS(y, design, weights=weights if weighted else 1.0).fit()

    # Measured: 2e-14 at most, but 3e-13 for the smallest p-values, 1e-40 of the C library.
    assert [each.name for each in ours.coefficients] == [
        *(["b"] if intercept else []),
        "x1",
        "x2",
        "x3",
    ]
    usual = np.array(
        [
            [c.estimate, c.usual.standard_error, c.usual.t, c.usual.low, c.usual.high]
            for c in ours.coefficients
        ]
    )
    expected = np.column_stack([theirs.params, theirs.bse, theirs.tvalues, theirs.conf_int()])
    np.testing.assert_allclose(usual, expected, rtol=1e-12)
    np.testing.assert_allclose(
        np.array([c.usual.p for c in ours.coefficients]), theirs.pvalues, rtol=1e-11
    )
    of_all = [ours.sigma, ours.r2, ours.adjusted_r2, ours.f]
    np.testing.assert_allclose(
        np.array(of_all, float),
        [math.sqrt(theirs.scale), theirs.rsquared, theirs.rsquared_adj, theirs.fvalue],
        rtol=1e-12,
    )
    assert ours.f_p == pytest.approx(theirs.f_pvalue, rel=1e-11)
    assert (ours.df, ours.f_df, ours.num_rows) == (theirs.df_resid, theirs.df_model, 120)

    robust_fit = theirs.get_robustcov_results("HC3", use_t=True)
    assert ours.robust_kind == "HC3"
    found = np.array(
        [
            [c.robust.standard_error, c.robust.low, c.robust.high]
            for c in ours.coefficients
            if c.robust
        ]
    )
    np.testing.assert_allclose(
        found, np.column_stack([robust_fit.bse, robust_fit.conf_int()]), rtol=1e-11
    )
    p_values = np.array([c.robust.p for c in ours.coefficients if c.robust])
    np.testing.assert_allclose(p_values, robust_fit.pvalues, rtol=1e-10)


def test_a_row_with_leverage_1_makes_hc1_of_hc3() -> None:
    X, y, _ = drawn()
    X[:, 2] = 0.0
    X[7, 2] = 3.0  # the only row that says anything about x3
    ours = infer(X, y)
    theirs = sm.OLS(y, sm.add_constant(X)).fit().get_robustcov_results("HC1")
    assert ours.robust_kind == "HC1"
    found = [c.robust.standard_error for c in ours.coefficients if c.robust]
    np.testing.assert_allclose(np.array(found, float), theirs.bse, rtol=1e-11)


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("confidence", [0.5, 0.99])
def test_intervals_for_new_rows_agree_with_statsmodels(intercept: bool, confidence: float) -> None:
    X, y, _ = drawn()
    new = np.vstack([X[:3] * 2, np.zeros((1, 3))])
    ours = intervals(fit(X, y, intercept=intercept), new, confidence)
    design = sm.add_constant(X) if intercept else X
    theirs = (
        sm.OLS(y, design)
        .fit()
        .get_prediction(sm.add_constant(new, has_constant="add") if intercept else new)
    )
    frame = theirs.summary_frame(alpha=1 - confidence)
    columns = ["mean", "mean_ci_lower", "mean_ci_upper", "obs_ci_lower", "obs_ci_upper"]
    np.testing.assert_allclose(np.column_stack(ours), frame[columns], rtol=1e-11, atol=1e-13)


def test_leverages_are_exact_for_nearly_collinear_columns() -> None:
    # The sum of all leverages is the number of coefficients; float64 throughout would lose 9 of the
    # digits.
    x = np.linspace(-8.8, -3.1, 82)
    X = np.column_stack([x**k for k in range(1, 11)])
    of_rows = leverages(fit(X, np.sin(x)), X)
    assert math.fsum(of_rows) == pytest.approx(11, abs=1e-12)
    assert of_rows.max() < 1


@given(st.integers(1, 200), st.booleans())
def test_window_lengths_do_not_change_a_bit_of_the_robust_errors(rows: int, weighted: bool) -> None:
    X, y, w = drawn()
    weights = w if weighted else None
    found = fit(X, y, weights)
    kind, errors = robust(found, X, y, weights, rows).result()
    expected_kind, expected = robust(found, X, y, weights).result()
    assert kind == expected_kind
    np.testing.assert_array_equal(errors, expected)


@pytest.mark.parametrize("size", [2.0**-900, 2.0**900])
def test_units_do_not_change_t_and_p(size: float) -> None:
    X, y, _ = drawn()
    ours, scaled = infer(X, y), infer(X * size, y * size)
    for a, b in zip(ours.coefficients, scaled.coefficients, strict=True):
        assert a.robust is not None
        assert b.robust is not None
        assert (a.usual.t, a.usual.p, a.robust.t, a.robust.p) == (
            b.usual.t,
            b.usual.p,
            b.robust.t,
            b.robust.p,
        )
    assert (ours.r2, ours.adjusted_r2, ours.f, ours.f_p) == (
        scaled.r2,
        scaled.adjusted_r2,
        scaled.f,
        scaled.f_p,
    )


def test_a_perfect_fit_has_intervals_without_width() -> None:
    X, _, _ = drawn()
    y = X[:, 0] - 2 * X[:, 1]
    ours = infer(X, y)
    for each in ours.coefficients:
        for certainty in (each.usual, each.robust):
            assert certainty is not None
            assert (certainty.standard_error, certainty.t) == (0.0, None)
            assert certainty.low == certainty.high == each.estimate
            assert certainty.p == (0.0 if each.estimate else None)
    assert (ours.r2, ours.adjusted_r2, ours.f, ours.f_p, ours.sigma) == (1.0, 1.0, None, 0.0, 0.0)
    new = intervals(fit(X, y), X[:5])
    np.testing.assert_array_equal(new.low, new.predicted)
    np.testing.assert_array_equal(new.mean_high, new.predicted)


def nothing_is_said_of(found: Inference) -> bool:
    certainties = [each for c in found.coefficients for each in (c.usual, c.robust) if each]
    return all(value is None for each in certainties for value in vars(each).values())


def test_no_degrees_of_freedom_and_ridge_leave_errors_unsaid() -> None:
    X, y, _ = drawn()
    perfect, ridge = infer(X[:4], y[:4]), infer(X, y, l2=0.1)
    assert nothing_is_said_of(perfect)
    assert nothing_is_said_of(ridge)
    assert (perfect.sigma, perfect.adjusted_r2, perfect.f, perfect.r2) == (None, None, None, 1.0)
    assert (ridge.f, ridge.f_p) == (None, None)
    assert ridge.sigma is not None
    assert np.isnan(intervals(fit(X, y, l2=0.1), X).low).all()
    assert np.isfinite(intervals(fit(X, y, l2=0.1), X).predicted).all()


def test_a_constant_target_has_no_r2_and_the_intercept_alone_no_f() -> None:
    X, y, _ = drawn()
    constant, alone = infer(X, np.full(120, 3.0)), infer(X[:, :0], y)
    assert (constant.r2, constant.f, constant.sigma) == (None, None, 0.0)
    assert (alone.r2, alone.adjusted_r2, alone.f, alone.f_df) == (0.0, 0.0, None, 0)
    assert alone.coefficients[0].usual.standard_error == pytest.approx(
        y.std(ddof=1) / math.sqrt(120), rel=1e-14
    )


def test_dropped_columns_are_listed_and_have_no_row() -> None:
    X, y, _ = drawn(num_features=2)
    both = np.column_stack([X[:, 0], 2 * X[:, 0], X[:, 1]])
    ours, without = infer(both, y, collinear="drop"), infer(X, y)
    assert ours.dropped == {"x2": "2·x1"}
    assert [c.name for c in ours.coefficients] == ["b", "x1", "x3"]
    assert [c.usual for c in ours.coefficients] == [c.usual for c in without.coefficients]
    assert [c.robust for c in ours.coefficients] == [c.robust for c in without.coefficients]


@pytest.mark.parametrize("n", [4, 5, 120])
def test_the_data_is_json(n: int) -> None:
    X, y, _ = drawn(n)
    data = infer(X, y).as_data()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert list(data["coefficients"]) == ["b", "x1", "x2", "x3"]
    assert set(data["coefficients"]["x1"]) == {"estimate", "usual", "robust"}


def test_without_a_pass_over_the_rows_there_are_no_robust_errors() -> None:
    X, y, _ = drawn()
    ours = inference(fit(X, y))
    assert ours.robust_kind is None
    assert all(c.robust is None for c in ours.coefficients)


@pytest.mark.parametrize("df", [1, 2, 7, 34, 1000, 10**5, 10**7, 10**9])
def test_student_t_agrees_with_scipy(df: int) -> None:
    # scipy's last digits are those of its C library: measured 2e-12 in the tails, 1e-13 elsewhere.
    for t in (0.0, 0.5, -1.0, 2.0, 6.0, 37.0):
        assert t_two_sided(t, df) == pytest.approx(2 * stats.t.sf(abs(t), df), rel=1e-11)
    for confidence in (0.01, 0.5, 0.9, 0.95, 0.999):
        assert t_quantile(confidence, df) == pytest.approx(
            stats.t.isf((1 - confidence) / 2, df), rel=1e-11
        )
        assert t_two_sided(t_quantile(confidence, df), df) == pytest.approx(
            1 - confidence, rel=1e-12
        )


def test_student_t_with_1_and_2_degrees_of_freedom_is_elementary() -> None:
    for t in (1e-8, 0.3, 1.0, 5.0, 1e6):
        assert t_two_sided(t, 1) == pytest.approx(
            1 - 2 / math.pi * math.atan(t), rel=1e-14, abs=1e-16
        )
    assert t_two_sided(math.sqrt(2.0), 2) == pytest.approx(1 - 1 / math.sqrt(2), rel=1e-15)
    assert t_quantile(0.5, 1) == 1.0
    assert t_two_sided(1e200, 10**6) == 0.0


@pytest.mark.parametrize(("df1", "df2"), [(1, 1), (2, 10), (10, 3), (100, 50), (50, 10**6)])
def test_fisher_f_agrees_with_scipy(df1: int, df2: int) -> None:
    for f in (0.0, 0.1, 0.9, 1.0, 1.3, 8.0, 40.0):
        assert f_upper(f, df1, df2) == pytest.approx(stats.f.sf(f, df1, df2), rel=1e-10)


def test_fisher_f_with_2_degrees_of_freedom_is_elementary() -> None:
    for f in (0.1, 1.0, 7.0):
        assert f_upper(f, 2, 10) == float(1 / (1 + Fraction(f) * 2 / 10) ** 5)


def test_the_last_bits_are_these_on_every_machine() -> None:
    found = [t_two_sided(2.5, 17), t_quantile(0.95, 34), f_upper(3.5, 3, 20)]
    assert [value.hex() for value in found] == [
        "0x1.77fa14215f54fp-6",
        "0x1.0420968c7f61bp+1",
        "0x1.1a914823f8f40p-5",
    ]
