"""Terms tested by Wald's test with any covariance, against statsmodels and by their own algebra."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats
from scipy.linalg import null_space
from statsmodels.stats.anova import anova_lm

from linreg.evaluation.inference import MOST_TESTED, Inference
from linreg.evaluation.joint_test import WaldTests
from linreg.process.workers import Workers
from tests.evaluation.covariance.panel import Learn, fit_of, panel, shards_of, table_of

FORMULA = "y ~ x1 * g + poly(x2, 3)"
IN_STATSMODELS = "y ~ x1 * g + u + I(u**2) + I(u**3)"
TERMS = ["x1", "g", "x1:g"]
POLYNOMIAL = ["u", "I(u ** 2)", "I(u ** 3)"]
RTOL = 1e-11
"""Measured: less than 1e-12."""


def rows_with_levels() -> pd.DataFrame:
    rows = panel()
    return rows.assign(g=[f"g{each % 4}" for each in rows.year])


def found_by(folder: Path, learn: Learn, errors: str, **options: Any) -> dict[str, WaldTests]:
    shards = shards_of(folder, learn, rows_with_levels(), formula=FORMULA, **options)
    return by_term(table_of(fit_of(shards), shards, errors))


def by_term(table: Inference) -> dict[str, WaldTests]:
    assert table.terms is not None
    return {test.term: test for test in table.terms}


@pytest.mark.parametrize("w", [None, "w"])
@pytest.mark.parametrize("errors", ["HC3", "HC1", "cluster:school"])
def test_terms_are_tested_as_by_statsmodels(
    tmp_path: Path, learn: Learn, errors: str, w: str | None
) -> None:
    """Type III: a category's levels together, and those of a polynomial, whatever its columns."""
    found = found_by(tmp_path, learn, errors, weights=w)
    rows = rows_with_levels()
    # Near 0, where statsmodels has digits; its powers and 1 span the polynomials all the same.
    rows["u"] = (rows.x2 - rows.x2.mean()) / rows.x2.std()
    kind: dict[str, Any] = {"cov_type": errors}
    if errors.startswith("cluster"):
        groups = rows.school.astype("category").cat.codes
        kind = {"cov_type": "cluster", "cov_kwds": {"groups": groups}}
    plain = smf.wls(IN_STATSMODELS, rows, weights=rows[w] if w else 1.0)
    df = 240 - 11
    df2 = {"usual": df, "robust": df if "HC" in errors else rows.school.nunique() - 1}
    fits = {"usual": plain.fit(), "robust": plain.fit(**kind, use_t=True)}
    # The intercept is that of the polynomials, whose means are 0, and not that of the powers.
    for covariance, theirs in fits.items():
        table = theirs.wald_test_terms(scalar=True).table
        statistics = {term: float(table.statistic[term]) for term in TERMS}
        restrictions = " = ".join(POLYNOMIAL) + " = 0"
        statistics["poly(x2, 3)"] = float(theirs.f_test(restrictions).fvalue)
        assert found.keys() == {"b", *statistics}
        for term, f in statistics.items():
            test = getattr(found[term], covariance)
            assert (test.df1, test.df2) == (found[term].df, df2[covariance])
            assert test.f == pytest.approx(f, rel=RTOL)
            assert test.p == pytest.approx(stats.f.sf(f, test.df1, test.df2), rel=RTOL)


@pytest.mark.parametrize("w", [None, "w"])
@pytest.mark.parametrize("errors", ["HC3", "HC1", "cluster:school"])
def test_margins_are_tested_by_type_two_as_by_car_and_statsmodels(
    tmp_path: Path, learn: Learn, errors: str, w: str | None
) -> None:
    """By the contrasts of a margin and of what contains it that are conjugate to the latter."""
    found = found_by(tmp_path, learn, errors, weights=w)
    rows = rows_with_levels()
    kind: dict[str, Any] = {"cov_type": errors}
    if errors.startswith("cluster"):
        groups = rows.school.astype("category").cat.codes
        kind = {"cov_type": "cluster", "cov_kwds": {"groups": groups}}
    rows["u"] = (rows.x2 - rows.x2.mean()) / rows.x2.std()
    plain = smf.wls(IN_STATSMODELS, rows, weights=rows[w] if w else 1.0)
    theirs = plain.fit(**kind, use_t=True)
    names = list(theirs.params.index)
    own = {term: [each for each in names if each.partition("[")[0] == term] for term in TERMS}
    assert [term for term, test in found.items() if test.is_margin] == ["x1", "g"]
    table = anova_lm(plain.fit(), typ=2, robust=errors.lower()) if "HC" in errors else None
    for term in ("x1", "g"):
        columns = [*own["x1:g"], *own[term]]
        V = theirs.cov_params().loc[columns, own["x1:g"]].to_numpy()
        contrasts = pd.DataFrame(null_space(V.T).T, columns=columns)
        expected = theirs.f_test(contrasts.reindex(columns=names, fill_value=0.0).to_numpy())
        test = found[term].robust_type_2
        of_type_3 = found[term].robust
        assert test is not None
        assert of_type_3 is not None
        assert (test.df1, test.df2) == (len(own[term]), of_type_3.df2)
        assert test.f == pytest.approx(float(expected.fvalue), rel=1e-9)
        assert test.p == pytest.approx(stats.f.sf(test.f, test.df1, test.df2), rel=1e-9)
        if table is not None:
            assert test.f == pytest.approx(table["F"][term], rel=1e-9)
            assert test.p == pytest.approx(table["PR(>F)"][term], rel=1e-9)


@pytest.mark.parametrize("errors", ["HC3", "cluster:school"])
def test_one_worker_and_three_workers_have_the_same_bits(
    tmp_path: Path, learn: Learn, together: Callable[..., list[Any]], errors: str
) -> None:
    shards = shards_of(tmp_path, learn, rows_with_levels(), FORMULA, 3)

    def tests(workers: Workers) -> str:
        return repr(table_of(fit_of(shards, workers), shards, errors, workers=workers).terms)

    assert together(3, tests) == [tests(Workers())] * 3


def test_terms_beside_absorbed_factors_are_tested_as_beside_terms(
    tmp_path: Path, learn: Learn
) -> None:
    """The absorbed ones are in no test."""
    rows = rows_with_levels()
    absorbed, listed = (
        by_term(table_of(fit_of(shards), shards, "cluster:school"))
        for shards in (
            shards_of(tmp_path, learn, rows, formula)
            for formula in ("y ~ x1 + g | school", "y ~ x1 + g + school")
        )
    )
    assert list(absorbed) == ["x1", "g"]
    for term, test in absorbed.items():
        assert test.usual == pytest.approx(listed[term].usual, rel=1e-12)
        assert test.robust is not None
        assert test.robust.df2 == rows.school.nunique() - 1


def test_a_term_of_many_columns_is_not_tested_and_says_nothing_else(
    tmp_path: Path, learn: Learn
) -> None:
    rows = panel(2 * MOST_TESTED + 40)
    rows["g"] = [f"g{i // 2:04d}" for i in range(len(rows))]
    shards = shards_of(tmp_path, learn, rows, "y ~ x1 + g")
    table = table_of(fit_of(shards), shards, "HC1")
    assert by_term(table)["g"][1:4] == (MOST_TESTED + 19, None, None)
    x1 = by_term(table)["x1"].robust
    t = table.coefficients[1].robust
    assert x1 is not None
    assert t is not None
    assert t.t is not None
    assert x1.f == pytest.approx(t.t**2, rel=1e-14)
    assert x1.p == pytest.approx(t.p, rel=1e-12)
