"""The report and the comparison in a browser without network: on a desktop, a phone, on paper."""

from collections.abc import Callable

import pytest

from tests.project import Project
from tests.ui.conftest import RATES, Window

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
Open = Callable[..., Window]
BEYOND = """
() => [...document.querySelectorAll("svg.plot")].flatMap(plot => {
    const frame = plot.getBoundingClientRect();
    const name = plot.getAttribute("aria-label");
    const texts = [...plot.querySelectorAll("text")];
    const outside = texts.filter(text => !text.parentElement.closest("svg svg"));
    return outside.filter(text => {
        const box = text.getBoundingClientRect();
        return box.left < frame.left - 1 || box.right > frame.right + 1
            || box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
    }).map(text => `${name}: ${text.textContent}`);
})
"""
"""Returns the texts of figures that are cut off by the edge of their figure."""
OVERLAPPING = """
() => [...document.querySelectorAll("svg.plot")].flatMap(plot => {
    const boxOf = text => [text.textContent, text.getBoundingClientRect()];
    const texts = [...plot.querySelectorAll("text")].map(boxOf);
    return texts.flatMap(([a, p], i) => texts.slice(i + 1).filter(([b, q]) =>
        p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 3 && q.top < p.bottom - 3
    ).map(([b]) => `${plot.getAttribute("aria-label")}: ${a} over ${b}`));
})
"""
"""Returns the texts of figures that overlap."""


@pytest.fixture(scope="module")
def pages(project: Project) -> dict[str, str]:
    """The addresses of the report of the last experiment and of the comparison of two."""
    names = list(RATES)
    project.run("linreg", "compare", names[0], names[-1])
    files = {"report": "models/evaluation/report.html", "comparison": "comparison.html"}
    return {name: (project.folder / path).as_uri() for name, path in files.items()}


@pytest.mark.very_slow
@pytest.mark.parametrize("name", ["report", "comparison"])
@pytest.mark.parametrize(("medium", "width"), [("desktop", 1100), ("phone", 390), ("print", 760)])
def test_no_text_is_cut_off_and_nothing_is_loaded(
    pages: dict[str, str], window: Open, name: str, medium: str, width: int
) -> None:
    seen = window(offline=True)
    seen.page.set_viewport_size({"width": width, "height": 900})
    seen.page.emulate_media(media="print" if medium == "print" else "screen")
    page = seen.open(pages[name])
    assert page.locator("svg.plot").count() >= 9
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(BEYOND) == []
    assert page.evaluate(OVERLAPPING) == []
    assert (seen.asked_elsewhere, seen.errors) == ([], [])
    seen.keep(f"{name}-{medium}", whole=True)


def test_two_runs_differ_by_the_shape_of_their_marks_not_only_by_colour(
    pages: dict[str, str], window: Open
) -> None:
    """In greyscale and for the colour-blind: lines by their dashes, dots by their corners."""
    page = window(offline=True).open(pages["comparison"])
    for mark, style in (("line:not(.whisker)", "strokeDasharray"), ("dots", "strokeLinecap")):
        program = f"run => getComputedStyle(document.querySelector('svg .{mark}.' + run)).{style}"
        assert page.evaluate(program, "a") != page.evaluate(program, "b")
