"""`cut(x, breaks)`: the intervals that a number lies in, as R's `cut` makes and calls them."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.data.formula.functions.arguments import Arguments
from linreg.data.formula.functions.learning import cannot_learn
from linreg.data.formula.grammar.syntax_tree import Call, Node
from linreg.process.workers import Workers

_FEWEST_DIGITS = 3
_MOST_DIGITS = 17
_MOST_INTERVALS = 1000


class Cut(NamedTuple):
    """The arguments of a cut.

    breaks          ascending, or the number of intervals of equal width
    right           whether an interval holds its right end rather than its left one
    include_lowest  whether the outermost interval holds its other end too
    labels          of the intervals; None for such as (0,1]
    """

    breaks: tuple[float, ...] | int
    right: bool = True
    include_lowest: bool = False
    labels: tuple[str, ...] | None = None


def read_cut(call: Call) -> tuple[Node, Cut]:
    """Return what a call of cut() is computed of, and its other arguments.

    Raises FormulaSyntaxError for arguments that cannot be.
    """
    names = ["breaks", "labels", "include.lowest", "right", "include_lowest"]
    arguments = Arguments(call, names)
    given = arguments.numbers("breaks")
    if given is None:
        raise arguments.error("must name breaks, or how many intervals there are")
    breaks: tuple[float, ...] | int = tuple(sorted(given))
    num_intervals = len(given) - 1
    if len(given) == 1:
        breaks = num_intervals = arguments.integer("breaks", 0, 2, _MOST_INTERVALS)
    elif len(set(given)) < len(given):
        raise arguments.error("has a break twice")
    labels = arguments.texts("labels")
    if labels is not None and (len(labels) != num_intervals or len(set(labels)) < len(labels)):
        raise arguments.error(f"must have {num_intervals} different labels, one an interval")
    lowest = "include.lowest" if arguments.has("include.lowest") else "include_lowest"
    right = arguments.truth("right", default=True)
    return arguments.first, Cut(breaks, right, arguments.truth(lowest, default=False), labels)


class EqualWidths:
    """Learns the breaks between a number of intervals of equal width, from the range of the rows.

    As in R, the outermost breaks lie a thousandth of the range beyond it.
    """

    def __init__(self, function: str, number: int) -> None:
        self._function = function
        self._number = number
        self._low, self._high = math.inf, -math.inf

    def update(self, values: Floats) -> None:
        """Add the values (n,)."""
        self._low = min(self._low, float(values.min(initial=math.inf)))
        self._high = max(self._high, float(values.max(initial=-math.inf)))

    def merge(self, workers: Workers) -> bool:
        """Take the range of all processes."""
        has_values = self._low <= self._high
        ranges = workers.concatenate([[self._low, self._high]] if has_values else [])
        if not ranges:
            raise cannot_learn(
                self._function, "has no value in the training rows", "none", "leave it out"
            )
        self._low = min(low for low, _ in ranges)
        self._high = max(high for _, high in ranges)
        if not np.all(np.diff(self._breaks()) > 0):
            what = f"cannot be divided into {self._number} intervals over the training rows"
            found_range = f"{self._low:g} to {self._high:g}"
            raise cannot_learn(self._function, what, found_range, "name the breaks")
        return False

    def result(self) -> dict[str, Any]:
        """Return the breaks, one more than intervals."""
        return {"breaks": self._breaks()}

    def _breaks(self) -> list[float]:
        low, high = self._low, self._high
        if low == high:
            low, high = low - abs(low) / 1000, high + abs(high) / 1000
            return [low + (high - low) * i / self._number for i in range(self._number + 1)]
        inner = [low + (high - low) * i / self._number for i in range(1, self._number)]
        margin = (high - low) / 1000
        return [low - margin, *inner, high + margin]


def interval_numbers(x: Floats, breaks: Sequence[float], cut: Cut) -> NDArray[np.int64]:
    """Return the interval of each number (n,), from 0; −1 for one that lies in none."""
    ends = np.array(breaks)
    numbers = np.searchsorted(ends, x, side="left" if cut.right else "right") - 1
    last = len(ends) - 2
    if cut.include_lowest:
        numbers = np.where(
            x == (ends[0] if cut.right else ends[-1]), 0 if cut.right else last, numbers
        )
    return np.where((numbers >= 0) & (numbers <= last), numbers, -1)


def interval_labels(breaks: Sequence[float], cut: Cut) -> list[str]:
    """Return the names of the intervals, with as many digits as tell the breaks apart."""
    if cut.labels is not None:
        return list(cut.labels)
    for digits in range(_FEWEST_DIGITS, _MOST_DIGITS + 1):
        ends = [_number(value, digits) for value in breaks]
        if len(set(ends)) == len(ends):
            break
    left, right = ("(", "]") if cut.right else ("[", ")")
    labels = [f"{left}{low},{high}{right}" for low, high in pairwise(ends)]
    if cut.include_lowest and cut.right:
        labels[0] = f"[{labels[0][1:]}"
    elif cut.include_lowest:
        labels[-1] = f"{labels[-1][:-1]}]"
    return labels


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}g}".replace("inf", "Inf")
