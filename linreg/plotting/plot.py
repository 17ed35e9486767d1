"""A plot as SVG text: two axes and the marks between them.

A plotting library would do, but takes two seconds for each report, and the rounding of its numerics
ends up in every file. Here a coordinate is a float64 rounded to a tenth of a unit, so that a report
has the same bytes on every machine. Colours, dashes and fonts are in report.css: marks name a CSS
class such as `a` (the first run), `b` (the second), `exact` or `band`.
"""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from markupsafe import Markup, escape

from linreg.arrays import Floats
from linreg.plotting.axis import MAX_TICKS, Axis, Tick
from linreg.plotting.labels import LINE_HEIGHT, shortened, text_lines, text_width, wrapped
from linreg.plotting.legend import LegendEntry, draw_legend

RUN_CLASSES = ("a", "b")
"""The CSS classes of the first and of the second run."""
WIDTH, HEIGHT = 440, 296
LEFT, RIGHT, TOP, BOTTOM = 62, 12, 26, 50
ROW_HEIGHT = 24
QUARTER_CIRCLE = 0.5522847498307936
"""4/3·(√2 − 1): with it four cubic Bézier curves approximate a circle to 0.03 % of its radius."""
UNIT_CIRCLE = (
    (1.0, 0.0),
    (1.0, QUARTER_CIRCLE),
    (QUARTER_CIRCLE, 1.0),
    (0.0, 1.0),
    (-QUARTER_CIRCLE, 1.0),
    (-1.0, QUARTER_CIRCLE),
    (-1.0, 0.0),
    (-1.0, -QUARTER_CIRCLE),
    (-QUARTER_CIRCLE, -1.0),
    (0.0, -1.0),
    (QUARTER_CIRCLE, -1.0),
    (1.0, -QUARTER_CIRCLE),
    (1.0, 0.0),
)
"""Start point, then two control points and the end point of each of the four curves."""
MAX_ROW_LABEL, LINES_OF_ROW_LABEL = 165, 5
"""Width of the labels of rows, and how many lines one may take."""


class Plot:
    """Collects marks in the order in which they are painted; `svg` returns the drawing."""

    def __init__(self, x: Axis, y: Axis, *, rows: Sequence[str] = ()) -> None:
        """`rows` are labels for y = 0, 1, … in place of the y axis, the first at the top."""
        self._x, self._y, self._rows = x, y, rows
        self._marks: list[str] = []
        self._legend: list[LegendEntry] = []
        self._labels = [wrapped(row, MAX_ROW_LABEL, LINES_OF_ROW_LABEL) for row in rows]
        if rows:
            lines = [line for label in self._labels for line in label]
            self._left = round(min(22 + max(map(text_width, lines)), MAX_ROW_LABEL + 12))
        else:
            self._left = max(LEFT, round(26 + max(text_width(text) for _, text in _ticks(y))))
        heights = [max(ROW_HEIGHT, LINE_HEIGHT * len(label) + 8) for label in self._labels]
        # Where each row begins.
        self._tops = list(accumulate(heights, initial=0))
        self._width = WIDTH - self._left - RIGHT
        self._height = self._tops[-1] if rows else HEIGHT - TOP - BOTTOM

    def line(self, x: Any, y: Any, css_class: str, legend: str = "") -> None:
        """Connect points (None and NaN interrupt the line)."""
        points = self._points(x, y)
        for piece in np.split(points, np.flatnonzero(np.isnan(points).any(axis=1))):
            known = piece[~np.isnan(piece).any(axis=1)]
            if len(known) > 1:
                path = "L".join(map(_pair, known))
                self._marks.append(f'<path class="line {css_class}" d="M{path}"/>')
        self._add_to_legend("line", css_class, legend)

    def dots(self, x: Any, y: Any, css_class: str, legend: str = "") -> None:
        """Draw a dot at each point: in one path, as lines of length 0 with round ends."""
        points = self._points(x, y)
        path = "".join(f"M{_pair(point)}h0" for point in points[~np.isnan(points).any(axis=1)])
        if path:
            self._marks.append(f'<path class="dots {css_class}" d="{path}"/>')
        self._add_to_legend("dots", css_class, legend)

    def bars(self, edges: Sequence[float], heights: Sequence[float], css_class: str) -> None:
        """Draw a bar from y = 0 between each two edges (n + 1,) of the heights (n,)."""
        left = self._points(edges, [0.0] * len(edges))
        top = self._points(edges[1:], heights)
        path = "".join(
            f"M{_tenth(x)} {_tenth(bottom)}V{_tenth(y)}H{_tenth(right)}V{_tenth(bottom)}Z"
            for (x, bottom), (right, y) in zip(left[:-1], top, strict=True)
        )
        self._marks.append(f'<path class="bars {css_class}" d="{path}"/>')

    def band(self, low: float, high: float, css_class: str, legend: str = "") -> None:
        """Shade the area between two values of x."""
        left, right = self._x_coordinates([low, high])
        self._marks.append(
            f'<rect class="band {css_class}" x="{left:.1f}" y="0" width="{right - left:.1f}" '
            f'height="{self._height}"/>'
        )
        self._add_to_legend("band", css_class, legend)

    def horizontal_line(self, y: float, css_class: str, legend: str = "") -> None:
        """Draw a line from the left to the right side."""
        self.line([self._x.low, self._x.high], [y, y], css_class, legend)

    def vertical_line(self, x: float, css_class: str) -> None:
        """Draw a line from top to bottom."""
        position = float(self._x_coordinates([x])[0])
        path = f"M{position:.1f} 0V{self._height}"
        self._marks.append(f'<path class="line {css_class}" d="{path}"/>')

    def ellipse(
        self, center: Sequence[float], factor: Floats, css_class: str, legend: str = ""
    ) -> None:
        """Draw center + factor·u for all u (2,) on the unit circle; the axes must be linear."""
        x = [center[0] + factor[0, 0] * u + factor[0, 1] * v for u, v in UNIT_CIRCLE]
        y = [center[1] + factor[1, 0] * u + factor[1, 1] * v for u, v in UNIT_CIRCLE]
        first, *rest = map(_pair, self._points(x, y))
        self._marks.append(f'<path class="line {css_class}" d="M{first}C{" ".join(rest)}"/>')
        self._add_to_legend("line", css_class, legend)

    def text(self, x: float, y: float, text: str) -> None:
        """Write a text centred above a point, unless it would leave the frame."""
        ((left, top),) = self._points([x], [y])
        if np.isfinite([left, top]).all() and 14 < top < self._height:
            self._marks.append(
                f'<text x="{left:.1f}" y="{top - 4:.1f}" text-anchor="middle">{escape(text)}</text>'
            )

    def svg(self, title: str) -> Markup:
        """Return the drawing; `title` is read out by screen readers."""
        legend, above = draw_legend(self._legend, self._left, WIDTH - self._left + 8)
        total = TOP + self._height + BOTTOM + above
        return Markup(  # noqa: S704 - numbers, and text that was escaped where it came in
            f'<svg class="plot" viewBox="0 {-above} {WIDTH} {total}" role="img" '
            f'aria-label="{escape(title)}">{self._frame()}'
            f'<svg x="{self._left}" y="{TOP}" width="{self._width}" height="{self._height}">'
            f"{''.join(self._marks)}</svg>{legend}</svg>"
        )

    def _frame(self) -> str:
        frame = (
            f'<rect class="frame" x="{self._left}" y="{TOP}" width="{self._width}" '
            f'height="{self._height}"/>'
        )
        y_axis = self._row_labels() if self._rows else self._y_axis()
        return "".join([frame, *self._x_ticks(), *y_axis, self._x_label()])

    def _x_ticks(self) -> list[str]:
        bottom = TOP + self._height
        parts = []
        for position, text in self._fitting_x_ticks():
            x = self._left + position * self._width
            # A text at the end of the axis stays within the drawing.
            room = min(x, WIDTH - x) - 1
            half = text_width(text) / 2
            shift = (half - room) * (1 if x < WIDTH / 2 else -1) if half > room else 0.0
            parts.append(f'<path class="grid" d="M{x:.1f} {TOP}V{bottom}"/>')
            parts.append(text_lines([text], x + shift, bottom + 11, "middle", ""))
        return parts

    def _fitting_x_ticks(self) -> list[tuple[float, str]]:
        """Return as many ticks as have room side by side."""
        for most in range(MAX_TICKS, 1, -1):
            ticks = _ticks(self._x, most)
            widest = max((text_width(text) for _, text in ticks), default=0.0)
            positions = [position for position, _ in ticks]
            gaps = [(b - a) * self._width for a, b in pairwise(positions)]
            if min(gaps, default=widest + 10) >= widest + 10:
                break
        return ticks

    def _x_label(self) -> str:
        middle, y = self._left + self._width / 2, TOP + self._height + 29
        lines = wrapped(self._x.label, 2 * min(middle, WIDTH - middle) - 6, 2)
        return text_lines(lines, middle, y, "middle", "label", self._x.label)

    def _y_axis(self) -> list[str]:
        parts = []
        for position, text in _ticks(self._y):
            y = TOP + self._height - position * self._height
            right = self._left + self._width
            parts.append(f'<path class="grid" d="M{self._left} {y:.1f}H{right}"/>')
            parts.append(text_lines([text], self._left - 5, y, "end", ""))
        middle = TOP + self._height / 2
        parts.append(
            f'<text class="label" transform="translate(12 {middle:.1f}) rotate(-90)" '
            f'text-anchor="middle"><title>{escape(self._y.label)}</title>'
            f"{escape(shortened(self._y.label, self._height + 30))}</text>"
        )
        return parts

    def _row_labels(self) -> list[str]:
        parts = []
        for name, lines, top, below in zip(
            self._rows, self._labels, self._tops, self._tops[1:], strict=False
        ):
            middle = TOP + (top + below) / 2 - LINE_HEIGHT * (len(lines) - 1) / 2
            parts.append(text_lines(lines, self._left - 6, middle, "end", "", name))
        return parts

    def _add_to_legend(self, shape: str, css_class: str, text: str) -> None:
        if text:
            self._legend.append(LegendEntry(shape, css_class, text))

    def legend_text(self, text: str) -> None:
        """Add a text to the legend that belongs to no mark."""
        self._legend.append(LegendEntry("", "", text))

    def _x_coordinates(self, x: Any) -> Floats:
        coordinates: Floats = self._x.position(x) * self._width
        return coordinates

    def _points(self, x: Any, y: Any) -> Floats:
        """Return the coordinates (n, 2) of points: NaN for what has none.

        Points far outside of the frame are moved nearer, since browsers compute in float32.
        """
        across = self._x_coordinates([np.nan if value is None else value for value in x])
        ys = np.asarray([np.nan if value is None else value for value in y])
        down = self._down_rows(ys) if self._rows else (1 - self._y.position(ys)) * self._height
        points: Floats = np.clip(np.column_stack([across, down]), -1e4, 1e4)
        return points

    def _down_rows(self, ys: Floats) -> Floats:
        """Return how far below the top of the frame a row (n,) is, and what lies beside it."""
        row = np.nan_to_num(np.rint(ys)).astype(int).clip(0, len(self._rows) - 1)
        tops = np.array(self._tops)
        down: Floats = (tops[row] + tops[row + 1]) / 2 + (ys - row) * ROW_HEIGHT
        return down


def _ticks(axis: Axis, most: int = MAX_TICKS) -> list[tuple[float, str]]:
    """Return the position (0 to 1) and the text of each tick."""
    ticks: list[Tick] = axis.ticks(most)
    positions = axis.position([tick.value for tick in ticks]).tolist()
    return [(position, tick.text) for position, tick in zip(positions, ticks, strict=True)]


def _pair(point: Floats) -> str:
    return f"{_tenth(point[0])} {_tenth(point[1])}"


def _tenth(value: float) -> str:
    text = f"{value:.1f}"
    return "0" if text in ("-0.0", "0.0") else text.removesuffix(".0")
