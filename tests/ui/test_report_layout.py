"""Nothing on the report is cut off or lies on top of something else, however many coefficients
there are and however long their names: on a desktop, on a phone, on paper.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pytest

from linreg.results.run_results import RunResults
from tests.evaluated_runs import evaluated as evaluated
from tests.ui.conftest import Window

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
TALLEST_ROW = 130
"""A row of a table that is higher is no row any more."""
TEXT_OF_FIGURES = """
() => [...document.querySelectorAll("svg.plot")].flatMap(plot => {
    const frame = plot.getBoundingClientRect();
    const name = plot.getAttribute("aria-label");
    const boxOf = text => [text.textContent, text.getBoundingClientRect()];
    const texts = [...plot.querySelectorAll("text")].map(boxOf);
    const outside = texts.filter(([_, box]) =>
        box.left < frame.left - 1 || box.right > frame.right + 1
        || box.top < frame.top - 1 || box.bottom > frame.bottom + 1);
    const over = texts.flatMap(([a, p], i) => texts.slice(i + 1).filter(([_, q]) =>
        p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 3 && q.top < p.bottom - 3
    ).map(([b]) => `${name}: ${a} over ${b}`));
    return [...outside.map(([text]) => `${name}: ${text} is cut off`), ...over];
})
"""
CLIPPED = """
() => [...document.querySelectorAll("h1, h2, p, li, td, th, pre, figcaption")].filter(element => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const [text, box] = [range.getBoundingClientRect(), element.getBoundingClientRect()];
    return text.width && (text.left < box.left - 1 || text.right > box.right + 1
        || text.top < box.top - 2 || text.bottom > box.bottom + 2);
}).map(element => `${element.tagName}: ${element.textContent.slice(0, 60)}`)
"""
OVERLAPPING = """
() => {
    const boxOf = element => [element, element.getBoundingClientRect()];
    const boxes = [...document.querySelectorAll("h1, h2, p, li, pre, figure, .wide")]
        .map(boxOf).filter(([_, box]) => box.height);
    return boxes.flatMap(([a, p], i) => boxes.slice(i + 1).filter(([b, q]) => !a.contains(b)
        && p.left < q.right - 1 && q.left < p.right - 1
        && p.top < q.bottom - 1 && q.top < p.bottom - 1
    ).map(([b]) => `${a.textContent.slice(0, 40)} over ${b.textContent.slice(0, 40)}`));
}
"""
HIGH_ROWS = """
most => [...document.querySelectorAll("tr")].filter(
    row => row.getBoundingClientRect().height > most).map(row => row.textContent.slice(0, 60))
"""
TABLES = """
() => [...document.querySelectorAll(".wide")].map(frame => [
    frame.scrollWidth > frame.clientWidth + 1,
    parseFloat(getComputedStyle(frame, "::before").height) > 0,
    frame.textContent.trim().slice(0, 40),
])
"""
TOGETHER = """
() => [...document.querySelectorAll("h2, h2 + p, figure, tr")].filter(element => {
    const style = getComputedStyle(element);
    const kept = element.matches("h2, h2 + p") ? style.breakAfter : style.breakInside;
    return kept !== "avoid";
}).length
"""


class Case(NamedTuple):
    """A formula, its rows, and the options of `evaluated`."""

    formula: str
    rows: pa.Table
    options: dict[str, Any]


def numbers(num_features: int, n: int = 400, seed: int = 1) -> pa.Table:
    """Return y and x1 … of all sizes: of columns in millions the coefficients are tiny."""
    random = np.random.default_rng(seed)
    X = random.standard_normal((n, num_features)) * 10.0 ** (np.arange(num_features) % 7 - 3)
    y = 3 + X @ (2.0 / 10.0 ** (np.arange(num_features) % 7 - 3)) + random.standard_normal(n)
    return pa.table({"y": y} | {f"x{j + 1}": X[:, j] for j in range(num_features)})


def all_of(rows: pa.Table) -> str:
    return f"y ~ {' + '.join(rows.column_names[1:])}"


def levels(count: int, length: int = 60) -> list[str]:
    """Return long names, some with spaces and some without."""
    words = [
        "the",
        "quick",
        "brown",
        "fox",
        "jumps",
        "over",
        "a",
        "lazy",
        "dog",
        "and",
        "away",
        "it",
        "runs",
        "far",
    ]
    return [
        (" " if i % 2 else "_").join([str(i), *words])[:length].strip().ljust(length, "z")
        for i in range(count)
    ]


def categories(count: int, n: int = 1500) -> pa.Table:
    random = np.random.default_rng(2)
    names = np.array(levels(count))
    code = random.integers(0, count, n)
    x = random.standard_normal(n)
    y = code / count + x + random.standard_normal(n)
    return pa.table(
        {"y": y, "a column with quite a long name of its own, in words": names[code], "x": x}
    )


def in_time(n: int = 300) -> pa.Table:
    day = np.datetime64("2021-01-15", "D") + np.arange(n)
    rows = numbers(2, n).append_column("day", pa.array(day))
    return rows.append_column("w", pa.array(np.arange(1.0, n + 1)))


LONG = "`a column with quite a long name of its own, in words`"
EXACT = {"solver": "exact"}
MOST_TELLING = ("3", "120 levels", "6 levels", "ridge")
CASES = {
    "3": Case(all_of(numbers(2)), numbers(2), {"scale": "standardize"}),
    "30": Case(all_of(numbers(29)), numbers(29), EXACT),
    "120": Case(all_of(numbers(119)), numbers(119), EXACT),
    "120 levels": Case(f"y ~ {LONG} + x", categories(119), EXACT),
    "6 levels": Case(f"y ~ {LONG} * x", categories(6), {"lr": 0.001}),
    "in time": Case("y ~ x1 + x2", in_time(), {**EXACT, "split_by": "time:day", "weights": "w"}),
    "ridge": Case(all_of(numbers(5)), numbers(5), {**EXACT, "l2": 0.5}),
    "12 rows": Case(all_of(numbers(3, 12)), numbers(3, 12), EXACT),
    "a million rows": Case(all_of(numbers(3, 10**6)), numbers(3, 10**6), EXACT),
    "heavy tails": Case(
        "y ~ x1",
        pa.table(
            {"y": np.random.default_rng(3).standard_cauchy(500) * 1e6, "x1": np.arange(500.0)}
        ),
        EXACT,
    ),
}


@pytest.fixture
def page_of(evaluated: Callable[..., RunResults], tmp_path: Path) -> Callable[[str], Path]:
    """Returns the page of a case."""

    def page_of(name: str) -> Path:
        case = CASES[name]
        evaluated(case.formula, case.rows, name="run", test=case.rows, **case.options)
        return tmp_path / "run/report.html"

    return page_of


@pytest.mark.parametrize(
    "case",
    [
        case if case in MOST_TELLING else pytest.param(case, marks=pytest.mark.very_slow)
        for case in CASES
    ],
)
def test_nothing_is_cut_off_and_nothing_overlaps(
    case: str, page_of: Callable[[str], Path], window: Callable[..., Window]
) -> None:
    path = page_of(case)
    for medium, width in (("desktop", 1280), ("phone", 400), ("print", 688)):
        seen = window(offline=True)
        seen.page.set_viewport_size({"width": width, "height": 900})
        seen.page.emulate_media(media="print" if medium == "print" else "screen")
        page = seen.open(path.as_uri())
        page.wait_for_timeout(100)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(TEXT_OF_FIGURES) == []
        assert page.evaluate(CLIPPED) == []
        assert page.evaluate(OVERLAPPING) == []
        assert page.evaluate(HIGH_ROWS, TALLEST_ROW) == []
        for scrolls, has_sign, text in page.evaluate(TABLES):
            assert scrolls == has_sign, f"{medium}: {text}"
            assert not (scrolls and medium == "print"), text
        if medium == "print":
            assert page.evaluate(TOGETHER) == 0
        assert (seen.asked_elsewhere, seen.errors) == ([], [])
        seen.keep(f"layout-{case}-{medium}".replace(" ", "-"), whole=True)


def test_dark_mode_has_light_text_on_dark_paper_and_paper_does_not(
    page_of: Callable[[str], Path], window: Callable[..., Window]
) -> None:
    """By the relative luminance of WCAG: a contrast of 4.5 at least."""
    path = page_of("3")
    seen = window(offline=True)
    for scheme, media, is_dark in (
        ("light", "screen", False),
        ("dark", "screen", True),
        ("dark", "print", False),
    ):
        seen.page.emulate_media(media=media, color_scheme=scheme)  # type: ignore[arg-type]
        page = seen.open(path.as_uri())
        paper = luminance(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert (paper < 0.2) == is_dark
        for selector in ("p", "th", "td", "figcaption", ".banner", "li"):
            of = f"document.querySelector('{selector}')"
            ink = luminance(page.evaluate(f"getComputedStyle({of}).color"))
            light, dark = max(ink, paper), min(ink, paper)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (scheme, media, selector)
        for selector in ("svg text", "svg text.label"):
            ink = luminance(
                page.evaluate(f"getComputedStyle(document.querySelector('{selector}')).fill")
            )
            light, dark = max(ink, paper), min(ink, paper)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (scheme, media, selector)


def luminance(color: str) -> float:
    """Return the relative luminance of `rgb(r, g, b)`, 0 for black and 1 for white."""
    channels = [int(part) / 255 for part in color[color.index("(") + 1 : -1].split(",")[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
