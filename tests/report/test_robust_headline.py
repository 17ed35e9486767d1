"""Where robust standard errors count, every table, picture and diagnostic shows them."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import statsmodels.formula.api as smf

from linreg.data.formula.design import Design
from linreg.data.formula.design_info import DesignTerm
from linreg.report.coefficient_table import coefficient_columns
from linreg.report.diagnostics import diagnostics
from linreg.report.figures.coefficients import interval
from linreg.report.fit_in_words import fit_in_words
from linreg.report.html_table import html_table
from linreg.results.run_results import RunResults
from linreg.summary.formats import as_json, as_markdown
from linreg.summary.terminal import summary_lines
from tests.evaluated_runs import Evaluated


def table() -> pa.Table:
    """Rows of 12 farms, whose noise is mostly that of their farm."""
    random = np.random.default_rng(1)
    farm, year = random.integers(0, 12, 240), random.integers(0, 9, 240)
    x = random.normal(size=12)[farm] + 0.1 * random.normal(size=240)
    y = 1 + x + random.normal(size=12)[farm] + random.normal(size=240)
    return pa.table({"x": x, "y": y, "farm": farm, "year": year})


def run_of(evaluated: Evaluated, errors: str, by: str = "row") -> RunResults:
    return evaluated("y ~ x", table(), errors=errors, split_by=by, solver="exact")


def test_terms_of_several_columns_are_tested_as_a_whole_with_the_errors_that_count(
    evaluated: Evaluated, learn: Callable[..., Design]
) -> None:
    """In the summary, in every format, and in the table of the report; a single slope has t."""
    rows = table().append_column("g", pa.array(list("pqr") * 80))
    formula = "y ~ x + g + poly(year, 2)"
    run = evaluated(formula, rows, errors="cluster:farm", solver="exact")
    terms = learn(formula, rows).terms
    frame = rows.to_pandas()
    fit = smf.ols("y ~ x + g + year + I(year**2)", frame).fit(
        cov_type="cluster", cov_kwds={"groups": frame["farm"]}, use_t=True
    )
    tests = {
        "g": fit.f_test("g[T.q] = g[T.r] = 0"),
        "poly(year, 2)": fit.f_test("year = I(year ** 2) = 0"),
    }
    expected = {term: f"F = {test.fvalue:.5g} on 2 and 11 df, p" for term, test in tests.items()}
    lines = list(summary_lines(run, terms))
    markdown = as_markdown(run, terms, 3).replace("\\", "")
    for term, words in expected.items():
        assert any(f"{term} as a whole: {words}" in line for line in lines)
        assert f"{term} as a whole: {words}" in markdown
    assert not any("x as a whole" in line for line in lines)
    labels = [row.label for of_term in html_table(run, terms).terms for row in of_term]
    assert "g: compared with p" in labels
    assert any(each.startswith(f"as a whole {expected['g']}") for each in labels)
    polynomial = f"poly(year, 2): as a whole {expected['poly(year, 2)']}"
    assert any(each.startswith(polynomial) for each in labels)
    assert [each["term"] for each in json.loads(as_json(run, terms, 3))["terms"]] == [
        "b",
        "x",
        "g",
        "poly(year, 2)",
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("errors", "by", "words", "df"),
    [
        ("auto", "group:farm", "standard errors clustered by farm (12 clusters)", 11),
        (
            "cluster:farm,year",
            "row",
            "standard errors clustered by farm and year (12 and 9 clusters)",
            8,
        ),
        ("HAC:3", "time:year", "HAC standard errors, 3 lags of year (9 times)", 8),
        ("HC2", "row", "HC2 standard errors", 238),
    ],
)
def test_tables_and_pictures_show_the_errors_that_count(
    evaluated: Evaluated, tmp_path: Path, errors: str, by: str, words: str, df: int
) -> None:
    run = run_of(evaluated, errors, by)
    (_, x) = run.coefficients
    robust = run.inference["coefficients"]["x"]["robust"]
    assert dict(x.headline) == robust != dict(x.classical)
    assert interval(x) == (robust["low"], robust["high"])
    columns = coefficient_columns(run, [x], digits=15)
    assert float(columns["std. error"][0]) == pytest.approx(robust["standard_error"], rel=1e-12)
    assert float(columns["t"][0]) == pytest.approx(robust["t"], rel=1e-12)
    phrases = list(fit_in_words(run))
    place = phrases.index(f"{words}, t on {df} df")
    f = f"F = {run.inference['robust_f']:.5g} on 1 and {df} df, p"
    assert phrases[place - 1].startswith(f)
    assert html_table(run, [DesignTerm("x", ("x",), {})]).titles[-1] == "classical std. error"
    page = (tmp_path / "evaluation/report.html").read_text(encoding="utf-8")
    assert f"{words}: {run.inference['headline_reason']}" in page


@pytest.mark.slow
def test_classical_errors_of_dependent_rows_are_called_too_small(evaluated: Evaluated) -> None:
    texts = " ".join(each.text for each in diagnostics(run_of(evaluated, "cluster:farm")))
    assert "rows depend on each other (cluster:farm). Those shown are the robust ones." in texts
    assert "heteroscedasticity" not in texts


@pytest.mark.slow
def test_by_default_the_classical_errors_count(evaluated: Evaluated) -> None:
    run = run_of(evaluated, "auto")
    assert run.inference["headline"] == "usual"
    assert all(row.headline == row.classical for row in run.coefficients)
    assert not any("standard errors" in each for each in fit_in_words(run))
