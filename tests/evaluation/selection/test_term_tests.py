"""Terms tested by the moments: as statsmodels, R and refits in exact arithmetic do."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import statsmodels.formula.api as smf
from statsmodels.stats.anova import anova_lm

from linreg.arrays import Floats
from linreg.evaluation.coefficient_covariance import classical_covariance
from linreg.evaluation.covariance.wald_tests import wald_tests
from linreg.evaluation.joint_test import f_test
from linreg.evaluation.selection.term_tests import Kind, TermTest, term_tests
from tests.evaluation.selection.fits import Learn, drawn, fit
from tests.evaluation.selection.known_tables import warpbreaks
from tests.fit.exact.fits import exact_loss, exact_minimum

RTOL = 1e-11
"""Measured: 2e-13 for sums of squares and F, 4e-13 for p."""


def of_statsmodels(formula: str, columns: Any, kind: int, w: Floats | None = None) -> pd.DataFrame:
    frame = pd.DataFrame(columns)
    model = smf.ols(formula, frame) if w is None else smf.wls(formula, frame, weights=w)
    table: pd.DataFrame = anova_lm(model.fit(), typ=kind)
    table.index = [name.replace("Intercept", "b") for name in table.index]
    return table


def assert_same(tests: list[TermTest], theirs: pd.DataFrame) -> None:
    names = {frozenset(name.split(":")): name for name in theirs.index}
    assert len(tests) == len(theirs) - 1
    for test in tests:
        row = theirs.loc[names[frozenset(test.term.split(":"))]]
        assert test.df == row["df"]
        found = np.array([test.sum_of_squares, test.f, test.p], np.float64)
        np.testing.assert_allclose(found, row[["sum_sq", "F", "PR(>F)"]], rtol=RTOL)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "formula",
    ["y ~ a*g + x*z", "y ~ a*x + g:z", "y ~ 0 + g + x + a", "y ~ C(a, Sum)*C(g, Sum) + x"],
)
def test_types_two_and_three_are_those_of_statsmodels(
    learn: Learn, formula: str, weighted: bool
) -> None:
    columns, w = drawn()
    weights = w if weighted else None
    submodels = fit(learn, formula, pa.table(columns), weights).submodels
    kinds: tuple[Kind, Kind] = (2, 3)
    for kind in kinds:
        theirs = of_statsmodels(formula, columns, kind, weights)
        assert_same(term_tests(submodels, kind), theirs)


def test_type_one_is_that_of_statsmodels(learn: Learn) -> None:
    """Which puts categories before numbers, while interactions come last here, as in R."""
    columns, _ = drawn()
    formula = "y ~ a + g + x + z + x:z"
    tests = term_tests(fit(learn, formula, pa.table(columns)).submodels, 1)
    assert_same(tests, of_statsmodels(formula, columns, 1))


def test_warpbreaks_reads_as_in_r(learn: Learn) -> None:
    """As `anova(lm(breaks ~ wool * tension, warpbreaks))` prints it."""
    tests = term_tests(fit(learn, "breaks ~ wool * tension", warpbreaks()).submodels, 1)
    assert [(each.term, each.df) for each in tests] == [
        ("wool", 1),
        ("tension", 2),
        ("wool:tension", 2),
    ]
    shown = [(f"{each.sum_of_squares:.1f}", f"{each.f:.4f}", f"{each.p:.7f}") for each in tests]
    assert shown == [
        ("450.7", "3.7653", "0.0582130"),
        ("2034.3", "8.4980", "0.0006926"),
        ("1002.8", "4.1891", "0.0210442"),
    ]


@pytest.mark.parametrize(
    ("distance", "closeness", "weighted"),
    [(0.0, 1.0, False), (0.0, 1.0, True), (1e7, 1.0, True), (0.0, 1e-6, False)],
)
def test_sums_of_squares_are_those_of_refits_in_fractions(
    learn: Learn, distance: float, closeness: float, weighted: bool
) -> None:
    """Also for columns that are far from 0, or nearly collinear."""
    columns, w = drawn(25)
    columns = {name: columns[name] for name in ("x", "z", "y")}
    columns["x"] = columns["x"] + distance
    columns["u"] = columns["x"] * 0.5 + closeness * np.sin(np.arange(25.0))
    weights = w if weighted else None
    submodels = fit(learn, "y ~ x + z + u", pa.table(columns), weights).submodels

    def rss(*names: str) -> Fraction:
        X = np.column_stack([columns[name] for name in names]) if names else np.empty((25, 0))
        theta, b = exact_minimum(X, columns["y"], weights)
        return 25 * exact_loss(X, columns["y"], weights, theta, b)

    expected = {
        1: [rss() - rss("x"), rss("x") - rss("x", "z"), rss("x", "z") - rss("x", "z", "u")],
        2: [rss(*names) - rss("x", "z", "u") for names in (("z", "u"), ("x", "u"), ("x", "z"))],
    }
    kinds: tuple[Kind, Kind] = (1, 2)
    for kind in kinds:
        tests = term_tests(submodels, kind)
        found = np.array([each.sum_of_squares for each in tests], np.float64)
        # Measured: 4e-16.
        exact = np.array([float(each) for each in expected[kind]])
        np.testing.assert_allclose(found, exact, rtol=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize("formula", ["y ~ x + g + h + z:a", "y ~ 0 + g + x + h", "y ~ x + b:g"])
def test_terms_beside_an_eliminated_category_are_those_of_statsmodels(
    learn: Learn, formula: str
) -> None:
    columns, _ = drawn(400)
    random = np.random.default_rng(1)
    columns["g"] = [f"g{i % 110:03}" for i in range(400)]
    columns["h"] = [f"h{i:02}" for i in random.integers(0, 40, 400)]
    columns["b"] = [["no", "yes"][i // 110 % 2] for i in range(400)]
    submodels = fit(learn, formula, pa.table(columns)).submodels
    assert submodels.solution.levels is not None
    kinds: tuple[Kind, Kind] = (2, 3)
    for kind in kinds:
        assert_same(term_tests(submodels, kind), of_statsmodels(formula, columns, kind))
    last = term_tests(submodels, 1)[-1]
    assert last.sum_of_squares == pytest.approx(
        term_tests(submodels, 2)[-1].sum_of_squares, rel=1e-13
    )


@pytest.mark.parametrize("formula", ["y ~ a*g + x", "y ~ 0 + a + x:g"])
def test_type_three_by_a_covariance_matrix_is_that_of_the_sums_of_squares(
    learn: Learn, formula: str
) -> None:
    columns, w = drawn()
    found = fit(learn, formula, pa.table(columns), w)
    solution, terms = found.exact.solution, found.submodels.terms
    tests = list(wald_tests(solution, terms, classical_covariance(solution)))
    of_type_2 = {test.term: test for test in term_tests(found.submodels, 2)}
    margins = [test for test in tests if test.is_margin]
    assert [test.term for test in margins] == (["a", "g"] if "*" in formula else [])
    for test in margins:
        assert test.robust_type_2 is not None
        assert test.robust_type_2.f == pytest.approx(of_type_2[test.term].f, rel=1e-10)
    for test, expected in zip(tests, term_tests(found.submodels, 3), strict=True):
        assert (test.term, test.df) == (expected.term, expected.df)
        assert test.usual is not None
        ours = np.array([test.usual.f, test.usual.p])
        np.testing.assert_allclose(ours, np.array(expected[3:], np.float64), rtol=1e-10)


def test_dropped_columns_take_no_part(learn: Learn) -> None:
    columns, _ = drawn(60)
    columns["x2"] = 2 * columns["x"]
    tests = term_tests(
        fit(learn, "y ~ x + z + x2", pa.table(columns), collinear="drop").submodels, 2
    )
    expected = term_tests(fit(learn, "y ~ x + z", pa.table(columns)).submodels, 2)
    assert tests[:2] == expected
    assert tests[2] == TermTest("x2", 0, 0.0, None, None)


def test_a_perfect_fit_has_no_f_and_p_is_0_where_a_term_explains_anything(learn: Learn) -> None:
    assert f_test(Decimal(5), 1, Decimal(0), 3) == (None, 0.0)
    assert f_test(Decimal(0), 1, Decimal(0), 3) == (None, None)
    x = np.arange(8.0)
    found = fit(learn, "y ~ x + z", pa.table({"x": x, "z": x**2, "y": 2 * x + 3 * x**2}))
    # One pass cannot tell whether so small a sum is rounding.
    assert found.exact.solution.rss is None
    tests = term_tests(found.submodels, 2)
    assert [(each.f, each.p) for each in tests] == [(None, None)] * 2
    assert all(each.sum_of_squares for each in tests)
