"""Names and levels out of a file of somebody else's, in the report and in the comparison: text,
whatever they say.
"""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.project import Project, copy_of_the_project
from tests.ui.conftest import Window

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
COLUMN = "<img src=x onerror=\"window.hit='column'\">"
LEVELS = (
    "<script>window.hit='level'</script>",
    "</style></svg><svg onload=\"window.hit='svg'\">",
    "' onmouseover='window.hit=1' x='",
    "&lt;b&gt; {{7*7}} ${7*7}",
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that was trained on such a table, and compared with itself."""
    project = copy_of_the_project(tmp_path_factory.mktemp("project"), sends=False)
    chance = random.Random(1)  # noqa: S311 - a test that can be repeated
    lines = ["\t".join(["y", COLUMN, "level"])]
    for i in range(400):
        x = chance.random()
        lines.append(f"{x + chance.random() / 10}\t{x}\t{LEVELS[i % len(LEVELS)]}")
    (project.folder / "table.tsv").write_text("\n".join(lines) + "\n")
    project.run("linreg", "use", "table.tsv", "--target", "y")
    project.run_stages("ingest", "split", "train", "evaluate")
    project.run("linreg", "compare", "workspace", "workspace")
    return project


@pytest.mark.parametrize("name", ["models/evaluation/report.html", "comparison.html"])
def test_a_page_shows_them_as_they_are_and_executes_none(
    project: Project, window: Callable[..., Window], name: str
) -> None:
    seen = window(offline=True)
    dialogs: list[str] = []
    seen.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    page = seen.open((Path(project.folder) / name).as_uri())
    text = page.locator("body").text_content() or ""
    assert COLUMN in text
    _reference, *others = sorted(LEVELS)
    assert [level for level in others if level not in text] == []
    for element in page.locator("svg text, td, th").all()[:40]:
        element.hover(force=True)
    assert page.evaluate("window.hit") is None
    assert page.locator("img, [onerror], [onload], [onmouseover]").count() == 0
    scripts = page.locator("script").all_text_contents()
    assert not any("window.hit" in script for script in scripts)
    assert (dialogs, seen.asked_elsewhere, seen.errors) == ([], [], [])
    seen.keep(f"hostile-{Path(name).stem}", whole=True)
