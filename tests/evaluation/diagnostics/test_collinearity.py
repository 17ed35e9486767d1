"""Collinearity against statsmodels, numpy's SVD, determinants, and R."""

from collections.abc import Callable

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.outliers_influence import variance_inflation_factor

from linreg.arrays import Floats
from linreg.evaluation.diagnostics.one_sided_jacobi import singular_values
from tests.evaluation.diagnostics.fitted_tables import Fitted, table_of

Fit = Callable[..., Fitted]


def longley() -> tuple[Floats, Floats]:
    data = sm.datasets.longley.load_pandas()
    return data.exog.to_numpy(dtype=float), data.endog.to_numpy(dtype=float)


def test_vif_of_longleys_data_are_those_of_r(fitted: Fit) -> None:
    """R: `car::vif(lm(Employed ~ ., longley))`, as published to five decimals at most."""
    X, y = longley()
    found = fitted("y ~ x1 + x2 + x3 + x4 + x5 + x6", table_of(X, y)).diagnose()
    vif = found["collinearity"]["vif"]
    published = [135.53244, 1788.51348, 33.61889, 3.58893, 399.15102, 758.98060]
    np.testing.assert_allclose(list(vif.values()), published, rtol=0, atol=5e-6)
    theirs = [variance_inflation_factor(sm.add_constant(X), j) for j in range(1, 7)]
    np.testing.assert_allclose(list(vif.values()), theirs, rtol=1e-8)


@pytest.mark.parametrize("intercept", [True, False])
def test_condition_indices_are_those_of_the_svd_of_scaled_columns(
    intercept: bool, fitted: Fit
) -> None:
    X, y = longley()
    formula = f"y ~ {'' if intercept else '0 + '}x1 + x2 + x3 + x4 + x5 + x6"
    found = fitted(formula, table_of(X, y)).diagnose()["collinearity"]["condition_indices"]
    Z = sm.add_constant(X) if intercept else X
    _, values, V = np.linalg.svd(Z / np.sqrt((Z * Z).sum(axis=0)))
    indices = [each["index"] for each in found]
    # The SVD has 16 digits of the largest value; the condition of Longley's data takes 5 of them.
    np.testing.assert_allclose(indices, values[0] / values, rtol=1e-9)
    parts = (V.T / values) ** 2
    parts /= parts.sum(axis=1)[:, None]
    names = (["b"] if intercept else []) + [f"x{j}" for j in range(1, 7)]
    for k, each in enumerate(found):
        proportions = [each["variance_proportions"][name] for name in names]
        np.testing.assert_allclose(proportions, parts[:, k], rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_gvif_is_the_ratio_of_determinants_of_fox_and_monette(weighted: bool, fitted: Fit) -> None:
    random = np.random.default_rng(2)
    n = 90
    g = np.arange(n) % 3
    x = random.standard_normal((n, 2)) + 0.8 * g[:, None]
    w = random.uniform(0.5, 2.0, n)
    table = table_of(x, x.sum(axis=1) + random.standard_normal(n), g=[f"{k}" for k in g], w=w)
    fit = fitted("y ~ x1 + g + x2", table, weights="w" if weighted else None)
    found = fit.diagnose()["collinearity"]
    columns = np.column_stack([x[:, 0], g == 1, g == 2, x[:, 1]]).astype(float)
    weights = w if weighted else np.ones(n)
    R = np.cov(columns.T, aweights=weights)
    R /= np.sqrt(np.outer(np.diag(R), np.diag(R)))
    of_g = np.linalg.det(R[1:3, 1:3]) * np.linalg.det(R[np.ix_([0, 3], [0, 3])])
    gvif = of_g / np.linalg.det(R)
    assert found["terms"]["g"]["gvif"] == pytest.approx(gvif, rel=1e-12)
    assert found["terms"]["g"]["adjusted"] == pytest.approx(gvif**0.25, rel=1e-12)
    vif = np.diag(np.linalg.inv(R))
    expected = dict(zip(["x1", "g[T.1]", "g[T.2]", "x2"], vif, strict=True))
    assert found["vif"] == pytest.approx(expected, rel=1e-12)


def test_beside_a_full_category_vif_is_that_with_an_intercept(fitted: Fit) -> None:
    random = np.random.default_rng(6)
    x = random.standard_normal((60, 1)) + 5.0
    g = [f"{k % 3}" for k in range(60)]
    table = table_of(x, x[:, 0] + random.standard_normal(60), g=g)
    with_intercept, without, alone = (
        fitted(formula, table).diagnose()["collinearity"]["vif"]
        for formula in ("y ~ x1 + g", "y ~ 0 + g + x1", "y ~ 0 + x1")
    )
    assert without["x1"] == pytest.approx(with_intercept["x1"], rel=1e-12)
    assert alone["x1"] == pytest.approx(1.0, rel=1e-14)
    # Of the category itself there is no constant beside: R² is around 0.
    first, *others = ((np.array(g) == k).astype(float) for k in "012")
    residuals = sm.OLS(first, np.column_stack([*others, x])).fit().resid
    expected = (first @ first) / (residuals @ residuals)
    assert without["g[0]"] == pytest.approx(expected, rel=1e-11)


def test_a_dropped_column_has_no_vif(fitted: Fit) -> None:
    x = np.random.default_rng(1).standard_normal((30, 2))
    X = np.column_stack([x, 2 * x[:, 0]])
    y = x.sum(axis=1) + np.arange(30) % 2
    found = fitted("y ~ x1 + x2 + x3", table_of(X, y), collinear="drop").diagnose()
    theirs = sm.add_constant(x)
    assert found["collinearity"]["vif"] == pytest.approx(
        {"x1": variance_inflation_factor(theirs, 1), "x2": variance_inflation_factor(theirs, 2)},
        rel=1e-11,
    )


@given(st.integers(1, 8), st.integers(0, 12), st.integers(0, 10**6))
def test_small_singular_values_of_triangular_matrices_keep_their_digits(
    size: int, decades: int, seed: int
) -> None:
    """The smallest is the reciprocal of the largest of the inverse, in exact arithmetic here."""
    random = np.random.default_rng(seed)
    R = np.triu(random.integers(-3, 4, (size, size)).astype(float))
    np.fill_diagonal(R, 2.0 ** -random.integers(0, decades + 1, size))
    values, V = singular_values(R)
    np.testing.assert_allclose(values, np.linalg.svd(R)[1], rtol=1e-9 * 2.0**decades, atol=1e-13)
    product = np.prod(values)
    assert product == pytest.approx(float(np.prod(np.diag(R))), rel=1e-11)
    np.testing.assert_allclose(V.T @ V, np.eye(size), atol=1e-13)
