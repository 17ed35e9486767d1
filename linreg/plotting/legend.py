"""The legend of a plot: marks with their texts, on as many lines as they need."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import escape

from linreg.plotting.labels import text_width

LINE_HEIGHT = 16
LAST_LINE = 13
"""How far below the top of the drawing the last line lies; the others lie above it."""


class LegendEntry(NamedTuple):
    """A mark with its text; `shape` is line, dots or band, and empty for a text without a mark."""

    shape: str
    css_class: str
    text: str

    @property
    def width(self) -> float:
        """The room it takes, estimated from the letters."""
        return 34 + text_width(self.text)


def draw_legend(entries: Sequence[LegendEntry], left: float, width: float) -> tuple[str, int]:
    """Return the legend as SVG, and by how much its lines extend above the drawing."""
    lines: list[list[LegendEntry]] = [[]]
    for entry in entries:
        if sum(each.width for each in [*lines[-1], entry]) > width:
            lines.append([])
        lines[-1].append(entry)
    added = LINE_HEIGHT * (len(lines) - 1)
    parts = []
    for i, line in enumerate(lines):
        x, y = float(left), LAST_LINE - added + LINE_HEIGHT * i
        for entry in line:
            parts.append(_mark(entry, x, y))
            parts.append(f'<text x="{x + 22:.1f}" y="{y + 4}">{escape(entry.text)}</text>')
            x += entry.width
    return "".join(parts), added


def _mark(entry: LegendEntry, x: float, y: int) -> str:
    css_class = f"{entry.shape} {entry.css_class}"
    if entry.shape == "line":
        return f'<path class="{css_class}" d="M{x:.1f} {y}h18"/>'
    if entry.shape == "dots":
        return f'<path class="{css_class} key" d="M{x + 9:.1f} {y}h0"/>'
    if entry.shape == "band":
        return f'<rect class="{css_class}" x="{x:.1f}" y="{y - 6}" width="18" height="11"/>'
    return ""
