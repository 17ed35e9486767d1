"""Likelihood, information criteria and quartiles of residuals: as R and statsmodels have them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm

from linreg.data.rows import Chunk, Rows
from linreg.evaluation.goodness_of_fit.residual_quantiles import residuals_of, summarize_rows
from linreg.evaluation.inference import Inference, infer
from tests.evaluation.noisy_rows import Floats, drawn
from tests.evaluation.selection.known_tables import cars
from tests.fit.exact.compact_rows import drawn as drawn_levels
from tests.fit.exact.compact_rows import fit as fit_levels
from tests.fit.exact.fits import fit

Shards = Callable[..., list[Rows]]
CRITERIA = ("log_likelihood", "aic", "aicc", "bic")


def of_rows(
    shards_of: Shards, X: Floats, y: Floats, w: Floats | None = None, **options: Any
) -> Inference:
    solution = fit(X, y, w, **options)
    return infer(solution, 0.95, of_rows=summarize_rows(solution, shards_of(X, y, w=w)))


def test_cars_reads_as_in_r(shards_of: Shards) -> None:
    """As `summary`, `logLik`, `AIC` and `BIC` print `lm(dist ~ speed, cars)`."""
    table = cars()
    speed, dist = (table.column(name).to_numpy() for name in ("speed", "dist"))
    found = of_rows(shards_of, speed[:, None], dist)
    assert found.residuals is not None
    assert found.criteria is not None
    residuals = [f"{each:.3f}" for each in found.residuals]
    assert residuals == ["-29.069", "-9.525", "-2.272", "9.215", "43.201"]
    criteria = [f"{each:.4f}" for each in found.criteria[:2]] + [f"{found.criteria.bic:.4f}"]
    assert criteria == ["-206.5784", "419.1569", "424.8929"]
    assert found.criteria.num_parameters == 3


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
def test_criteria_are_those_of_statsmodels_with_a_parameter_more(
    shards_of: Shards, intercept: bool, weighted: bool
) -> None:
    """It does not count σ². Measured: 2e-16 of log-likelihood, AIC, AICc and BIC."""
    X, y, w = drawn()
    weights = w if weighted else None
    solution = fit(X, y, weights, intercept)
    found = infer(solution, 0.95, of_rows=summarize_rows(solution, shards_of(X, y, w=weights)))
    design = sm.add_constant(X) if intercept else X
    theirs = sm.WLS(y, design, weights=w if weighted else 1.0).fit()
    k = 3 + intercept + 1
    aicc = theirs.aic + 2 + 2 * k * (k + 1) / (120 - k - 1)
    expected = [theirs.llf, theirs.aic + 2, aicc, theirs.bic + np.log(120), k]
    assert found.criteria is not None
    np.testing.assert_allclose(np.array(found.criteria, np.float64), expected, rtol=1e-13)
    assert found.rss == pytest.approx(theirs.ssr, rel=1e-13)
    assert found.residuals is not None
    quartiles = np.quantile(theirs.wresid, [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(found.residuals, quartiles, rtol=1e-11)


def test_rows_of_weight_0_are_no_rows(shards_of: Shards) -> None:
    """As for R's logLik. R's summary counts their weighted residuals, which are 0."""
    X, y, w = drawn()
    w[:20] = 0.0
    found = of_rows(shards_of, X, y, w)
    without = of_rows(shards_of, X[20:], y[20:], w[20:])
    assert found.criteria == without.criteria
    assert found.residuals == without.residuals


@pytest.mark.parametrize("weighted", [False, True])
def test_neither_processes_nor_chunks_change_a_bit(
    shards_of: Shards, together: Callable[..., list[Any]], weighted: bool
) -> None:
    X, y, w = drawn()
    weights = w if weighted else None
    solution = fit(X, y, weights)
    expected = summarize_rows(solution, shards_of(X, y, 1, w=weights))
    for num_workers, rows_per_group in ((1, 7), (2, 11), (3, 1000)):
        shards = shards_of(X, y, 3, rows_per_group, w=weights)
        found = together(
            num_workers, lambda workers, shards=shards: summarize_rows(solution, shards, workers)
        )
        assert found == [expected] * num_workers


@pytest.mark.parametrize("weighted", [False, True])
def test_residuals_beside_an_eliminated_category_are_those_of_all_columns(weighted: bool) -> None:
    rows = drawn_levels(300, 1, 12, 1, weighted=weighted)
    solution = fit_levels(rows)
    found = residuals_of(solution, Chunk(rows.X, rows.y, rows.w), 300)
    w = np.ones(300) if rows.w is None else rows.w
    theirs = sm.WLS(rows.y, sm.add_constant(rows.array), weights=w).fit()
    np.testing.assert_allclose(found, theirs.resid, atol=1e-12)


def test_where_there_is_no_likelihood_there_are_no_criteria(shards_of: Shards) -> None:
    X, y, _ = drawn()
    ridge = of_rows(shards_of, X, y, l2=0.1)
    assert ridge.criteria is None
    assert ridge.residuals is not None
    few = of_rows(shards_of, X[:4], y[:4])
    assert few.criteria is None
    assert few.residuals == (0.0,) * 5
    x = np.arange(8.0)
    perfect = of_rows(shards_of, x[:, None], 2 * x)
    assert perfect.criteria is None
    assert perfect.residuals == (0.0,) * 5
    data = few.as_data()
    assert [data[key] for key in CRITERIA] == [None] * 4
    assert "log_likelihood" not in few.as_metrics()
    # Of 5 rows and 4 coefficients AIC exists, and its correction for few rows does not.
    five = of_rows(shards_of, X[:5], y[:5]).criteria
    assert five is not None
    assert five.aicc is None
