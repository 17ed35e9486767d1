"""The moments of some rows: all that least squares ever asks of them, in one pass and bounded
memory.
"""

import math
from fractions import Fraction
from typing import Self

import numpy as np

from linreg.arrays import Floats
from linreg.errors import UserError
from linreg.fit.exact import double_double_numpy as small_sums
from linreg.fit.exact.double_double_numpy import LANES, add_to_total, are_few, empty_lanes


class Moments:
    """The Gram matrix Zᵀ diag(w) Z of Z = [1 X y], (M + 2, M + 2), to twice the precision of
    float64.

    num_features   M
    num_rows       n, the rows added, weight 0 included
    num_weighted   how many of them have a weight above 0; n without weights

    **How exact.** Products and sums carry their rounding errors along
    (linreg.fit.exact.double_double). Measured against exact fractions, over 200 random tables of up
    to 20,000 rows, with and without weights, half of them with a mean far from 0: an entry Σ w zᵢ
    zⱼ is off by 2^-109 Σ |w zᵢ zⱼ| in the middle and by 2^-102 at most, which is 30 digits.

    **Chunks.** What is added to what depends on the position of a row since the first one, never on
    where a window ends: the same rows in windows of any lengths give the same bits. `merged` starts
    the count anew. It adds two parts to 2^-159, so that parts which were cut differently differ by
    no more than the errors above, which a result that is rounded to float64 does not show unless
    its columns are nearly collinear.

    **Range.** Columns are scaled by powers of two, exactly, once they hold values beyond 2^±256. So
    values near 1e300 do not overflow when squared; what underflows is less than 2^-500 of the
    columns' length.
    """

    def __init__(self, num_features: int, expected_rows: int = 0) -> None:
        k = num_features + 2
        self.num_features, self.num_rows, self.num_weighted = num_features, 0, 0
        self._expected = expected_rows
        self._position = 0
        self._pairs = np.array([(i, j) for i in range(k) for j in range(i, k)])
        self._lanes = np.zeros((len(self._pairs), 2, LANES))
        self._total = np.zeros((len(self._pairs), 3))
        # |value| of 1, the columns of X, y, and w
        self._largest = np.zeros(k + 1)
        self._exponents = np.zeros(k + 1, np.int64)

    @classmethod
    def zero(cls, num_features: int, expected_rows: int = 0) -> Self:
        """Return the moments of no rows. That `expected_rows` rows will follow, in other parts too,
        speeds it up.
        """
        return cls(num_features, expected_rows)

    def add(self, X: Floats, y: Floats, w: Floats | None = None) -> None:
        """Add rows: X (n, M), y (n,), weights w (n,) or None for weight 1; all finite.

        Raises UserError for a weight that is negative.
        """
        assert X.shape == (len(y), self.num_features), f"X is {X.shape} beside {len(y)} targets"
        if not len(y):
            return
        X, y = np.asfortranarray(X, np.float64), np.ascontiguousarray(y, np.float64)
        if w is not None:
            w = np.ascontiguousarray(w, np.float64)
            if w.min() < 0:
                raise UserError("the weights", "must not be negative", found=w.min())
        seen = [1.0, *(_largest(X[:, j]) for j in range(self.num_features)), _largest(y)]
        seen.append(1.0 if w is None else _largest(w))
        assert np.isfinite(seen).all(), "the design lets finite values through only"
        self._rescale(np.maximum(self._largest, seen))

        if w is None and self._exponents[-1]:
            # beside weights beyond 2^256
            w = np.ones(len(y))
        factors = np.ldexp(1.0, -self._exponents)
        weights = np.empty(0) if w is None else w
        if are_few(max(self.num_rows + len(y), self._expected), self.num_features + 2):
            small_sums.add_rows(X, y, weights, factors, self._position, self._lanes, self._total)
        else:
            from linreg.fit.exact import double_double

            X, y, weights = (double_double.frozen(each) for each in (X, y, weights))
            double_double.add_rows(X, y, weights, factors, self._position, self._lanes, self._total)
        if w is None:
            add_to_total(self._total[:1], np.array([float(len(y))]))
        self.num_rows += len(y)
        self.num_weighted += len(y) if w is None else int(np.count_nonzero(w))
        self._position += len(y)

    def merged(self, other: "Moments") -> "Moments":
        """Return the moments of the rows of both, as if other's came behind."""
        assert self.num_features == other.num_features
        result, added = self._at_rest(), other._at_rest()
        both = np.maximum(result._largest, added._largest)
        result._rescale(both)
        added._rescale(both)
        for values in added._total.T:
            add_to_total(result._total, values)
        result.num_rows += added.num_rows
        result.num_weighted += added.num_weighted
        return result

    def gram(self) -> list[list[Fraction]]:
        """Return the lower triangle of Zᵀ diag(w) Z, row i with i + 1 entries, each exactly as it
        was summed up.
        """
        k = self.num_features + 2
        rows: list[list[Fraction]] = [[] for _ in range(k)]
        at_rest = self._at_rest()
        for (i, j), parts in zip(self._pairs.tolist(), at_rest._total.tolist(), strict=True):
            rows[j].append(_exact_sum(parts, at_rest._exponent(i, j)))
        return rows

    def rounded(self) -> Floats:
        """Return Zᵀ diag(w) Z (M + 2, M + 2) rounded to float64; infinite where that is too small
        for it.
        """
        k = self.num_features + 2
        gram = np.empty((k, k))
        at_rest = self._at_rest()
        for (i, j), parts in zip(self._pairs.tolist(), at_rest._total.tolist(), strict=True):
            with np.errstate(over="ignore"):
                gram[i, j] = gram[j, i] = np.ldexp(parts[0], at_rest._exponent(i, j))
        return gram

    def as_array(self) -> Floats:
        """Return everything in one float64 array of fixed length, to be sent to another process."""
        at_rest = self._at_rest()
        counts = [float(self.num_rows), float(self.num_weighted)]
        return np.concatenate(
            [counts, at_rest._largest, at_rest._exponents, at_rest._total.ravel()]
        )

    @classmethod
    def from_array(cls, num_features: int, values: Floats) -> Self:
        """Rebuild what `as_array` returned; further rows start their count anew, as in `merged`."""
        moments, k = cls(num_features), num_features + 3
        moments.num_rows, moments.num_weighted = int(values[0]), int(values[1])
        moments._largest = values[2 : 2 + k].copy()
        moments._exponents = values[2 + k : 2 + 2 * k].astype(np.int64)
        moments._total = values[2 + 2 * k :].reshape(-1, 3).copy()
        return moments

    def _at_rest(self) -> "Moments":
        """Return a copy with empty lanes; a total's first part is then the total rounded, the
        second what is left.
        """
        copy = Moments(self.num_features)
        copy.num_rows, copy.num_weighted = self.num_rows, self.num_weighted
        copy._largest, copy._exponents = self._largest.copy(), self._exponents.copy()
        copy._lanes, copy._total = self._lanes.copy(), self._total.copy()
        empty_lanes(copy._lanes, copy._total)
        for i, parts in enumerate(copy._total.tolist()):
            first = math.fsum(parts)
            second = math.fsum([*parts, -first])
            copy._total[i] = first, second, math.fsum([*parts, -first, -second])
        return copy

    def _exponent(self, i: int, j: int) -> int:
        """The power of two that the total of a pair of columns is to be multiplied by."""
        return int(self._exponents[i] + self._exponents[j] + self._exponents[-1])

    def _rescale(self, largest_seen: Floats) -> None:
        self._largest = largest_seen
        exponents = np.array([_scale(value) for value in largest_seen.tolist()])
        shift = self._exponents - exponents
        if shift.any():
            shifts = shift[self._pairs].sum(axis=1) + shift[-1]
            self._lanes = np.ldexp(self._lanes, shifts[:, None, None])
            self._total = np.ldexp(self._total, shifts[:, None])
            self._exponents = exponents


def _largest(values: Floats) -> float:
    """Return max |value|; NaN if there is one."""
    return float(max(values.max(), -values.min()))


def _scale(value: float) -> int:
    """Return the exponent of the power of two that a column is divided by whose largest absolute
    value is `value`.

    The scaled values stay below 2^256, and the largest of them above 2^-256.
    """
    exponent = math.frexp(value)[1] if value else 0
    if abs(exponent) <= 256:
        return 0
    return int(math.copysign(512 if abs(exponent) <= 768 else 1000, exponent))


def _exact_sum(parts: list[float], exponent: int) -> Fraction:
    """Return Σ parts · 2^exponent. All denominators are powers of two, which Fraction's own sum
    does not know.
    """
    ratios = [part.as_integer_ratio() for part in parts]
    denominator = max(below for _, below in ratios)
    numerator = sum(above * (denominator // below) for above, below in ratios)
    return Fraction(numerator << max(exponent, 0), denominator << max(-exponent, 0))
