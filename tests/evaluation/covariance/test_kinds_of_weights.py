"""Frequency weights are repeated rows in every number; sampling weights have robust errors."""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm

from linreg.data.rows import Rows
from linreg.evaluation.inference import Inference
from linreg.evaluation.metrics import compute_metrics
from tests.evaluation.covariance.panel import Learn, fit_of, panel, shards_of, table_of

KINDS = ["HC0", "HC1", "HC2", "HC3", "cluster:school", "cluster:school,year", "HAC:2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("weights")


def numbers(found: Inference) -> dict[str, Any]:
    """All numbers of a fit, without the bounds of their errors."""
    data = asdict(found)
    for name in ("digits", "condition"):
        del data[name]
    return data


def assert_close(found: Any, expected: Any, where: str = "") -> None:
    if isinstance(expected, dict):
        assert set(found) == set(expected), where
        for key, value in expected.items():
            assert_close(found[key], value, f"{where} {key}")
    elif isinstance(expected, list | tuple):
        for one, other in zip(found, expected, strict=True):
            assert_close(one, other, where)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-300), where
    else:
        assert found == expected, where


@pytest.mark.parametrize("errors", KINDS)
def test_frequency_weights_are_repeated_rows(folder: Path, learn: Learn, errors: str) -> None:
    """θ, errors of all kinds, tests, degrees of freedom; rows of frequency 0 are not there."""
    rows = panel()
    by = "time:year" if errors.startswith("HAC") else "row"
    weighted = shards_of(folder, learn, rows, weights="n", weights_kind="frequency", num_shards=3)
    repeated = shards_of(folder, learn, rows.loc[rows.index.repeat(rows.n)])
    found, expected = (
        table_of(fit_of(shards), shards, errors, by) for shards in (weighted, repeated)
    )
    assert found.num_rows == rows.n.sum()
    assert_close(numbers(found), numbers(expected))


@pytest.mark.very_slow
@pytest.mark.parametrize("errors", ["HC1", "HC3", "cluster:school"])
def test_frequency_weights_are_repeated_rows_where_a_category_is_eliminated(
    folder: Path, learn: Learn, errors: str
) -> None:
    rows = panel(600)
    rows["g"] = [f"g{each:03d}" for each in np.random.default_rng(1).permutation(600) % 140]
    formula = "y ~ x1 + g + x2"
    rows["n"] += 1
    weighted = shards_of(folder, learn, rows, formula, weights="n", weights_kind="frequency")
    assert weighted[0].layout.categories
    repeated = shards_of(folder, learn, rows.loc[rows.index.repeat(rows.n)], formula)
    found, expected = (table_of(fit_of(shards), shards, errors) for shards in (weighted, repeated))
    for key in ("df", "sigma", "adjusted_r2", "f_p", "robust_f", "num_rows", "correction_factors"):
        assert_close(getattr(found, key), getattr(expected, key), key)
    for one, other in zip(found.coefficients, expected.coefficients, strict=True):
        assert one.robust is not None
        assert other.robust is not None
        assert one.robust.standard_error == pytest.approx(other.robust.standard_error, rel=1e-9)


def test_metrics_count_a_row_as_often_as_its_frequency_says(folder: Path, learn: Learn) -> None:
    rows = panel()

    def metrics(shards: list[Rows]) -> dict[str, Any]:
        return compute_metrics(shards, np.array([1.0, -0.5]), 1.0, baseline=-48.0)

    of_pieces = partial(shards_of, folder, learn, rows, num_shards=2, rows_per_group=50)
    weighted = of_pieces(weights="n", weights_kind="frequency")
    repeated = shards_of(folder, learn, rows.loc[rows.index.repeat(rows.n)])
    assert_close(metrics(weighted), metrics(repeated))
    assert metrics(weighted)["n"] == rows.n.sum()
    # Of weights of another kind, metrics know nothing.
    others = of_pieces(weights="n")
    assert_close(metrics(others), metrics(shards_of(folder, learn, rows)))
    none = rows.assign(n=0)
    found = metrics(shards_of(folder, learn, none, weights="n", weights_kind="frequency"))
    assert (found["n"], found["rmse"], found["r2"]) == (0, None, None)


def test_sampling_weights_have_hc1_errors_and_say_why(folder: Path, learn: Learn) -> None:
    """As Stata's pweight: θ of WLS, and n/(n − p) Σ (w r)² x xᵀ between the inverses."""
    rows = panel()
    shards = shards_of(folder, learn, rows, weights="w", weights_kind="sampling")
    found = table_of(fit_of(shards), shards, "auto")
    X = sm.add_constant(rows[["x1", "x2"]])
    expected = sm.WLS(rows.y, X, weights=rows.w).fit().get_robustcov_results("HC1", use_t=True)
    assert (found.headline, found.robust_kind, found.robust_df) == ("robust", "HC1", 237)
    assert found.headline_reason == "sampling weights are no inverse variances (model.weights)"
    tests = [row.robust for row in found.coefficients if row.robust]
    errors = np.array([each.standard_error for each in tests], np.float64)
    np.testing.assert_allclose(errors, expected.bse, rtol=1e-10)
    p = np.array([each.p for each in tests], np.float64)
    np.testing.assert_allclose(p, expected.pvalues, rtol=1e-9)
    assert found.robust_f == pytest.approx(float(expected.fvalue), rel=1e-9)
    assert found.as_metrics()["standard_error.x1"] == tests[1].standard_error
    clustered = table_of(fit_of(shards), shards, "auto", "group:school")
    assert (clustered.headline, clustered.robust_kind) == ("robust", "cluster:school")


@pytest.mark.parametrize("intercept", [True, False])
def test_r2_of_weighted_rows_is_that_of_statsmodels(
    folder: Path, learn: Learn, intercept: bool
) -> None:
    rows = panel()
    formula = "y ~ x1 + x2" if intercept else "y ~ 0 + x1 + x2"
    shards = shards_of(folder, learn, rows, formula, weights="w")
    found = table_of(fit_of(shards), shards, "auto")
    X = rows[["x1", "x2"]]
    expected = sm.WLS(rows.y, sm.add_constant(X) if intercept else X, weights=rows.w).fit()
    assert found.r2 == pytest.approx(expected.rsquared, rel=1e-12)
    assert found.adjusted_r2 == pytest.approx(expected.rsquared_adj, rel=1e-12)
    assert found.f == pytest.approx(expected.fvalue, rel=1e-10)


def test_frequencies_agree_with_statsmodels(folder: Path, learn: Learn) -> None:
    rows = panel()
    shards = shards_of(folder, learn, rows, weights="n", weights_kind="frequency")
    found = table_of(fit_of(shards), shards, "auto")
    X = sm.add_constant(rows[["x1", "x2"]])
    kept = rows.n > 0
    glm = sm.GLM(rows.y[kept], X[kept], freq_weights=rows.n[kept].to_numpy()).fit()
    errors = np.array([row.classical.standard_error for row in found.coefficients], np.float64)
    np.testing.assert_allclose(errors, glm.bse, rtol=1e-9)
    assert found.df == glm.df_resid
