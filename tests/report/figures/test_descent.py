"""The path of gradient descent is drawn over contours of the loss."""

import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from linreg.arrays import Floats
from linreg.report.figures.descent import contour_factor, path_end_figure, path_figure
from linreg.results.run_results import RunResults
from tests.plotting.drawing import Drawing

Evaluated = Callable[..., RunResults]


@pytest.fixture
def run(evaluated: Evaluated) -> RunResults:
    random = np.random.default_rng(3)
    x1, x2 = random.standard_normal((2, 100))
    x2 += 0.5 * x1
    y = 1.5 + 2 * x1 - x2 + random.standard_normal(100)
    return evaluated("y ~ x1 + x2", pa.table({"y": y, "x1": x1, "x2": x2}), epochs=12, lr=0.005)


def radius(run: RunResults, points: Floats) -> Floats:
    """√(n · the excess of the loss) at values of the two coefficients, (n, 2)."""
    path = run.context["path"]
    (a, b), c = path["inverse"][:2], path["inverse"][2]
    d = np.asarray(points) - path["exact"]
    inverse = np.linalg.inv([[a, b], [b, c]])
    squares: Floats = np.einsum("ni,ij,nj->n", d, inverse, d)
    return np.sqrt(squares)


def test_start_path_epochs_and_minimum_are_where_report_json_has_them(run: RunResults) -> None:
    path, drawing = run.context["path"], Drawing(path_figure(run))
    expected = np.transpose(path["mean"])
    (line,) = drawing.lines("mean")
    assert line == pytest.approx(expected, abs=0.02)
    assert drawing.dots("start") == pytest.approx(expected[:1], abs=0.02)
    assert drawing.dots("a") == pytest.approx(np.transpose(path["epochs"]), abs=0.02)
    assert drawing.dots("exact") == pytest.approx(np.array([path["exact"]]), abs=0.02)
    assert {"x1", "x2", "expected path", "start", "minimum"} <= set(drawing.texts())


def test_the_fifth_contour_goes_through_the_start(run: RunResults) -> None:
    contours = Drawing(path_figure(run)).lines("contour")
    start = np.transpose(run.context["path"]["mean"])[:1]
    # Every third control point of a Bézier curve lies on it.
    sizes = [radius(run, contour[::3]).mean() for contour in contours]
    assert sizes == pytest.approx(radius(run, start)[0] * np.arange(1, 7) / 5, rel=0.02)


def test_the_end_is_the_second_half_of_the_epochs_with_the_last_one_marked(run: RunResults) -> None:
    epochs = np.transpose(run.context["path"]["epochs"])
    drawing = Drawing(path_end_figure(run))
    assert drawing.dots("a") == pytest.approx(epochs[6:], abs=0.01)
    (line,) = drawing.lines("a thin")
    assert line == pytest.approx(epochs[6:], abs=0.01)
    assert drawing.dots("trained") == pytest.approx(epochs[-1:], abs=0.01)


def test_the_ellipse_projects_to_the_intervals_of_both_coefficients(run: RunResults) -> None:
    (ellipse,) = Drawing(path_end_figure(run)).lines("region")
    assert contour_factor(run.context["path"])[0, 1] == 0
    path, rows = run.context["path"], {c.name: c for c in run.coefficients}
    factor = contour_factor(path)
    size = radius(run, ellipse[::3]).mean()
    for i, name in enumerate(path["names"]):
        half_width = size * np.hypot(*factor[i])
        interval = rows[name].classical
        expected = [path["exact"][i] - half_width, path["exact"][i] + half_width]
        assert expected == pytest.approx([interval["low"], interval["high"]], abs=0.01)


def test_contours_are_labelled_with_the_excess_of_the_loss(run: RunResults) -> None:
    drawing = Drawing(path_end_figure(run))
    labels = [re.fullmatch(r"\+(\S+) %", text) for text in drawing.texts()]
    shown = [float(label[1]) / 100 for label in labels if label]
    contours = drawing.lines("contour")
    scale = run.context["least_loss"] * run.context["path"]["num_rows"]
    excess = [(radius(run, contour[::3]) ** 2).mean() / scale for contour in contours]
    assert 1 <= len(shown) <= len(excess) <= 4
    for value in shown:
        assert any(value == pytest.approx(each, rel=0.05) for each in excess)
    assert excess == sorted(excess)


def test_with_one_column_the_path_is_that_of_b_and_its_coefficient(evaluated: Evaluated) -> None:
    x = np.random.default_rng(3).standard_normal(50)
    run = evaluated("y ~ x", pa.table({"y": 2 * x + np.cos(9 * x), "x": x}))
    assert run.context["path"]["names"] == ["b", "x"]
    assert {"b", "x"} <= set(Drawing(path_figure(run)).texts())


@pytest.mark.parametrize(
    ("formula", "options"), [("y ~ 1", {}), ("y ~ 0 + x", {}), ("y ~ x", {"solver": "exact"})]
)
def test_without_two_coefficients_or_steps_there_is_no_path(
    formula: str, options: dict[str, str], evaluated: Evaluated
) -> None:
    x = np.random.default_rng(3).standard_normal(50)
    run = evaluated(formula, pa.table({"y": 2 * x + np.cos(9 * x), "x": x}), **options)
    assert run.context["path"] is None
    assert path_figure(run) is path_end_figure(run) is None
