"""Diagnostics against statsmodels."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats import diagnostic
from statsmodels.stats.outliers_influence import OLSInfluence, variance_inflation_factor
from statsmodels.stats.stattools import durbin_watson, jarque_bera
from statsmodels.tools.sm_exceptions import SingularMatrixWarning

from linreg.arrays import Floats
from linreg.data.tables import parquet as table_file
from linreg.data.tables.parquet import write_table
from tests.evaluation.diagnostics.fitted_tables import Fitted, table_of

Fit = Callable[..., Fitted]
NUM_ROWS = 200


def drawn(num_rows: int = NUM_ROWS) -> tuple[Floats, Floats, Floats]:
    """X, y and weights; far from 0, with noise that grows with x1, a curve, and an outlier."""
    random = np.random.default_rng(7)
    X = random.normal([5.0, 1000.0, -3.0], 1.0, (num_rows, 3))
    noise = random.standard_normal(num_rows) * (0.5 + abs(X[:, 0] - 4))
    y = 100.0 + X @ [2.0, -0.3, 0.7] + 0.2 * (X[:, 2] + 3) ** 2 + noise
    y[17] += 15.0
    return X, y, random.uniform(0.2, 3.0, num_rows)


def close(found: float, expected: float, rel: float = 1e-9) -> None:
    assert found == pytest.approx(expected, rel=rel, abs=0)


@pytest.fixture(params=[False, True], ids=["equal weights", "weighted"])
def both(request: pytest.FixtureRequest, fitted: Fit) -> tuple[dict[str, Any], Any]:
    """Our diagnostics, and the fit of statsmodels."""
    X, y, w = drawn()
    table = table_of(X, y, w=w)
    weighted = request.param
    ours = fitted("y ~ x1 + x2 + x3", table, weights="w" if weighted else None)
    weights = w if weighted else np.ones(NUM_ROWS)
    return ours.diagnose(), sm.WLS(y, sm.add_constant(X), weights=weights).fit()


def test_tests_of_the_errors_agree_with_statsmodels(both: tuple[dict[str, Any], Any]) -> None:
    found, theirs = both
    u, Z = theirs.wresid, theirs.model.exog
    for name, robust in (("breusch_pagan", True), ("breusch_pagan_original", False)):
        lm, p, *_ = diagnostic.het_breuschpagan(u, Z, robust=robust)
        close(found[name]["statistic"], lm)
        close(found[name]["p"], p)
    # Products of columns near 1000 are beyond the digits of statsmodels.
    lm, p, *_ = diagnostic.het_white(u, Z - [0, 5, 1000, -3])
    close(found["white"]["statistic"], lm)
    close(found["white"]["p"], p)
    statistic, p, skewness, kurtosis = jarque_bera(u)
    close(found["jarque_bera"]["statistic"], statistic)
    close(found["jarque_bera"]["p"], p)
    close(found["jarque_bera"]["skewness"], skewness)
    close(found["jarque_bera"]["kurtosis"], kurtosis)


def test_reset_is_the_f_test_of_the_fit_with_powers_of_the_fitted_values(
    both: tuple[dict[str, Any], Any],
) -> None:
    found, theirs = both
    centered = theirs.fittedvalues - theirs.fittedvalues.mean()
    Z = np.column_stack([theirs.model.exog, centered**2, centered**3])
    larger = sm.WLS(theirs.model.endog, Z, weights=theirs.model.weights).fit()
    f, p, df = larger.compare_f_test(theirs)
    close(found["reset"]["statistic"], f)
    close(found["reset"]["p"], p)
    assert found["reset"]["df"] == df == 2
    if (theirs.model.weights == 1).all():
        test = diagnostic.linear_reset(theirs, power=3, use_f=True)
        close(found["reset"]["statistic"], float(test.statistic), rel=1e-6)


def test_rainbow_compares_with_the_half_of_the_rows_that_is_nearest_to_the_centre(
    both: tuple[dict[str, Any], Any],
) -> None:
    found, theirs = both
    Z, w = theirs.model.exog, theirs.model.weights
    distances = (np.linalg.solve(Z.T @ (w[:, None] * Z), Z.T) * Z.T).sum(axis=0)
    nearest = np.argsort(distances)[: NUM_ROWS // 2]
    central = sm.WLS(theirs.model.endog[nearest], Z[nearest], weights=w[nearest]).fit()
    df, df_residual = NUM_ROWS // 2, NUM_ROWS // 2 - 4
    f = ((theirs.ssr - central.ssr) / df) / (central.ssr / df_residual)
    close(found["rainbow"]["statistic"], f)
    close(found["rainbow"]["p"], stats.f.sf(f, df, df_residual))


def test_the_influence_of_single_rows_agrees_with_statsmodels(
    both: tuple[dict[str, Any], Any],
) -> None:
    found, theirs = both
    # Of the transformed rows, whose errors have equal variance.
    fit = sm.OLS(theirs.model.wendog, theirs.model.wexog).fit()
    expected = OLSInfluence(fit)
    external = expected.resid_studentized_external
    largest = np.argsort(-abs(external))[:20]
    outliers = found["influence"]["outliers"]
    assert [row["row"] for row in outliers] == [f"my.csv: row {i + 1}" for i in largest]
    assert largest[0] == 17
    by_distance = np.argsort(-expected.cooks_distance[0])[:20]
    influential = found["influence"]["influential"]
    assert [row["row"] for row in influential] == [f"my.csv: row {i + 1}" for i in by_distance]
    for rows, indices in ((outliers, largest), (influential, by_distance)):
        for row, i in zip(rows, indices, strict=True):
            close(row["leverage"], expected.hat_matrix_diag[i])
            close(row["internally_studentized"], expected.resid_studentized_internal[i])
            close(row["externally_studentized"], external[i])
            close(row["cooks_distance"], expected.cooks_distance[0][i])
            close(row["dffits"], expected.dffits[0][i])
            close(row["residual"], theirs.resid[i])
            close(row["fitted"], theirs.fittedvalues[i])
    bonferroni = NUM_ROWS * 2 * stats.t.sf(abs(external[17]), NUM_ROWS - 5)
    close(found["influence"]["outlier_p"], min(1.0, bonferroni))


def test_ordered_rows_are_tested_in_the_order_of_time(fitted: Fit) -> None:
    X, y, _ = drawn()
    # Rows of equal time are in the order of the table.
    time = np.random.default_rng(1).permutation(NUM_ROWS) // 3
    found = fitted("y ~ x1 + x2 + x3", table_of(X, y, t=time), by="time:t", shards=3).diagnose()
    order = np.argsort(time, kind="stable")
    theirs = sm.OLS(y[order], sm.add_constant(X[order])).fit()
    close(found["durbin_watson"]["statistic"], durbin_watson(theirs.resid))
    for lags in range(1, 5):
        lm, p, *_ = diagnostic.acorr_breusch_godfrey(theirs, lags, result_object=False)
        close(found["breusch_godfrey"][str(lags)]["statistic"], lm)
        close(found["breusch_godfrey"][str(lags)]["p"], p)
    f, p = diagnostic.linear_rainbow(theirs)
    close(found["rainbow"]["statistic"], f)
    close(found["rainbow"]["p"], p)


@pytest.mark.slow
def test_all_is_the_same_for_any_shards_of_workers_and_lengths_of_chunks(
    fitted: Fit, together: Callable[..., list[Any]]
) -> None:
    X, y, w = drawn()
    table = table_of(X, y, t=np.arange(NUM_ROWS) % 50, w=w)
    options: dict[str, Any] = {"by": "time:t", "shards": 3, "weights": "w"}
    whole = fitted("y ~ x1 + x2 + x3", table, **options)
    expected = json.dumps(whole.diagnose(), sort_keys=True)
    for num_workers in (2, 3, 4):
        found = together(num_workers, whole.diagnose)
        assert {json.dumps(each, sort_keys=True) for each in found} == {expected}
    in_pieces = fitted("y ~ x1 + x2 + x3", table, rows_per_group=7, **options)
    # Row groups decide the order in which rows are shuffled, but not what they are.
    assert in_pieces.diagnose()["durbin_watson"]["statistic"] == pytest.approx(
        whole.diagnose()["durbin_watson"]["statistic"], rel=1e-14
    )


@pytest.mark.slow
def test_the_lengths_of_chunks_do_not_change_a_bit(fitted: Fit) -> None:
    X, y, _ = drawn()
    whole = fitted("y ~ x1 + x2 + x3", table_of(X, y))
    expected = json.dumps(whole.diagnose())
    shard = pq.read_table(whole.paths[0])
    for length in (1, 7, 64):
        table_file.ROWS_PER_GROUP = length
        write_table(whole.paths[0], shard.schema, [shard])
        assert json.dumps(whole.diagnose()) == expected


def test_rows_of_weight_0_count_for_nothing(fitted: Fit) -> None:
    X, y, w = drawn()
    w[::5] = 0.0
    time = np.arange(NUM_ROWS)
    options: dict[str, Any] = {"by": "time:t", "weights": "w"}
    found = fitted("y ~ x1 + x2 + x3", table_of(X, y, t=time, w=w), **options).diagnose()
    counts = w > 0
    theirs = sm.WLS(y[counts], sm.add_constant(X[counts]), weights=w[counts]).fit()
    lm, *_ = diagnostic.het_breuschpagan(theirs.wresid, theirs.model.exog)
    close(found["breusch_pagan"]["statistic"], lm)
    close(found["durbin_watson"]["statistic"], durbin_watson(theirs.wresid))
    assert all((int(row["row"].split()[-1]) - 1) % 5 for row in found["influence"]["outliers"])


def test_a_fit_without_intercept_is_tested_beside_a_constant(fitted: Fit) -> None:
    X, y, _ = drawn()
    found = fitted("y ~ 0 + x1 + x2", table_of(X, y)).diagnose()
    theirs = sm.OLS(y, X[:, :2]).fit()
    Z = sm.add_constant(X[:, :2])
    lm, *_ = diagnostic.het_breuschpagan(theirs.resid, Z)
    close(found["breusch_pagan"]["statistic"], lm)
    larger = sm.OLS(y, np.column_stack([X[:, :2], (theirs.fittedvalues / 1e3) ** 2]))
    cube = (theirs.fittedvalues / 1e3) ** 3
    larger = sm.OLS(y, np.column_stack([larger.exog, cube]))
    close(found["reset"]["statistic"], larger.fit().compare_f_test(theirs)[0], rel=1e-6)
    expected = OLSInfluence(theirs)
    close(found["influence"]["outliers"][0]["dffits"], expected.dffits[0][17])


def test_categories_have_squares_that_white_leaves_out(fitted: Fit) -> None:
    """Of indicators, squares and products are the indicators again, or 0."""
    X, y, _ = drawn()
    g = np.arange(NUM_ROWS) % 4
    found = fitted("y ~ x1 + g", table_of(X, y, g=[f"level {k}" for k in g])).diagnose()
    Z = np.column_stack([np.ones(NUM_ROWS), X[:, 0], *(g == k for k in (1, 2, 3))]).astype(float)
    theirs = sm.OLS(y, Z).fit()
    with pytest.warns(SingularMatrixWarning):
        lm, p, _, _ = diagnostic.het_white(theirs.resid, Z)
    close(found["white"]["statistic"], lm)
    close(found["white"]["p"], p)
    assert found["white"]["df"] == 8
    assert found["collinearity"]["terms"]["g"]["df"] == 3


@pytest.mark.slow
def test_of_many_columns_the_tests_regress_on_the_fitted_values(fitted: Fit) -> None:
    """A wide design, once with a category that is eliminated and once without."""
    random = np.random.default_rng(3)
    n, levels = 600, 140
    g = random.permutation(np.arange(n) % levels)
    x = random.standard_normal(n) + 3.0
    y = x + 0.1 * g + random.standard_normal(n) * x
    table = table_of(x[:, None], y, g=[f"{k:03}" for k in g])
    found = fitted("y ~ x1 + g", table).diagnose()
    Z = np.column_stack([np.ones(n), x, *(g == k for k in range(1, levels))]).astype(float)
    theirs = sm.OLS(y, Z).fit()
    fitted_values = sm.add_constant(theirs.fittedvalues)
    lm, p, *_ = diagnostic.het_breuschpagan(theirs.resid, fitted_values)
    close(found["breusch_pagan"]["statistic"], lm)
    assert found["breusch_pagan"]["against"] == "fitted values"
    squares = sm.add_constant(np.column_stack([theirs.fittedvalues, theirs.fittedvalues**2]))
    lm, p, *_ = diagnostic.het_breuschpagan(theirs.resid, squares)
    close(found["white"]["statistic"], lm)
    close(found["white"]["p"], p)
    close(found["jarque_bera"]["statistic"], jarque_bera(theirs.resid)[0])
    largest = int(np.argmax(abs(OLSInfluence(theirs).resid_studentized_internal)))
    first = found["influence"]["outliers"][0]
    assert first["row"] == f"my.csv: row {largest + 1}"
    # It is the t of an indicator of the row.
    with_indicator = sm.OLS(y, np.column_stack([Z, np.arange(n) == largest])).fit()
    close(first["externally_studentized"], with_indicator.tvalues[-1])
    close(found["collinearity"]["vif"]["x1"], variance_inflation_factor(Z, 1))
    assert "reason" in found["reset"]
    assert "reason" in found["rainbow"]


@pytest.mark.parametrize(
    ("formula", "options", "reason"),
    [
        ("y ~ x1", {"l2": 0.1}, "a ridge fit"),
        ("y ~ x1", {"l1": 0.1}, "a lasso fit"),
        ("perfect ~ x1 + x2", {}, "rounding"),
        ("y ~ C(each)", {}, "as many coefficients"),
    ],
)
def test_where_there_are_no_residuals_the_reason_is_given(
    formula: str, options: dict[str, Any], reason: str, fitted: Fit
) -> None:
    X, y, _ = drawn(20)
    table = table_of(X, y, perfect=X[:, 0] * 2 + X[:, 1], each=np.arange(20))
    found = fitted(formula, table, **options).diagnose()
    assert reason in found["reason"]
    assert [each["severity"] for each in found["findings"]].count("none") == 1
    json.dumps(found, allow_nan=False)


@pytest.mark.slow
@pytest.mark.parametrize("formula", ["y ~ 1", "y ~ x1", "y ~ x1 + x2", "y ~ 0 + x1", "y ~ C(g)"])
def test_few_rows_give_numbers_or_reasons(formula: str, fitted: Fit) -> None:
    X, y, _ = drawn(20)
    for num_rows in (3, 4, 5, 7):
        some = slice(0, num_rows)
        table = table_of(X[some], y[some], g=(np.arange(20) < 2)[some], t=np.arange(num_rows))
        found = fitted(formula, table, by="time:t").diagnose()
        json.dumps(found, allow_nan=False)
        assert found["findings"]


def test_rows_with_an_offset_are_shown_with_the_target_of_the_table(fitted: Fit) -> None:
    X, y, _ = drawn()
    k = 100 + 10 * np.random.default_rng(9).normal(size=len(y))
    diagnostics = fitted("y ~ x1 + offset(k)", table_of(X, y + k, k=k)).diagnostics()
    without = fitted("y ~ x1", table_of(X, y)).diagnostics()
    found, expected = diagnostics.as_data(), without.as_data()
    pairs = zip(found["influence"]["outliers"], expected["influence"]["outliers"], strict=True)
    for ours, theirs in pairs:
        row = int(ours["row"].split()[-1]) - 1
        assert ours["row"] == theirs["row"]
        close(ours["actual"], y[row] + k[row])
        close(ours["fitted"], theirs["fitted"] + k[row])
        close(ours["residual"], theirs["residual"], rel=1e-8)
    assert diagnostics.sample is not None
    np.testing.assert_allclose(np.sort(diagnostics.sample.actual), np.sort(y + k), rtol=1e-12)


@pytest.mark.parametrize("shift", [2.0**20, 2.0**40])
def test_columns_far_from_0_have_the_same_diagnostics(shift: float, fitted: Fit) -> None:
    """Whole numbers are moved exactly; for the farther ones the fit has read its rows twice."""
    random = np.random.default_rng(8)
    X = random.integers(0, 50, (80, 2)).astype(float)
    y = X @ [0.5, -1.0] + 0.02 * X[:, 0] ** 2 + random.standard_normal(80)
    near = fitted("y ~ x1 + x2", table_of(X, y)).diagnose()
    moved = fitted("y ~ x1 + x2", table_of(X + shift, y))
    assert (moved.exact.second is not None) == (shift > 2**30)
    far = moved.diagnose()
    for name in ("breusch_pagan", "breusch_pagan_original", "white", "reset", "rainbow"):
        close(far[name]["statistic"], near[name]["statistic"], rel=1e-11)
    close(far["jarque_bera"]["kurtosis"], near["jarque_bera"]["kurtosis"], rel=1e-11)
    assert far["collinearity"]["vif"] == pytest.approx(near["collinearity"]["vif"], rel=1e-11)
    rows = zip(far["influence"]["outliers"], near["influence"]["outliers"], strict=True)
    for ours, theirs in rows:
        assert ours["row"] == theirs["row"]
        close(ours["leverage"], theirs["leverage"], rel=1e-11)
        close(ours["dffits"], theirs["dffits"], rel=1e-11)
