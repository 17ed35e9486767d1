"""Diagnostics of the fit in the report and in the summary."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from linreg.arrays import Floats
from linreg.report.diagnostic_figures import diagnostic_figures
from linreg.report.diagnostics import diagnostics as sentences
from linreg.report.page_tables import diagnostic_tables
from linreg.summary.terminal import summary_lines
from tests.evaluated_runs import Evaluated
from tests.evaluation.diagnostics.fitted_tables import Fitted, table_of
from tests.evaluation.diagnostics.fitted_tables import fitted as fitted
from tests.plotting.drawing import Drawing

CONTEXT = {"target": "y", "parameters": {"split.by": "time:t"}}
Fit = Callable[..., Fitted]


def curved(num_rows: int = 60) -> tuple[Floats, Floats]:
    random = np.random.default_rng(5)
    X = random.standard_normal((num_rows, 2)) + 2.0
    X[3, 0] = 9.0
    return X, X[:, 0] ** 2 + X[:, 1] + random.standard_normal(num_rows)


@pytest.fixture
def fit(fitted: Fit) -> Fitted:
    X, y = curved()
    table = table_of(X, y, t=np.arange(len(y)))
    return fitted("y ~ x1 + x2", table, by="time:t")


def test_figures_show_the_rows_around_the_fit(fit: Fitted) -> None:
    found = fit.diagnostics()
    solution = fit.exact.solution
    estimates = zip(solution.names, solution.theta.tolist(), strict=True)
    coefficients = {name: {"estimate": value} for name, value in estimates}
    figures = diagnostic_figures(found, fit.design, CONTEXT, coefficients)
    sample = found.sample
    assert sample is not None
    dots = Drawing(figures["leverage"]).dots("a small")
    expected = np.column_stack([sample.leverages, sample.studentized])
    assert dots == pytest.approx(expected, abs=0.05)
    contours = Drawing(figures["leverage"]).lines("b")
    assert contours
    for contour in contours:
        leverages, residuals = contour.T
        distances = residuals**2 * leverages / (3 * (1 - leverages))
        nearest = min((0.5, 1.0), key=lambda each: abs(each - np.median(distances)))
        assert np.median(distances) == pytest.approx(nearest, rel=0.1)
    spread = Drawing(figures["spread"]).dots("a small")
    assert spread[:, 1] == pytest.approx(np.sqrt(abs(sample.studentized)), abs=0.05)
    assert len(figures["partial"]) == 2
    (line,) = Drawing(figures["partial"][0]).lines("b")
    slope = (line[1, 1] - line[0, 1]) / (line[1, 0] - line[0, 0])
    assert slope == pytest.approx(solution.theta[0], rel=0.02)
    assert len(Drawing(figures["time"]).dots("a small")) == 60


def test_report_and_summary_say_what_is_wrong_and_nothing_where_all_is_well(
    fit: Fitted, evaluated: Evaluated
) -> None:
    X, y = curved()
    data = fit.diagnose()
    run = evaluated("y ~ x1 + x2", table_of(X, y), solver="exact")
    assert not run.diagnostics
    without = [each.text for each in sentences(run)]
    wrong = replace(run, diagnostics=data)
    (added,) = [each.text for each in sentences(wrong) if each.text not in without]
    assert "missing curvature" in added
    assert "influential: my.csv: row 4" in added
    lines = [line for line in summary_lines(wrong, ()) if line.startswith("diagnostics: ")]
    assert len(lines) == 1
    fine = [each for each in data["findings"] if each["severity"] == "ok"]
    assert fine
    well = replace(run, diagnostics={**data, "findings": fine})
    assert [each.text for each in sentences(well)] == without
    assert not [line for line in summary_lines(well, ()) if line.startswith("diagnostics")]


def test_tables_hold_the_tests_and_the_rows(fit: Fitted) -> None:
    data = fit.diagnose()
    tables = diagnostic_tables(data)
    assert tables is not None
    by_title = {row[0]: row[1:] for row in tables.tests}
    assert by_title["RESET, powers 2 and 3"][1] == "F(2, 55)"
    assert by_title["White"][1] == "χ²(5)"
    assert {f"Breusch–Godfrey, order {k}" for k in (1, 2, 3, 4)} < set(by_title)
    assert tables.influential[0][0] == "my.csv: row 4"
    assert len(tables.outliers) == 10
    assert diagnostic_tables({}) is None


def test_every_warning_says_what_it_means_and_what_to_do(fit: Fitted) -> None:
    found = fit.diagnose()["findings"]
    severities = [each["severity"] for each in found]
    assert severities == sorted(severities, key=("warning", "ok", "none").index)
    for each in found:
        assert bool(each["title"]) == (each["severity"] == "warning")
        assert each["text"].endswith(".")
