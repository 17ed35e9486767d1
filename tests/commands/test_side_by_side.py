"""`linreg summary` of several models: one table, as papers print it."""

import csv
import io
import json
from collections.abc import Callable
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pytest

from linreg.results.run_results import NamedResults, RunResults
from linreg.summary.side_by_side import FORMATS, NOTE_ON_ROWS, SideBySide
from tests.evaluated_runs import evaluated as evaluated

RANDOM = np.random.default_rng(5)
X, Z, NOISE = RANDOM.standard_normal((3, 80))
ROWS = pa.table(
    {"y": 100 + 3 * X + 0.2 * Z + NOISE, "x": X, "z": Z, "a": ["p", "q", "r", "s"] * 20}
)


@pytest.fixture
def models(evaluated: Callable[..., RunResults]) -> list[NamedResults]:
    formulas = {"(1)": "y ~ x", "(2)": "y ~ z + a + x", "(3)": "y ~ 0 + x"}
    return [
        NamedResults(name, evaluated(formula, ROWS, solver="exact", name=f"run-{number}"))
        for number, (name, formula) in enumerate(formulas.items())
    ]


@pytest.mark.slow
def test_a_terminal_shows_errors_below_and_nothing_for_what_a_model_lacks(
    models: list[NamedResults],
) -> None:
    lines = FORMATS[None](SideBySide(models, 3)).splitlines()
    assert lines[0].split() == ["(1)", "(2)", "(3)"]
    labels = [line.split()[0] for line in lines[1:13:2]]
    assert labels == ["b", "z", "a[T.q]", "a[T.r]", "a[T.s]", "x"]
    below = [line.split() for line in lines[2:13:2]]
    assert [len(cells) for cells in below] == [2, 1, 1, 1, 1, 3]
    assert all(cell.startswith("(") and cell.endswith(")") for cells in below for cell in cells)
    # Points are below each other.
    ends = {line.index("(", 20) for line in (lines[2], lines[12])}
    assert len({line[:40].rstrip().rfind(".") for line in (lines[1], lines[2])}) == 1, ends
    numbers = {line.split("  ")[0]: line.split()[-3:] for line in lines[14:22]}
    assert numbers["n"] == ["80", "80", "80"]
    for title, key in (("AIC", "aic"), ("BIC", "bic"), ("log-likelihood", "log_likelihood")):
        assert numbers[title] == [f"{run.results.inference[key]:.2f}" for run in models]
    assert lines[-3:] == ["(1): y ~ x", "(2): y ~ z + a + x", "(3): y ~ 0 + x"]


def test_stars_are_shown_when_asked_for(models: list[NamedResults]) -> None:
    """x explains most of y in (1) and (2), and nothing where y is far from 0 without intercept."""
    with_stars = dict(SideBySide(models, 3, stars=True).rows())
    without = dict(SideBySide(models, 3).rows())
    assert [cell.strip().count("*") for cell in with_stars["x"]] == [3, 3, 0]
    assert not any("*" in cell for cells in without.values() for cell in cells)
    notes = SideBySide(models, 3, stars=True).notes
    assert notes[-1].startswith("* p < 0.05, ** p < 0.01, *** p < 0.001")


@pytest.mark.slow
def test_csv_and_json_have_every_digit(models: list[NamedResults]) -> None:
    table = SideBySide(models, 3)
    rows = {row["name"]: row for row in csv.DictReader(io.StringIO(FORMATS["csv"](table)))}
    document = json.loads(FORMATS["json"](table))
    for run in models:
        known = run.results.inference["coefficients"]
        for name, each in known.items():
            assert float(rows[name][run.name]) == each["estimate"]
            error = float(rows[name][f"{run.name} standard_error"])
            assert error == each["usual"]["standard_error"]
        assert float(rows["bic"][run.name]) == run.results.inference["bic"]
        shown = {each["name"]: each["estimate"] for each in document[run.name]["coefficients"]}
        assert shown == {name: each["estimate"] for name, each in known.items()}
    assert rows["z"]["(1)"] == ""


class Cells(HTMLParser):
    """The rows of a table as lists of texts; open and closed tags must match."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, _: object) -> None:
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


@pytest.mark.slow
def test_html_markdown_and_latex_have_the_same_cells(models: list[NamedResults]) -> None:
    table = SideBySide(models, 3, stars=True)
    expected = [
        [label, *(cell.strip() for cell in cells)]
        for label, cells in [*table.rows(), *table.statistics()]
    ]
    html = Cells()
    html.feed(FORMATS["html"](table))
    assert html.rows[1:] == expected
    assert not html.open
    markdown = FORMATS["markdown"](table).splitlines()[2 : 2 + len(expected)]
    of_markdown = [line.replace("\\", "").strip("|").split("|") for line in markdown]
    assert [[cell.strip() for cell in row] for row in of_markdown] == expected
    latex = [line for line in FORMATS["latex"](table).splitlines() if line.endswith(r"\\")]
    assert len(latex) == 1 + len(expected)
    assert all(line.count("&") == 3 for line in latex)
    assert latex[1].startswith("b & ")
    assert "$^{***}$" in latex[1]


@pytest.mark.slow
def test_models_of_other_rows_or_another_target_are_said_to_be_no_comparison(
    evaluated: Callable[..., RunResults], models: list[NamedResults]
) -> None:
    assert NOTE_ON_ROWS not in SideBySide(models, 3).notes
    fewer = evaluated("y ~ x", ROWS[1:], solver="exact", name="fewer")
    other = evaluated("z ~ x", ROWS, solver="exact", name="other")
    for results in (fewer, other):
        notes = SideBySide([models[0], NamedResults("(4)", results)], 3).notes
        assert notes[-1] == NOTE_ON_ROWS


@pytest.mark.slow
def test_runs_from_before_the_order_was_stored_are_in_that_of_the_alphabet(
    models: list[NamedResults],
) -> None:
    results = models[1].results
    old = {key: value for key, value in results.inference.items() if key not in ("order", "aic")}
    run = NamedResults("old", RunResults(**{**vars(results), "inference": old}))
    table = SideBySide([run], 3)
    assert table.names == ["b", "a[T.q]", "a[T.r]", "a[T.s]", "x", "z"]
    assert "AIC" not in dict(table.statistics())
