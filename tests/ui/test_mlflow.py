"""What a person sees in MLflow, in a real browser: the names, the curves and the numbers of three
experiments.
"""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.project import Project
from tests.ui.conftest import RATES, Window

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
]  # the three experiments are made before the first of them
Open = Callable[..., Window]
Runs = dict[str, dict[str, Any]]


@pytest.fixture
def base(server: str) -> str:
    return server.split()[1].partition("/#/")[0]


@pytest.fixture
def experiment(server: str) -> str:
    return server.partition("/#/")[2].partition("/runs")[0]


@pytest.mark.very_slow
def test_linreg_ui_names_the_page_of_runs_with_the_metrics_that_matter(
    server: str, runs: Runs, window: Open
) -> None:
    """A new user follows the address and finds runs with numbers, not MLflow's pages for agents."""
    found = re.search(r"^runs: (\S+)\n", server)
    assert found is not None
    seen = window(new=True)
    page = seen.open(found[1])
    for name in RATES:
        page.get_by_text(name, exact=True).wait_for()
    page.get_by_text("Model registry").wait_for()
    assert not page.get_by_text("Agent versions").count()
    for column in ("test_rmse", "test_r2"):
        page.get_by_role("columnheader", name=column).first.wait_for()
    shown = [cell.inner_text() for cell in page.get_by_role("gridcell").all()]
    numbers = {float(text) for text in shown if re.fullmatch(r"[\d.]+", text)}
    assert numbers >= {run["metrics"]["test_rmse"] for run in runs.values()}
    seen.keep("new-user")
    assert seen.asked_elsewhere == []


def test_the_table_lists_the_runs_by_name_and_finds_them_by_their_numbers(
    base: str, experiment: str, runs: Runs, window: Open
) -> None:
    seen = window()
    page = seen.open(f"{base}/#/{experiment}/runs")
    for name in RATES:
        page.get_by_text(name, exact=True).wait_for()
    page.get_by_role("button", name="Columns").click()
    for column in ("Dataset", "Source", "Models", "train.lr", "loss/gap", "test_r2", "test_rmse"):
        page.get_by_placeholder("Search columns").fill(column)
        page.get_by_role("dialog").get_by_text(column, exact=True).first.click()
    page.keyboard.press("Escape")
    page.get_by_role("heading", name="Runs").click()  # so that nothing is marked
    page.get_by_role("columnheader", name="test_rmse").first.wait_for()
    shown = [cell.inner_text() for cell in page.get_by_role("gridcell").all()]
    for name, run in runs.items():
        assert str(RATES[name]) in shown
        numbers = {run["metrics"][metric] for metric in ("loss/gap", "test_r2", "test_rmse")}
        assert numbers <= {float(text) for text in shown if re.fullmatch(r"[\d.]+", text)}
    seen.keep("runs", picture="mlflow-runs.png", height=400)
    least = min(runs, key=lambda name: runs[name]["metrics"]["test_rmse"])
    others = sorted(run["metrics"]["test_rmse"] for name, run in runs.items() if name != least)
    search = page.get_by_placeholder(re.compile("metrics.rmse"))
    search.fill(f"metrics.test_rmse < {others[0]!r}")
    search.press("Enter")
    page.get_by_text("1 matching run").wait_for()
    assert page.get_by_text(least, exact=True).count() == 1
    assert seen.asked_elsewhere == []


def test_the_curves_of_all_runs_stand_in_one_chart_each_grouped_by_what_they_are(
    base: str, experiment: str, window: Open
) -> None:
    seen = window()
    page = seen.open(f"{base}/#/{experiment}/runs?compareRunsMode=CHART")
    area = page.get_by_test_id("experiment-view-compare-runs-chart-area")
    cards = area.get_by_test_id("experiment-view-compare-runs-card")
    for title in ("loss/gap", "loss/train", "loss/validation"):
        card = cards.filter(has=page.get_by_text(title, exact=True))
        lines = card.locator(".scatterlayer .js-line")
        lines.nth(len(RATES) - 1).wait_for()
        strokes = {line.evaluate("line => getComputedStyle(line).stroke") for line in lines.all()}
        assert len(strokes) == len(RATES), f"{title}: {strokes}"
        for name in RATES:
            assert card.get_by_text(f"{name} ({title})").count(), f"{title} of {name}"
    sections = re.findall(r"^(.+)\n\((\d+)\)$", area.inner_text(), re.MULTILINE)
    assert [name for name, _ in sections][:3] == ["loss", "model", "model_exact"]
    seen.keep("curves", picture="mlflow-curves.png")
    assert seen.asked_elsewhere == []


def test_runs_compared_show_the_parameter_that_differs_and_the_numbers(
    base: str, experiment: str, runs: Runs, window: Open
) -> None:
    seen = window()
    ids = json.dumps([runs[name]["id"] for name in RATES])
    page = seen.open(
        f"{base}/#/compare-runs?runs={ids}&experiments={json.dumps([experiment.split('/')[-1]])}"
    )
    page.get_by_text(f"Comparing {len(RATES)} Runs from 1 Experiment").wait_for()
    page.get_by_text("train.lr").first.wait_for()
    text = page.locator("body").inner_text()
    assert re.search(r"train\.lr\s+0\.01\s+0\.003\s+0\.001\s", text)
    for name, run in runs.items():
        assert name in text
        assert re.search(rf"^{run['metrics']['distance']:.3f}$", text, re.MULTILINE), (
            "MLflow shows three decimals here"
        )
    seen.keep("compared", whole=True)
    assert seen.asked_elsewhere == []


def test_a_run_says_what_it_was_and_links_back_to_its_commit(
    base: str, experiment: str, project: Project, runs: Runs, window: Open
) -> None:
    name = list(RATES)[-1]  # the one whose outputs are still there
    measured, scores = (
        project.json(f"models/evaluation/{kind}.json") for kind in ("metrics", "scores")
    )
    commit = project.run("git", "rev-parse", "HEAD").stdout.strip()
    seen = window()
    page = seen.open(f"{base}/#/{experiment}/runs/{runs[name]['id']}")
    page.get_by_test_id("key-value-Status").get_by_text("Finished").wait_for()
    text = page.locator("body").inner_text()
    assert "y ~ x1 + x2 on 7000 training rows, SGD, 20 epochs at lr 0.001" in text
    assert f"test R² {scores['test']['r2']:.6g}" in text
    assert f"{100 * scores['gap']:.3g} % above the minimum" in text
    assert "gates passed: test_r2" in text
    assert f"experiment {name}" in text
    assert f"linreg rerun {runs[name]['tags']['linreg.run'][:8]}" in text
    link = page.get_by_role("link", name=commit[:10])
    assert link.get_attribute("href") == f"https://git.example.org/team/linreg/commit/{commit}"
    search = page.get_by_placeholder("Search metrics")
    search.fill("test_")
    for key in ("r2", "rmse", "mae", "max_error"):
        row = (
            page.get_by_role("row")
            .filter(has=page.get_by_role("link", name=f"test_{key}", exact=True))
            .inner_text()
        )
        assert float(row.split()[1]) == pytest.approx(measured["test"][key], rel=1e-12)
    seen.keep("run", whole=True)
    assert seen.asked_elsewhere == []


@pytest.mark.very_slow
def test_a_run_keeps_its_evaluation_as_files(
    base: str, experiment: str, runs: Runs, window: Open
) -> None:
    seen = window()
    page = seen.open(f"{base}/#/{experiment}/runs/{next(iter(runs.values()))['id']}/artifacts")
    page.get_by_text("evaluation", exact=True).first.click()
    for file in ("gates.json", "inference.json", "metrics.json", "predictions.csv"):
        page.get_by_text(file).wait_for()
    page.get_by_text("scores.json").click()
    page.get_by_text('"rmse"').first.wait_for()
    seen.keep("artifacts")
    page.get_by_text("report.html").click()
    report = page.frame_locator("iframe")
    report.get_by_text("Gates passed: test_r2.").wait_for()
    assert report.locator("svg.plot").count() >= 9
    seen.keep("report-in-mlflow")
    assert seen.asked_elsewhere == []


def test_a_models_page_has_its_run_its_parameters_its_numbers_and_the_description(
    base: str, experiment: str, runs: Runs, window: Open
) -> None:
    name = list(RATES)[-1]
    seen = window()
    seen.open(f"{base}/#/{experiment}/models")
    seen.page.get_by_text("Ready").nth(len(RATES) - 1).wait_for()
    seen.keep("models")
    page = seen.open(f"{base}/#/{experiment}/models/{runs[name]['model']}")
    page.get_by_role("link", name=name).first.wait_for()
    table = page.get_by_test_id("logged-model-details-metrics-table")
    page.get_by_placeholder("Search metrics").fill("test_r2")
    row = table.get_by_role("row").filter(has_text="test_r2").inner_text()
    assert float(row.split()[-1]) == pytest.approx(runs[name]["metrics"]["test_r2"], rel=1e-12)
    text = page.locator("body").inner_text()
    assert f"at lr {RATES[name]}" in text
    assert re.search(rf"train\.lr\s+{RATES[name]}", text)
    seen.keep("model", whole=True)
    assert seen.asked_elsewhere == []
