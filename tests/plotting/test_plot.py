"""Marks are drawn where their values are, and every drawing is well-formed."""

import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.plotting.axis import Axis
from linreg.plotting.plot import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Plot

finite = st.floats(allow_nan=False, allow_infinity=False)


def numbers(path: str) -> list[list[float]]:
    return [[float(value) for value in pair] for pair in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path)]


def marks(plot: Plot, kind: str) -> list[ET.Element]:
    tree = ET.fromstring(plot.svg("t"))  # noqa: S314 - our own
    return [each for each in tree.iter() if kind in (each.get("class") or "").split()]


def test_a_line_goes_through_its_points() -> None:
    plot = Plot(Axis("x", 0, 10), Axis("y", 0, 1))
    plot.line([0, 5, 10], [0, 0.25, 1], "a")
    (line,) = marks(plot, "a")
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    assert numbers(str(line.get("d"))) == [[0, height], [width / 2, height * 0.75], [width, 0]]


def test_an_unknown_value_interrupts_a_line() -> None:
    plot = Plot(Axis("x", 0, 10), Axis("y", 0, 1))
    plot.line([0, 1, 2, 3, 4], [0, 1, None, 1, 0], "a")
    assert [len(numbers(str(each.get("d")))) for each in marks(plot, "a")] == [2, 2]


@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=30), st.booleans())
def test_every_float64_has_a_position_in_the_drawing(
    points: list[tuple[float, float]], logarithmic: bool
) -> None:
    x, y = zip(*points, strict=True)
    plot = Plot(Axis.around("x", x), Axis.around("y", y, logarithmic=logarithmic))
    plot.dots(x, y, "a", "legend <&>")
    plot.line(x, y, "b")
    text = plot.svg("a <title>")
    assert "nan" not in text
    assert "inf" not in text
    drawn = [each for each in marks(plot, "dots") if "key" not in str(each.get("class"))]
    shown = [value for value in y if value > 0 or not logarithmic]
    assert sum(str(each.get("d")).count("M") for each in drawn) == len(shown)


def test_an_ellipse_is_the_image_of_the_unit_circle() -> None:
    plot = Plot(Axis("x", -10, 10), Axis("y", -10, 10))
    factor = np.array([[3.0, 0.0], [2.0, 4.0]])
    plot.ellipse([1, -1], factor, "ring")
    (ring,) = marks(plot, "ring")
    first, *rest = numbers(str(ring.get("d")))
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    controls, start = np.array(rest).reshape(-1, 3, 2), np.array(first)
    for a, b, end in controls:
        for t in np.linspace(0, 1, 9):
            point = (
                (1 - t) ** 3 * start
                + 3 * t * (1 - t) ** 2 * a
                + 3 * t * t * (1 - t) * b
                + t**3 * end
            )
            data = np.array([point[0] / width * 20 - 10, 10 - point[1] / height * 20]) - [1, -1]
            assert np.linalg.norm(np.linalg.solve(factor, data)) == pytest.approx(1, abs=0.01)
        start = end
