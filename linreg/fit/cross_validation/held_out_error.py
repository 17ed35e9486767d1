"""The squared error of any coefficients on rows of which only the moments are known.

With v = (−b, −θ, 1) and the Gram matrix G of [1 X y], Σ w(y − ỹ)² = vᵀGv. Its terms are of the size
of Σ w y² and more, and nearly all of them cancels, so that the terms are added without rounding:
what remains are the errors of the moments, of which `bound` says how large they may be.
"""

from fractions import Fraction
from operator import mul
from typing import NamedTuple

import numpy as np

from linreg.arrays import Floats
from linreg.fit.exact.double_double.sum_numpy import axpy
from linreg.fit.exact.moment_sums.any_moments import AnyMoments
from linreg.fit.exact.moment_sums.gram import FRACTION_BITS, MOMENT_ERROR, Gram
from linreg.fit.exact.moment_sums.level_moments import LevelMoments


class SquaredError(NamedTuple):
    """Σ w(y − ỹ)² over some rows, and what belongs to it; all in the units of the data.

    rss     Σ w(y − ỹ)²; below 0 by rounding at most
    bound   of the error of rss
    weight  Σ w; the number of rows without weights
    """

    rss: Fraction
    bound: Fraction
    weight: Fraction

    @property
    def is_known(self) -> bool:
        """Whether the squared error is more than what its own rounding explains, or exactly 0."""
        return self.rss == 0 or self.rss > self.bound


def squared_error(moments: AnyMoments, theta: Floats, b: float) -> SquaredError:
    """Return the squared error of θ (M,) and b on the rows of the moments, at least one."""
    if isinstance(moments, LevelMoments):
        rss, bound = _over_levels(moments, theta, b)
    else:
        rss, bound = _quadratic_form(moments.gram(), np.concatenate([[-b], -theta, [1.0]]))
    return SquaredError(rss, bound, moments.totals().entry(0, 0))


def total_sum_of_squares(moments: AnyMoments) -> Fraction:
    """Return Σ w(y − ȳ)² around the mean of these rows; 0 where it is no more than rounding."""
    totals = moments.totals()
    y = len(totals.exponents) - 1
    weight, total, squares = totals.entry(0, 0), totals.entry(y, 0), totals.entry(y, y)
    tss = squares - total * total / weight if weight else Fraction(0)
    return tss if tss > 4 * Fraction(totals.error) * squares else Fraction(0)


def _quadratic_form(gram: Gram, v: Floats) -> tuple[Fraction, Fraction]:
    """Return vᵀGv for v (M + 2,) in the units of the data, and the bound of its error."""
    scaled = [
        Fraction(value) * Fraction(2) ** exponent
        for value, exponent in zip(v.tolist(), gram.exponents.tolist(), strict=True)
    ]
    # All denominators are powers of two.
    unit = max(each.denominator for each in scaled)
    whole = [int(each * unit) for each in scaled]
    total = 0
    for i, row in enumerate(gram.rows):
        # Twice what is left of the diagonal, which stands for what is above it.
        total += whole[i] * (2 * sum(map(mul, row, whole)) - row[i] * whole[i])
    lengths = sum(
        abs(each) * Fraction(norm) for each, norm in zip(scaled, gram.norms.tolist(), strict=True)
    )
    return Fraction(total, unit * unit << FRACTION_BITS), Fraction(gram.error) * lengths * lengths


def _over_levels(moments: LevelMoments, theta: Floats, b: float) -> tuple[Fraction, Fraction]:
    """Return the same where the largest category is summed up by its levels.

    With the coefficients e of the levels, the sums B of the other columns R = [1 R y] by level, and
    the weights D of the levels, Σ w(y − ỹ)² = vᵀ·RᵀWR·v − 2 Σ e·(B·v) + Σ D·e².
    """
    columns = moments.layout.eliminated_columns
    rest = np.delete(np.arange(moments.num_features), columns)
    S, exponents, cells = moments.products_of(rest)
    norms = np.sqrt(np.diagonal(S[0]))
    gram = Gram.from_lower(moments.num_rows, exponents, S, cells, norms, 4 * MOMENT_ERROR)
    v = np.concatenate([[-b], -theta[rest], [1.0]])
    rss, bound = _quadratic_form(gram, v)

    B, weights = moments.products_with_levels(rest, exponents)
    of_levels = theta[columns]
    high, low = np.zeros((2, len(of_levels)))
    # The power of two of y, so that no product is beyond float64.
    unit = int(exponents[-1])
    for k, value in enumerate(np.ldexp(v, exponents - unit).tolist()):
        axpy(high, low, B[0, :, k].copy(), value, 0.0, B[1, :, k].copy())
    of_unit = Fraction(2) ** unit
    for e, *parts in zip(of_levels.tolist(), high, low, *weights, strict=True):
        if e:
            product, product_low, weight, weight_low = map(Fraction, map(float, parts))
            own = Fraction(e)
            rss += own * own * (weight + weight_low) - 2 * own * of_unit * (product + product_low)
    # Each row has one level at most: √ Σ D·e² is the length of what the levels contribute.
    lengths = bound / Fraction(gram.error) + sum(
        Fraction(e) * Fraction(e) * Fraction(weight)
        for e, weight in zip(of_levels.tolist(), weights[0].tolist(), strict=True)
    )
    return rss, 2 * Fraction(gram.error) * lengths
