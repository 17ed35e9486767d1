"""`poly(x, d)`: polynomials that are orthogonal over the training rows, R's sign and norm.

The polynomials follow from the moments of x by Chebyshev's algorithm (Gautschi 2004, Orthogonal
Polynomials, 2.1.7), the columns from the three-term recurrence (Kennedy and Gentle 1980,
Statistical Computing, pp. 343–344, which R's `poly` follows too).
"""

from collections.abc import Mapping, Sequence
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from linreg.arrays import Floats
from linreg.data.formula.functions.learning import cannot_learn
from linreg.process.workers import Workers
from linreg.reductions.exact_sum import ExactSum, nearest_float

_PRECISION = Context(prec=150)
_SPLIT = 2.0**27 + 1
_SMALLEST_NORM = Decimal("1e-22")
"""Of a monic polynomial over x in [-1, 1], squared and by row: the moments have 31 digits."""


class OrthogonalPolynomials:
    """Learns the recurrence of the polynomials up to a degree, in two passes.

    The first finds mean and range of x, the second the sums of the powers of t = (x − mean)/scale,
    in [-1, 1], to twice the digits of float64.
    """

    def __init__(self, function: str, degree: int) -> None:
        self._function = function
        self._degree = degree
        self._sums = [ExactSum()]
        self._count = 0
        self._low, self._high = np.inf, -np.inf
        self._learned: dict[str, Any] = {}

    def update(self, values: Floats) -> None:
        """Add the values (n,)."""
        self._count += len(values)
        if not self._learned:
            self._low = min(self._low, float(values.min(initial=np.inf)))
            self._high = max(self._high, float(values.max(initial=-np.inf)))
            self._sums[0].add(values)
            return
        t = (values - self._learned["center"]) / self._learned["scale"]
        high, low = np.ones_like(t), np.zeros_like(t)
        for sums in self._sums:
            high, low = _times(high, low, t)
            sums.add(high)
            sums.add(low)

    def merge(self, workers: Workers) -> bool:
        """Take the origin and unit of t from the first pass, the recurrence from the second."""
        is_empty = self._low > self._high
        ends = [None, None] if is_empty else [self._low, self._high]
        found = workers.gather([self._count, *ends, [each.total for each in self._sums]])
        count = sum(each[0] for each in found)
        of_processes = zip(*(each[3] for each in found), strict=True)
        totals = [ExactSum(sum(each)).value for each in of_processes]
        self._count = 0
        if self._learned:
            self._learned |= self._recurrence(count, totals)
            return False
        lows = [each[1] for each in found if each[1] is not None]
        highs = [each[2] for each in found if each[2] is not None]
        if not lows or min(lows) == max(highs):
            raise self._too_few()
        center = nearest_float(totals[0] / count)
        reach = max(max(highs) - center, center - min(lows))
        if not np.isfinite(reach):
            raise cannot_learn(self._function, "has values too far apart", reach, "rescale it")
        # A power of two, so that dividing by it is exact.
        scale = float(np.ldexp(1.0, int(np.frexp(reach)[1])))
        self._learned = {"center": center, "scale": scale}
        self._sums = [ExactSum() for _ in range(2 * self._degree)]
        return True

    def result(self) -> dict[str, Any]:
        """Return center, scale, alpha (d,) and norm2 (d + 1,), in units of t."""
        return self._learned

    def _recurrence(self, count: int, totals: Sequence[Fraction]) -> dict[str, Any]:
        """Return alpha and norm2 of p_{k+1} = (t − alpha_k)·p_k − norm2_k/norm2_{k−1}·p_{k−1}."""
        divide, multiply, subtract = _PRECISION.divide, _PRECISION.multiply, _PRECISION.subtract
        moments = [
            Decimal(count),
            *(divide(Decimal(each.numerator), Decimal(each.denominator)) for each in totals),
        ]
        # Row k holds Σ p_k(t)·t^l over the rows.
        before, row = [Decimal(0)] * len(moments), moments
        alpha, norm2 = [divide(row[1], row[0])], [row[0]]
        ratio = Decimal(0)
        for k in range(1, self._degree + 1):
            own = [Decimal(0)] * len(moments)
            for power in range(k, 2 * self._degree - k + 1):
                rest = subtract(row[power + 1], multiply(alpha[-1], row[power]))
                own[power] = subtract(rest, multiply(ratio, before[power]))
            if own[k] <= multiply(_SMALLEST_NORM, Decimal(count)):
                raise self._too_few()
            ratio = divide(own[k], norm2[-1])
            norm2.append(own[k])
            if k < self._degree:
                alpha.append(subtract(divide(own[k + 1], own[k]), divide(row[k], row[k - 1])))
            before, row = row, own
        return {"alpha": [float(each) for each in alpha], "norm2": [float(each) for each in norm2]}

    def _too_few(self) -> Exception:
        return cannot_learn(
            self._function,
            f"must have more than {self._degree} clearly different values in the training rows",
            "fewer",
            "lower the degree",
        )


def orthogonal_polynomials(x: Floats, learned: Mapping[str, Any]) -> list[Floats]:
    """Return the columns (n,) of degree 1 to d, whose squares add up to 1 over training rows."""
    t = (x - learned["center"]) / learned["scale"]
    alpha, norm2 = learned["alpha"], learned["norm2"]
    before, current = np.zeros_like(t), np.ones_like(t)
    columns = []
    for k, shift in enumerate(alpha):
        ratio = norm2[k] / norm2[k - 1] if k else 0.0
        before, current = current, (t - shift) * current - ratio * before
        columns.append(current / float(np.sqrt(norm2[k + 1])))
    return columns


def raw_polynomials(x: Floats, degree: int) -> list[Floats]:
    """Return x to the powers 1 to d, each (n,) multiplied out."""
    columns = [x]
    for _ in range(degree - 1):
        columns.append(columns[-1] * x)
    return columns


def _times(high: Floats, low: Floats, factor: Floats) -> tuple[Floats, Floats]:
    """Return the product of high + low and a factor, in [-1, 1], by Dekker's algorithm (1971)."""
    product = high * factor
    first, second = _halves(high), _halves(factor)
    error = (
        (first[0] * second[0] - product) + first[0] * second[1] + first[1] * second[0]
    ) + first[1] * second[1]
    error = error + low * factor
    total = product + error
    return total, error - (total - product)


def _halves(values: Floats) -> tuple[Floats, Floats]:
    """Return two parts of 26 bits that add up to the values (Veltkamp)."""
    shifted = _SPLIT * values
    high = shifted - (shifted - values)
    return high, values - high
