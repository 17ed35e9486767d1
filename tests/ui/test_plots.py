"""The pictures of `dvc plots`, in a real browser that reaches no network."""

import re
from collections.abc import Callable

import pytest

from tests.project import ROOT, Project
from tests.ui.conftest import RATES, Window

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
TITLES = re.findall(
    r"^  - (.+):$", (ROOT / "dvc.yaml").read_text().partition("\nplots:\n")[2], re.MULTILINE
)
COLORS = 20
"""What axes, letters and curves with their soft edges have more of."""


def _drawn(seen: Window, project: Project, folder: str) -> list[int]:
    """Open the page, wait until every plot is drawn, and return how many colours each has."""
    page = seen.open((project.folder / folder / "index.html").as_uri())
    drawn = page.locator(".vega-embed canvas")
    drawn.nth(len(TITLES) - 1).wait_for()
    seen.keep(folder, whole=True)
    return [
        canvas.evaluate(
            "canvas => new Set(new Uint32Array(canvas.getContext('2d')"
            ".getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size"
        )
        for canvas in drawn.all()
    ]


@pytest.mark.very_slow
def test_plots_of_the_workspace_are_drawn_without_a_network(
    project: Project, window: Callable[..., Window]
) -> None:
    project.run("dvc", "plots", "show", "-o", "plots-show")
    seen = window(offline=True)
    colors = _drawn(seen, project, "plots-show")
    assert len(colors) == len(TITLES) >= 5
    assert min(colors) > COLORS
    assert (seen.errors, seen.asked_elsewhere) == ([], [])


@pytest.mark.very_slow
def test_plots_of_experiments_against_the_commit_are_drawn_without_a_network(
    project: Project, window: Callable[..., Window]
) -> None:
    project.run("dvc", "plots", "diff", *RATES, "-o", "plots-diff")
    seen = window(offline=True)
    colors = _drawn(seen, project, "plots-diff")
    assert len(colors) == len(TITLES) >= 5
    assert min(colors) > COLORS
    assert (seen.errors, seen.asked_elsewhere) == ([], [])
    page = (project.folder / "plots-diff/index.html").read_text()
    assert all(f'"rev": "{name}"' in page for name in RATES)


def test_the_page_says_what_it_is_made_of_and_its_licences_are_beside_it() -> None:
    page, licences = (ROOT / ".dvc/plots" / name for name in ("page.html", "LICENSES.txt"))
    made_of = re.search(r"<!-- Made by make_page.py from (.+); their licences", page.read_text())
    assert made_of is not None
    assert all(f"{name}\n" in licences.read_text() for name in made_of[1].split(", "))
    assert not re.search(r"<script[^>]+src=", page.read_text())
