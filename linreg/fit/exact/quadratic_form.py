"""The quadratic form dᵀHd of a Gram matrix, for differences d of coefficients."""

from dataclasses import replace
from fractions import Fraction
from operator import mul
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.fit.exact.double_double.sum_numpy import two_sum
from linreg.fit.exact.moment_sums.elimination import Elimination
from linreg.fit.exact.moment_sums.gram import FRACTION_BITS, Gram, centered_products
from linreg.fit.exact.moment_sums.rounding import nearest_float
from linreg.reductions.exact_sum import exact_sum

CANCELLED = 2.0**-30
"""Of its terms, the part below which dᵀHd is computed without rounding: 22 bits or less are left.

Coefficients of nearly collinear columns are large and of opposite signs where predictions are not.
"""


class Difference(NamedTuple):
    """d = (b, θ) − (b*, θ*), all (M + 1,).

    minimum, remainders  (b*, θ*) rounded, and what that rounded off
    """

    at: Floats
    minimum: Floats
    remainders: Floats

    @property
    def rounded(self) -> Floats:
        """The float64 values of d."""
        return self.at - self.minimum - self.remainders

    def exact(self) -> list[Fraction]:
        """Return d without rounding."""
        return [Fraction(a) - Fraction(m) - Fraction(r) for a, m, r in np.transpose(self).tolist()]

    def double_double(self) -> Floats:
        """Return d in double-double (2, M + 1)."""
        high, low = two_sum(self.at, -self.minimum)
        return np.stack(two_sum(high, low - self.remainders))

    def of(self, coefficients: NDArray[np.int64]) -> "Difference":
        """Return the difference of some of the coefficients."""
        return Difference(*(each[coefficients] for each in self))


class QuadraticForm:
    """dᵀHd, for H = Zᵀ diag(w) Z / n of Z = [1 X] plus l2 for θ.

    H is kept as the means of the columns and their covariances C around them, since a column far
    from 0 would leave no digit of it otherwise: dᵀHd = W/n·(d_b + d_θ·mean)² + d_θᵀ·C·d_θ, with
    W = Σ w.
    """

    def __init__(self, gram: Gram, l2: float) -> None:
        self._means = [gram.mean(j) for j in range(1, len(gram.exponents) - 1)]
        self._mean_weight = float(gram.entry(0, 0) / gram.num_rows)
        self._covariance = centered_products(gram, l2)
        # Without its rows as integers, which take five times as much memory and are rarely needed.
        self._gram, self._l2 = replace(gram), Fraction(l2)

    def product(self, difference: Difference) -> tuple[float, Floats]:
        """Return dᵀHd and Hd (M + 1,); NaN or infinite beyond float64."""
        d = difference.rounded
        at_mean = self._at_mean(difference)
        # A BLAS product would round differently from CPU to CPU.
        around_mean = np.zeros(len(d) - 1)
        for j in range(len(d) - 1):
            around_mean += self._covariance[:, j] * d[j + 1]
        of_theta = exact_sum(d[1:] * around_mean)
        terms = np.square((np.abs(d[1:]) * np.sqrt(self._covariance.diagonal())).sum())
        if of_theta < CANCELLED * terms < np.inf:
            of_theta, around_mean = self._exactly_around_mean(difference)
        value = self._mean_weight * at_mean * at_mean + of_theta
        product = self._mean_weight * at_mean * np.array([1.0, *map(nearest_float, self._means)])
        product[1:] += around_mean
        return value, product

    def _exactly_around_mean(self, difference: Difference) -> tuple[float, Floats]:
        """Return d_θᵀ·C·d_θ and C·d_θ (M,), each rounded once."""
        gram, d = self._gram, difference.exact()[1:]
        units = [Fraction(2) ** exponent for exponent in gram.exponents[1:-1].tolist()]
        scaled = list(map(mul, d, units))
        # All denominators are powers of two.
        unit = max(each.denominator for each in scaled)
        whole = [int(each * unit) for each in scaled]
        sums, rows = zip(*[(row[0], row[1:]) for row in gram.rows[1:-1]], strict=True)
        # Where the column of ones is eliminated, so are the means.
        weight = gram.rows[0][0] or 2**FRACTION_BITS
        denominator = weight * gram.num_rows * unit << FRACTION_BITS
        shift = sum(map(mul, sums, whole))
        products = []
        for i, row in enumerate(rows):
            column = [rows[j][i] for j in range(i + 1, len(rows))]
            of_row = sum(map(mul, [*row, *column], whole))
            products.append(Fraction(weight * of_row - sums[i] * shift, denominator))
        value = sum(map(mul, products, scaled)) + self._l2 * sum(each * each for each in d)
        of_columns = [p * u + self._l2 * e for p, u, e in zip(products, units, d, strict=True)]
        return nearest_float(Fraction(value)), np.array(list(map(nearest_float, of_columns)))

    def _at_mean(self, difference: Difference) -> float:
        """Return d_b + d_θ·mean: the difference of the predictions at the mean of X.

        In fractions, as its terms may cancel.
        """
        if not np.isfinite(difference.at).all():
            return np.nan
        of_b, *of_theta = difference.exact()
        at_mean = of_b
        for d, mean in zip(of_theta, self._means, strict=True):
            at_mean += d * mean
        return nearest_float(at_mean)


class LevelForm:
    """The same where X has a category whose levels were eliminated.

    With o = d_E + R̄·d_R, the difference of the predictions at the means of each level's rows, and
    the Schur complement S of the other columns, dᵀHd = (oᵀ·D·o + d_Rᵀ·S·d_R) / n + l2·‖d_θ‖².

    elimination  without a penalty
    """

    def __init__(self, elimination: Elimination, l2: float) -> None:
        self._elimination = elimination
        self._l2 = l2
        self._form = QuadraticForm(elimination.gram, l2=0.0)

    def product(self, difference: Difference) -> tuple[float, Floats]:
        """Return dᵀHd and Hd (M + 1,); NaN or infinite beyond float64."""
        from linreg.fit.exact.double_double import level_kernels

        elimination, d = self._elimination, difference.rounded
        rest = np.concatenate([[0], elimination.rest + 1])
        levels = elimination.columns + 1
        of_rest = difference.of(rest)
        value, of_columns = self._form.product(of_rest)

        scaled = np.ldexp(of_rest.double_double(), elimination.gram.exponents[:-1])
        offsets = difference.of(levels).double_double()[:, :, None]
        means = np.ascontiguousarray(elimination.means[:, :, :-1])
        level_kernels.add_products(means, scaled[:, :, None], offsets)
        offset = offsets[0, :, 0] + offsets[1, :, 0]
        of_levels = elimination.products(offset) / elimination.gram.num_rows

        product = np.empty(len(d))
        product[levels] = of_levels
        for k, j in enumerate(rest.tolist()):
            of_means = exact_sum(means[0, :, k] * of_levels)
            product[j] = of_columns[k] + np.ldexp(of_means, elimination.gram.exponents[k])
        product[1:] += self._l2 * d[1:]
        value += exact_sum(of_levels * offset) + self._l2 * exact_sum(np.square(d[1:]))
        return value, product
