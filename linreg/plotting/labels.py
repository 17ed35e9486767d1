"""Text in a drawing: how wide it is, about, and where it is broken into lines.

A drawing is made without the fonts that it will be shown in, so widths are estimates, on the large
side for the usual fonts without serifs.
"""

import unicodedata
from collections.abc import Sequence

from markupsafe import escape

LINE_HEIGHT = 13
WIDE = frozenset("mwMW@%—…")


def text_width(text: str) -> float:
    """Return the width of a text in the units of a drawing, whose letters are 11 units high."""
    return sum(map(_letter_width, text))


def wrapped(text: str, width: float, most: int) -> list[str]:
    """Return a text as at most so many lines of a width, broken at spaces where there are some.

    The last line ends in an ellipsis where that is too few.
    """
    lines: list[str] = []
    rest = " ".join(text.split())
    while rest and len(lines) < most:
        end = _fitting(rest, width)
        if end < len(rest):
            # A space, or a sign behind which names are often broken, not too far from the end.
            breaks = [i + 1 for i in range(end // 2, end) if rest[i] in " _-/.:[,"]
            end = end if rest[end] == " " else max(breaks, default=end)
        lines.append(rest[:end].strip())
        rest = rest[end:].strip()
    if rest:
        last = lines[-1]
        lines[-1] = last[: _fitting(last, width - _letter_width("…"))] + "…"
    return lines or [""]


def shortened(text: str, width: float) -> str:
    """Return a text of at most that width, with an ellipsis where it was cut."""
    return wrapped(text, width, 1)[0]


def text_lines(
    lines: Sequence[str], x: float, y: float, anchor: str, css_class: str, tooltip: str = ""
) -> str:
    """Return lines of text as SVG, the middle of the first one at y."""
    title = f"<title>{escape(tooltip)}</title>" if tooltip else ""
    of_class = f' class="{css_class}"' if css_class else ""
    return "".join(
        f'<text{of_class} x="{x:.1f}" y="{y + 4 + LINE_HEIGHT * i:.1f}" text-anchor="{anchor}">'
        f"{title}{escape(line)}</text>"
        for i, line in enumerate(lines)
    )


def _fitting(text: str, width: float) -> int:
    """Return how many of the first letters fit, at least 1."""
    total = 0.0
    for i, letter in enumerate(text):
        total += _letter_width(letter)
        if total > width:
            return max(1, i)
    return len(text)


def _letter_width(letter: str) -> float:
    if unicodedata.combining(letter):
        return 0.0
    if unicodedata.east_asian_width(letter) in "WF":
        return 12.0
    if letter in WIDE:
        return 10.0
    return 8.0 if letter.isupper() else 6.2
