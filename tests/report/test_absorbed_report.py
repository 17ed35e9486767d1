"""What a report and a summary show of a fit with absorbed factors: their names and sizes."""

import json
from pathlib import Path

import pytest

from linreg.data.formula.design import Design
from linreg.report.html_table import html_table
from linreg.results.run_results import RunResults
from linreg.summary.formats import as_csv, as_json, as_latex, as_markdown
from linreg.summary.terminal import summary_lines
from tests.evaluated_runs import Evaluated
from tests.fit.exact.absorbed import Learn, as_arrow, panel

FORMULA = "y ~ x1 + x2 | firm + year"
LINE = "absorbed: firm (40 levels), year (9 levels)"


@pytest.fixture
def design(learn: Learn) -> Design:
    return learn(FORMULA, as_arrow(panel()))


@pytest.fixture
def results(evaluated: Evaluated) -> RunResults:
    return evaluated(FORMULA, as_arrow(panel()), solver="exact")


@pytest.mark.slow
def test_levels_are_counted_and_not_listed(
    results: RunResults, design: Design, tmp_path: Path
) -> None:
    lines = list(summary_lines(results, design.terms))
    assert [line.split()[0] for line in lines[2:4]] == ["x1", "x2"]
    assert lines[4] == LINE
    assert any("within R² 0." in line for line in lines)
    table = html_table(results, design.terms)
    labels = [row.label for term in table.terms for row in term]
    assert labels == ["x1", "x2", LINE]
    page = (tmp_path / "evaluation" / "report.html").read_text()
    assert LINE in page
    assert "f001" not in page
    for name in ("inference.json", "report.json", "theta.csv"):
        assert "f001" not in (tmp_path / "evaluation" / name).read_text()


def test_every_format_of_the_summary_has_the_line_or_the_numbers(
    results: RunResults, design: Design
) -> None:
    assert LINE in as_markdown(results, design.terms, 3)
    assert LINE in as_latex(results, design.terms, 3)
    assert [line.split(",")[0] for line in as_csv(results, design.terms, 3).splitlines()] == [
        "name",
        "x1",
        "x2",
    ]
    document = json.loads(as_json(results, design.terms, 3))
    assert document["absorbed"] == {
        "firm": {"df": 40, "levels": 40},
        "year": {"df": 8, "levels": 9},
    }
    assert 0 < document["r2_within"] < document["r2"] < 1
    assert document["reference_levels"] == {}
