"""docs/own-pipeline.md builds a project whose stages are its own, and prints what it shows.

`$ cat FILE` shows a file of the project, which is written at this place.
"""

from pathlib import Path

import pytest

from tests.docs.test_pages import examples_of, not_shown, run
from tests.project import ROOT, Project

PAGE = ROOT / "docs/own-pipeline.md"
CAT = "cat "


@pytest.mark.very_slow
@pytest.mark.timeout(900)
def test_the_page_builds_the_project_that_it_shows(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.run("linreg", "init")
    wrong: list[str] = []
    for command, shown in examples_of(PAGE):
        if command.startswith(CAT):
            path = project.folder / command.removeprefix(CAT)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(shown.rstrip("\n") + "\n", "utf-8")
        else:
            wrong += not_shown(shown, run(command, project), command)
    assert not wrong, "\n".join(wrong)
