"""`.ci/report`, which reports the effect of a change in a pull request, and its workflow."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.project import ROOT, Project, copy_of_the_project

WORKFLOW: dict[str, Any] = YAML(typ="safe", pure=True).load(
    (ROOT / ".github/workflows/ci.yml").read_text()
)


@pytest.mark.very_slow
@pytest.mark.timeout(900)
def test_the_report_of_a_branch_shows_its_parameters_and_differences(tmp_path: Path) -> None:
    """As in CI, the outputs of the base are in no cache: they are reproduced for the plots."""
    project = copy_of_the_project(tmp_path, sends=False)
    before = project.json("models/evaluation/scores.json")
    project.run("git", "checkout", "-q", "-b", "slower")
    project.set_params(lr=0.003)
    project.run("dvc", "repro")
    project.run("git", "commit", "-q", "-am", "Slower")
    after = project.json("models/evaluation/scores.json")
    done = project.run(".ci/report", "main")
    assert done.stdout == "report: report/report.md, report/plots.html\n"
    report = (project.folder / "report/report.md").read_text()
    assert report.startswith("### slower compared with main (")
    assert "| train.lr | 0.01   | 0.003       |" in report
    rows = {
        row[0]: [float(cell) for cell in row[1:]]
        for row in table_rows(report)
        if row[0] not in ("Param", "train.lr")
    }
    assert set(rows) == {"gap", "test.r2", "test.rmse", "train.rmse", "validation.rmse"}
    assert rows["gap"] == pytest.approx(
        [before["gap"], after["gap"], after["gap"] - before["gap"]], abs=1e-8
    )
    assert "- test_r2 (at least 0.9): passed with 0.99935" in report
    page = (project.folder / "report/plots.html").read_text()
    assert {'"rev": "main"', '"rev": "workspace"'} <= set(re.findall(r'"rev": "\w+"', page))
    assert project.run("git", "status", "--porcelain").stdout == ""

    check_that_stale_and_missing_outputs_are_reported(project)


def check_that_stale_and_missing_outputs_are_reported(project: Project) -> None:
    project.set_params(lr=0.004, source="data/absent.csv")
    project.run("git", "commit", "-q", "-m", "Cannot be run", "params.yaml")
    project.set_params(source="data/raw/generated.parquet")
    shutil.rmtree(project.folder / ".dvc/cache/runs")
    project.run(".ci/report", "HEAD", "other")
    report = (project.folder / "other/report.md").read_text()
    assert (
        "**The outputs here are older than the code or the parameters: run `dvc repro`.**" in report
    )
    assert "Those of HEAD are missing, as its outputs could not be reproduced:" in report
    assert "data/absent.csv" in report


def table_rows(report: str) -> list[list[str]]:
    lines = [
        line for line in report.splitlines() if line.startswith("|") and not line.startswith("|--")
    ]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0] != "Metric"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody"], "error: nobody: there is no such commit here\n"),
        (["HEAD"], "error: models: there are no outputs to report; run `dvc repro`\n"),
    ],
)
def test_what_cannot_be_reported_is_one_line(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    done = copy_of_the_project(tmp_path).run(".ci/report", *arguments, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)


def test_only_the_job_that_comments_may_write_and_only_comments() -> None:
    """Nothing that others choose, such as the name of a branch, is part of a command."""
    assert WORKFLOW["permissions"] == {"contents": "read"}
    jobs = WORKFLOW["jobs"]
    assert set(jobs) == {
        *("tests", "very-slow-tests", "other-pythons", "x86-64", "aarch64", "verify", "report")
    }
    writers = {name: job["permissions"] for name, job in jobs.items() if "permissions" in job}
    assert writers == {"report": {"contents": "read", "pull-requests": "write"}}
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert not [command for command in commands if "${{" in command]
    for command in (".ci/run", ".ci/report"):
        assert any(command in each for each in commands)
        assert (ROOT / command).stat().st_mode & 0o111
    assert all(job["timeout-minutes"] for job in jobs.values())
