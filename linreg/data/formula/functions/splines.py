"""`bs(x)` and `ns(x)`: B-splines and natural cubic splines, in the bases of R's package splines.

A spline has pieces of polynomials between its knots. The B-splines of a degree are evaluated by the
recurrence of Cox and de Boor (de Boor 1978, A Practical Guide to Splines, chapter X). Beyond the
boundary knots, `bs` goes on with the outermost polynomials, `ns` with straight lines.
"""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from linreg.arrays import Floats
from linreg.data.formula.functions.learning import cannot_learn
from linreg.process.workers import Workers
from linreg.reductions.quantiles import Quantiles

CUBIC = 3


class SplineKnots:
    """Learns the knots: the range of the training rows, and their quantiles at even distances.

    knots       the inner knots as the formula names them; None for quantiles
    num_inner   how many quantiles
    boundary    the boundary knots as the formula names them; None for the range
    """

    def __init__(
        self,
        function: str,
        knots: Sequence[float] | None,
        num_inner: int,
        boundary: Sequence[float] | None,
    ) -> None:
        self._function = function
        self._knots = knots
        self._boundary = boundary
        inner = [] if knots is not None else range(1, num_inner + 1)
        quantiles = [Fraction(i, num_inner + 1) for i in inner]
        self._quantiles = Quantiles([Fraction(0), *quantiles, Fraction(1)])

    def update(self, values: Floats) -> None:
        """Add the values (n,)."""
        if self._boundary is not None:
            low, high = self._boundary
            values = values[(values >= low) & (values <= high)]
        self._quantiles.update(values)

    def merge(self, workers: Workers) -> bool:
        """Narrow down where the quantiles are."""
        if self._quantiles.merge(workers):
            return True
        self._check(self._all_knots())
        return False

    def result(self) -> dict[str, Any]:
        """Return the inner knots, ascending, and the boundary knots."""
        low, *inner, high = self._all_knots()
        return {"knots": inner, "boundary": [low, high]}

    def _all_knots(self) -> list[float]:
        values = self._quantiles.values
        if not values:
            raise cannot_learn(
                self._function, "has no value in the training rows", "none", "leave it out"
            )
        low, *inner, high = values
        if self._boundary is not None:
            low, high = self._boundary
        return [low, *(inner if self._knots is None else sorted(self._knots)), high]

    def _check(self, knots: Sequence[float]) -> None:
        if any(left >= right for left, right in pairwise(knots)):
            raise cannot_learn(
                self._function,
                "must have knots that differ and lie within the range of the training rows",
                ", ".join(f"{knot:.10g}" for knot in knots),
                "name knots=c(…), or take fewer degrees of freedom",
            )


def b_splines(
    x: Floats, learned: Mapping[str, Any], degree: int, *, intercept: bool = False
) -> list[Floats]:
    """Return the columns (n,) of bs(x): B-splines of a degree.

    intercept  whether the first one is among them, with which they add up to 1
    """
    return _b_splines(x, learned, degree)[0 if intercept else 1 :]


def natural_splines(
    x: Floats, learned: Mapping[str, Any], *, intercept: bool = False
) -> list[Floats]:
    """Return the columns (n,) of ns(x): cubic splines that are linear beyond the boundary knots.

    They are the B-splines, the first one among them if there is an `intercept`, turned so that the
    two of them drop out whose second derivative at a boundary knot is not 0.
    """
    low, high = learned["boundary"]
    inside = np.clip(x, low, high)
    first = 0 if intercept else 1
    splines = _b_splines(inside, learned, CUBIC)[first:]
    turned = _null_space(learned, first)
    columns = []
    # The slopes at the ends, for what lies beyond them.
    beyond = x - inside
    slopes = _slopes_at_ends(learned)[first:]
    for direction in turned:
        column = np.zeros_like(x)
        left = right = 0.0
        for spline, weight, (at_low, at_high) in zip(splines, direction, slopes, strict=True):
            column = column + spline * weight
            left += at_low * weight
            right += at_high * weight
        columns.append(column + np.where(beyond < 0, left, right) * beyond)
    return columns


def _b_splines(x: Floats, learned: Mapping[str, Any], degree: int) -> list[Floats]:
    """Return all B-splines (n,) of a degree: as many as inner knots, and degree + 1."""
    low, high = learned["boundary"]
    inner = learned["knots"]
    knots = np.array([low] * (degree + 1) + list(inner) + [high] * (degree + 1), np.float64)
    # The piece of each row; what lies outside belongs to the outermost one.
    piece = degree + np.searchsorted(np.array(inner, np.float64), x, side="right")
    # B-splines of degree k that are not 0 there, by de Boor's algorithm BSPLVB.
    values = [np.ones_like(x)]
    for k in range(1, degree + 1):
        saved = np.zeros_like(x)
        raised = []
        for r, value in enumerate(values):
            right = knots[piece + r + 1]
            left = knots[piece + 1 - (k - r)]
            term = value / (right - left)
            raised.append(saved + (right - x) * term)
            saved = (x - left) * term
        values = [*raised, saved]
    columns = [np.zeros_like(x) for _ in range(len(inner) + degree + 1)]
    rows = np.arange(len(x))
    first = piece - degree
    table = np.stack(values)
    for j, column in enumerate(columns):
        own = j - first
        is_in = (own >= 0) & (own <= degree)
        column[is_in] = table[own[is_in], rows[is_in]]
    return columns


def _slopes_at_ends(learned: Mapping[str, Any]) -> list[tuple[float, float]]:
    """Return the first derivatives at both boundary knots of all cubic B-splines."""
    (low, high), inner = learned["boundary"], learned["knots"]
    after, before = (inner[0] if inner else high), (inner[-1] if inner else low)
    num_splines = len(inner) + CUBIC + 1
    slopes = [[0.0, 0.0] for _ in range(num_splines)]
    # Only the two splines at each end have a slope there.
    slopes[0][0], slopes[1][0] = -CUBIC / (after - low), CUBIC / (after - low)
    slopes[-1][1], slopes[-2][1] = CUBIC / (high - before), -CUBIC / (high - before)
    return [(at_low, at_high) for at_low, at_high in slopes]


def _curvatures_at_ends(learned: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    """Return the second derivatives at both boundary knots of all cubic B-splines."""
    (low, high), inner = learned["boundary"], learned["knots"]
    num_splines = len(inner) + CUBIC + 1

    def at_end(distances: Sequence[float]) -> list[float]:
        # Of the three splines at an end, by the distances of its next two knots.
        first, second = distances
        return [
            6 / (first * first),
            -6 / (first * first) - 6 / (first * second),
            6 / (first * second),
        ]

    def distances(from_end: Sequence[float], end: float) -> list[float]:
        return [abs(knot - end) for knot in from_end]

    at_low, at_high = [0.0] * num_splines, [0.0] * num_splines
    at_low[:3] = at_end(distances([*inner, high, high][:2], low))
    at_high[:-4:-1] = at_end(distances([*reversed(inner), low, low][:2], high))
    return at_low, at_high


def _null_space(learned: Mapping[str, Any], first: int) -> list[list[float]]:
    """Return the combinations of B-splines, from the `first` on, of no curvature at either end.

    They are the columns behind the first two of Q in the QR decomposition of the curvatures, by
    Householder's reflections as LINPACK and LAPACK take them, and so those of R.
    """
    at_low, at_high = (each[first:] for each in _curvatures_at_ends(learned))
    size = len(at_low)
    of_low = _reflection(at_low, 0)
    of_high = _reflection(_reflected(at_high, of_low), 1)
    columns = []
    for k in range(2, size):
        unit = [float(i == k) for i in range(size)]
        columns.append(_reflected(_reflected(unit, of_high), of_low))
    return columns


def _reflection(vector: Sequence[float], start: int) -> list[float]:
    """Return u, of length √2, so that I − u·uᵀ maps the vector's end from `start` to one number."""
    norm = math.sqrt(math.fsum(each * each for each in vector[start:]))
    u = [0.0] * start + [each / norm for each in vector[start:]]
    u[start] += math.copysign(1.0, u[start])
    length = math.sqrt(abs(u[start]))
    return [each / length for each in u]


def _reflected(vector: Sequence[float], u: Sequence[float]) -> list[float]:
    product = math.fsum(a * b for a, b in zip(vector, u, strict=True))
    return [a - product * b for a, b in zip(vector, u, strict=True)]
