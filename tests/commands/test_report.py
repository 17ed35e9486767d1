"""`linreg report` writes what the tracked page cannot say: who made it, when, from which commit."""

from pathlib import Path

import pytest

from linreg.commands.report import provenance, with_footer
from linreg.tracking.runs import KnownRun
from tests.project import Project, copy_of_the_project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = copy_of_the_project(tmp_path_factory.mktemp("project"), sends=False)
    project.run_stages("generate", "ingest", "split", "train", "evaluate")
    return project


def run_with(**tags: str) -> KnownRun:
    named = {name.replace("_", "."): value for name, value in tags.items()}
    return KnownRun("key", "id", "main-1234567", 1_700_000_000_000, "FINISHED", named, {})


@pytest.mark.very_slow
def test_the_copy_has_the_page_and_the_commit_of_its_run(project: Project) -> None:
    project.run("git", "config", "user.name", "Ada <b>")
    done = project.run("linreg", "report", "copy.html")
    head = project.run("git", "rev-parse", "HEAD").stdout.strip()
    page = (project.folder / "models/evaluation/report.html").read_text()
    copy = (project.folder / "copy.html").read_text()
    footer = copy[len(page.partition("</body>")[0]) : copy.index("</body>")]
    assert copy.replace(footer, "") == page
    assert f"from commit {head}" in footer
    assert "by Ada &lt;b&gt;" in footer
    assert head not in page
    assert "Ada" not in page
    assert done.stdout.endswith("report: copy.html\n")


@pytest.mark.slow
def test_the_tracked_page_is_never_overwritten(project: Project) -> None:
    page = project.folder / "models/evaluation/report.html"
    before = page.read_bytes()
    done = project.run("linreg", "report", "models/evaluation/report.html", check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: models/evaluation/report.html: is an output")
    assert page.read_bytes() == before


@pytest.mark.slow
def test_results_of_another_model_are_an_error(project: Project) -> None:
    model = project.folder / "models/model/model.json"
    before = model.read_text()
    model.write_text(before.replace('"intercept"', '"interceptor"'))
    done = project.run("linreg", "report", check=False)
    model.write_text(before)
    assert done.returncode == 2
    assert "belongs to another model than models/model" in done.stderr
    assert not (project.folder / "report.html").exists()


def test_changes_that_were_not_committed_are_said() -> None:
    clean = "\n".join(provenance([run_with(git_commit="c0ffee", git_dirty="false")]))
    dirty = "\n".join(provenance([run_with(git_commit="c0ffee", git_dirty="true")]))
    assert "from commit c0ffee, in run id (main-1234567)." in clean
    assert "from commit c0ffee with changes that were not committed, in run id" in dirty
    assert "from a folder without git" in "\n".join(provenance([run_with()]))


def test_it_is_said_when_no_run_here_trained_the_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "No run here trained this model" in "\n".join(provenance([]))


def test_a_footer_is_the_last_thing_on_the_page() -> None:
    page = "<body><pre>&lt;/body></pre></body>\n</html>\n"
    assert with_footer(page, ["a & b", "c"]) == (
        '<body><pre>&lt;/body></pre><footer id="provenance">\n<p>a &amp; b<br>\nc</p>\n</footer>\n'
        "</body>\n</html>\n"
    )
