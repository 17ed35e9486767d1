"""A plot as SVG text: one pair of axes and the marks on it.

A drawing library would do, at two seconds a report and with the rounding of its numerics in every
file; here a coordinate is a float64 rounded to a tenth of a unit, so that a report has the same
bytes on every machine. Colours, dashes and fonts are the page's: marks name a class such as `a`
(the first run), `b` (the second), `exact`, `band`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from linreg.data.formula.portable_math import log10

Floats = NDArray[np.float64]

WIDTH, HEIGHT = 440, 290
LEFT, RIGHT, TOP, BOTTOM = 62, 12, 26, 44
CIRCLE = 0.5522847498307936
"""4/3·(√2 − 1): the control points of four cubic Bézier curves that make a circle, but for 0.03 %
of its radius.
"""
MOST_TICKS = 6


@dataclass(frozen=True)
class Axis:
    """A range of values along one side of a plot, low < high; on a logarithmic axis both are above
    0.
    """

    label: str
    low: float
    high: float
    logarithmic: bool = False

    @classmethod
    def around(
        cls, label: str, values: Iterable[Any], *, logarithmic: bool = False, margin: float = 0.05
    ) -> "Axis":
        """Return an axis that shows all values that are finite (and above 0, if logarithmic) with
        some margin.
        """
        known = np.array([value for value in values if value is not None], np.float64)
        known = known[np.isfinite(known) & ((known > 0) | (not logarithmic))]
        low, high = (float(known.min()), float(known.max())) if len(known) else (1.0, 1.0)
        if logarithmic:
            return cls(label, max(low / 1.25, 1e-300), min(max(high, 1e-300), 1e308) * 1.25, True)
        size = max(abs(low), abs(high))
        with np.errstate(over="ignore"):
            # of one value, but for rounding
            narrow = high - low <= 1e-12 * size
            room = 0.05 * size or 1.0 if narrow else margin * (high - low)
            below, above = low - room, high + room
        return cls(
            label, below if np.isfinite(below) else low, above if np.isfinite(above) else high
        )

    def place(self, values: Any) -> Floats:
        """Return where values lie between low (0) and high (1); NaN for what a logarithmic axis
        cannot show.
        """
        values = np.asarray(values, np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            if self.logarithmic:
                ends = log10(np.array([self.low, self.high]))
                found: Floats = (log10(np.where(values > 0, values, np.nan)) - ends[0]) / (
                    ends[1] - ends[0]
                )
                return found
            # the range of all float64 is beyond float64
            half = self.high / 2 - self.low / 2
            return np.asarray((values / 2 - self.low / 2) / half)

    def ticks(self) -> list[tuple[float, str]]:
        """Return a few round values with their text."""
        if self.logarithmic:
            first, last = Decimal(self.low).adjusted(), Decimal(self.high).adjusted()
            for digits in ((1,), (1, 3), (1, 2, 5), tuple(range(1, 10))):
                values = [
                    float(Decimal(d).scaleb(e)) for e in range(first, last + 1) for d in digits
                ]
                values = [value for value in values if self.low <= value <= self.high]
                if len(values) > 2:
                    break
            if len(values) > 1:
                return [
                    (value, f"{value:.10g}") for value in values[:: -(-len(values) // MOST_TICKS)]
                ]
        low, high = Decimal(self.low), Decimal(self.high)
        unit = Decimal(1).scaleb((high - low).adjusted() - 1)
        step = next(
            unit * k for k in (1, 2, 5, 10, 20, 50, 100) if (high - low) / (unit * k) <= MOST_TICKS
        )
        least = (low / step).to_integral_value(rounding="ROUND_CEILING")
        values_at = [(least + i) * step for i in range(MOST_TICKS + 1)]
        return [(float(value), _text(value, step)) for value in values_at if value <= high]


class Plot:
    """Marks are added in the order in which they are painted; `svg` returns the drawing."""

    def __init__(self, x: Axis, y: Axis, *, rows: Sequence[str] = ()) -> None:
        """`rows` are names for y = 0, 1, …, told in place of numbers, the first at the top."""
        self._x, self._y, self._rows = x, y, rows
        self._marks: list[str] = []
        self._legend: list[tuple[str, str, str]] = []
        self._left = LEFT if not rows else min(40 + 6 * max(map(len, rows)), 150)
        self._width = WIDTH - self._left - RIGHT
        self.height = HEIGHT - TOP - BOTTOM if not rows else 24 * len(rows)

    def line(self, x: Any, y: Any, kind: str, legend: str = "") -> None:
        """Join points by a line, as long as it is known where they are."""
        points = self._points(x, y)
        for run in np.split(points, np.flatnonzero(np.isnan(points).any(axis=1))):
            known = run[~np.isnan(run).any(axis=1)]
            if len(known) > 1:
                self._marks.append(
                    f'<path class="line {kind}" d="M{"L".join(_pair(each) for each in known)}"/>'
                )
        self._note("line", kind, legend)

    def dots(self, x: Any, y: Any, kind: str, legend: str = "") -> None:
        """Put a dot on each point: lines without length and with round ends, one path for all of
        them.
        """
        points = self._points(x, y)
        path = "".join(f"M{_pair(each)}h0" for each in points[~np.isnan(points).any(axis=1)])
        if path:
            self._marks.append(f'<path class="dots {kind}" d="{path}"/>')
        self._note("dots", kind, legend)

    def band(self, low: float, high: float, kind: str, legend: str = "") -> None:
        """Shade what lies between two values of x."""
        left, right = self._across([low, high])
        self._marks.append(
            f'<rect class="band {kind}" x="{left:.1f}" y="0" width="{right - left:.1f}" '
            f'height="{self.height}"/>'
        )
        self._note("band", kind, legend)

    def level(self, y: float, kind: str, legend: str = "") -> None:
        """Draw a line from side to side."""
        self.line([self._x.low, self._x.high], [y, y], kind, legend)

    def upright(self, x: float, kind: str, legend: str = "") -> None:
        """Draw a line from top to bottom."""
        place = float(self._across([x])[0])
        self._marks.append(f'<path class="line {kind}" d="M{place:.1f} 0V{self.height}"/>')
        self._note("line", kind, legend)

    def ellipse(self, center: Sequence[float], factor: Floats, kind: str, legend: str = "") -> None:
        """Draw center + factor·u, for all u (2,) on the unit circle; the axes are not
        logarithmic.
        """
        c = CIRCLE
        circle = [
            (1, 0),
            (1, c),
            (c, 1),
            (0, 1),
            (-c, 1),
            (-1, c),
            (-1, 0),
            (-1, -c),
            (-c, -1),
            (0, -1),
            (c, -1),
            (1, -c),
            (1, 0),
        ]
        x = [center[0] + factor[0, 0] * u + factor[0, 1] * v for u, v in circle]
        y = [center[1] + factor[1, 0] * u + factor[1, 1] * v for u, v in circle]
        first, *rest = map(_pair, self._points(x, y))
        self._marks.append(f'<path class="line {kind}" d="M{first}C{" ".join(rest)}"/>')
        self._note("line", kind, legend)

    def text(self, x: float, y: float, text: str, anchor: str = "start") -> None:
        """Write beside a point."""
        ((px, py),) = self._points([x], [y])
        if np.isfinite([px, py]).all() and 14 < py < self.height:
            self._marks.append(
                f'<text x="{px:.1f}" y="{py - 4:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
            )

    def svg(self, title: str) -> Markup:
        """Return the drawing; `title` is what a screen reader says."""
        key, above = self._key()
        inside = f'<svg x="{self._left}" y="{TOP}" width="{self._width}" height="{self.height}">'
        return Markup(  # noqa: S704 - numbers, and text that was escaped where it came in
            f'<svg class="plot" viewBox="0 {-above} {WIDTH} {TOP + self.height + BOTTOM + above}" role="img" '
            f'aria-label="{escape(title)}">'
            f"{self._frame()}{inside}{''.join(self._marks)}</svg>{key}</svg>"
        )

    def _frame(self) -> str:
        bottom, right = TOP + self.height, self._left + self._width
        parts = [
            f'<rect class="frame" x="{self._left}" y="{TOP}" width="{self._width}" height="{self.height}"/>'
        ]
        for place, text in _placed(self._x):
            x = self._left + place * self._width
            parts.append(f'<path class="grid" d="M{x:.1f} {TOP}V{bottom}"/>')
            parts.append(f'<text x="{x:.1f}" y="{bottom + 15}" text-anchor="middle">{text}</text>')
        if self._rows:
            for i, name in enumerate(self._rows):
                short = name if len(name) < 19 else f"{name[:17]}…"
                parts.append(
                    f'<text x="{self._left - 6}" y="{TOP + 24 * i + 16}" text-anchor="end">'
                    f"<title>{escape(name)}</title>{escape(short)}</text>"
                )
        else:
            for place, text in _placed(self._y):
                y = bottom - place * self.height
                parts.append(f'<path class="grid" d="M{self._left} {y:.1f}H{right}"/>')
                parts.append(
                    f'<text x="{self._left - 5}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'
                )
            middle = TOP + self.height / 2
            parts.append(
                f'<text class="label" transform="translate(12 {middle:.1f}) rotate(-90)" '
                f'text-anchor="middle">{escape(_short(self._y.label, 42))}</text>'
            )
        parts.append(
            f'<text class="label" x="{self._left + self._width / 2:.1f}" y="{bottom + 33}" '
            f'text-anchor="middle">{escape(_short(self._x.label, 62))}</text>'
        )
        return "".join(parts)

    def _key(self) -> tuple[str, int]:
        """Return what the marks are, in lines that end above the frame, and the room that all but
        one line need.
        """
        lines: list[list[tuple[str, str, str]]] = [[]]
        for each in self._legend:
            if sum(_key_width(text) for *_, text in [*lines[-1], each]) > WIDTH - self._left + 8:
                lines.append([])
            lines[-1].append(each)
        parts = []
        for i, line in enumerate(lines):
            x, y = float(self._left), 13 - 16 * (len(lines) - 1 - i)
            for shape, kind, text in line:
                mark = {
                    "line": f'<path class="line {kind}" d="M{x:.1f} {y}h18"/>',
                    "dots": f'<path class="dots {kind} key" d="M{x + 9:.1f} {y}h0"/>',
                    "band": f'<rect class="band {kind}" x="{x:.1f}" y="{y - 6}" width="18" height="11"/>',
                }[shape]
                parts.append(f'{mark}<text x="{x + 22:.1f}" y="{y + 4}">{escape(text)}</text>')
                x += _key_width(text)
        return "".join(parts), 16 * (len(lines) - 1)

    def _note(self, shape: str, kind: str, legend: str) -> None:
        if legend:
            self._legend.append((shape, kind, legend))

    def _across(self, x: Any) -> Floats:
        found: Floats = self._x.place(x) * self._width
        return found

    def _points(self, x: Any, y: Any) -> Floats:
        """Return where points are drawn (n, 2), NaN for what has no place; far outside of the frame
        is cut short.
        """
        across = self._across([np.nan if value is None else value for value in x])
        ys = [np.nan if value is None else value for value in y]
        up = (np.asarray(ys) * 24 + 12) if self._rows else (1 - self._y.place(ys)) * self.height
        points: Floats = np.clip(np.column_stack([across, up]), -1e4, 1e4)
        return points


def _placed(axis: Axis) -> list[tuple[float, str]]:
    ticks = axis.ticks()
    return list(
        zip(
            axis.place([value for value, _ in ticks]).tolist(),
            (text for _, text in ticks),
            strict=True,
        )
    )


def _key_width(text: str) -> float:
    return 34 + 5.9 * len(text)


def _pair(point: Floats) -> str:
    return f"{_tenth(point[0])} {_tenth(point[1])}"


def _tenth(value: float) -> str:
    text = f"{value:.1f}"
    return "0" if text in ("-0.0", "0.0") else text.removesuffix(".0")


def _text(value: Decimal, step: Decimal) -> str:
    """Return all digits of a tick, plainly where that is short, else with an exponent."""
    if not value:
        return "0"
    if step.adjusted() > -5 and value.adjusted() < 7:
        return format(value.normalize(), "f")
    return format(value.normalize(), "e")


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
