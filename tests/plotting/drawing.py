"""A drawing read back: its marks in the units of the data, by way of the labels of its axes."""

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np

from linreg.arrays import Floats

NUMBER = r"-?[\d.]+(?:e[+-]?\d+)?"


class Drawing:
    """Positions are exact to 0.05 units of the drawing, which is 366 units wide and 220 high."""

    def __init__(self, svg: object, *, log_y: bool = False) -> None:
        self._tree = ET.fromstring(str(svg))  # noqa: S314 - our own
        (self._inside,) = [each for each in self._tree if each.tag == "svg"]
        self._left, self._top = (float(self._inside.get(name, "")) for name in ("x", "y"))
        self._log_y = log_y
        x_ticks, y_ticks = [], []
        outside = list(self._tree)
        for path, text in pairwise(outside):
            if path.get("class") == "grid":
                number = float(text.text or "")
                x, y = (float(value) for value in re.findall(NUMBER, path.get("d", ""))[:2])
                if "V" in path.get("d", ""):
                    x_ticks.append((x - self._left, number))
                else:
                    y_ticks.append((y - self._top, np.log10(number) if log_y else number))
        self._x = _line_through(x_ticks)
        self._y = _line_through(y_ticks) if y_ticks else None

    def dots(self, css_class: str) -> Floats:
        """The dots of a class, (n, 2), in the order in which they were drawn."""
        paths = [each.get("d", "") for each in self._marks("dots", css_class)]
        return self._points(re.findall(rf"M({NUMBER}) ({NUMBER})h0", "".join(paths)))

    def lines(self, css_class: str) -> list[Floats]:
        """The points of each line of a class; of an ellipse its control points, too."""
        paths = [each.get("d", "") for each in self._marks("line", css_class)]
        return [self._points(re.findall(rf"({NUMBER}) ({NUMBER})", path)) for path in paths]

    def vertical_line(self, css_class: str) -> float:
        """The x of a line from top to bottom."""
        (mark,) = self._marks("line", css_class)
        (x,) = re.findall(rf"M({NUMBER}) 0V", mark.get("d", ""))
        return float(np.polyval(self._x, float(x)))

    def band(self) -> tuple[float, float]:
        """The ends of the band."""
        (mark,) = self._marks("band", "band")
        left, width = float(mark.get("x", "")), float(mark.get("width", ""))
        low, high = np.polyval(self._x, [left, left + width]).tolist()
        return low, high

    def texts(self) -> list[str]:
        """All texts outside of the frame and within; of a row its label, without the tooltip."""
        texts = self._tree.iter("text")
        return [(text.text or "") + "".join(part.tail or "" for part in text) for text in texts]

    def _marks(self, shape: str, css_class: str) -> list[ET.Element]:
        wanted = {shape, *css_class.split()}
        return [each for each in self._inside if wanted == set((each.get("class") or "").split())]

    def _points(self, pairs: list[tuple[str, str]]) -> Floats:
        points = np.array(pairs, np.float64).reshape(-1, 2)
        x = np.polyval(self._x, points[:, 0])
        if self._y is None:
            # Rows are 24 units high, and marks lie in their middle.
            return np.column_stack([x, (points[:, 1] - 12) / 24])
        y = np.polyval(self._y, points[:, 1])
        return np.column_stack([x, 10**y if self._log_y else y])


def _line_through(ticks: list[tuple[float, float]]) -> Floats:
    """Return the coefficients by which a position becomes a value."""
    positions, values = np.transpose(ticks)
    line: Floats = np.polyfit(positions, values, 1)
    return line
