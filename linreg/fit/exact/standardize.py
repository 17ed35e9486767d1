"""z-scores of the training rows, and coefficients transformed back to the units of the data."""

import math
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from linreg.arrays import Floats, Mask
from linreg.data.formula.compact_matrix import as_array
from linreg.data.rows import Chunk
from linreg.fit.exact.moment_sums.level_moments import AnyMoments, LevelMoments
from linreg.fit.exact.moment_sums.rounding import float_square_root, nearest_float

CONSTANT = 1e-14
"""A column counts as constant if its standard deviation is at most this part of its mean."""


@dataclass(frozen=True)
class Scaling:
    """Centers and scales of X (M,) and y, in which gradient descent works.

    It is trained on (X − x_mean) / x_scale and (y − y_mean) / y_scale.
    """

    x_mean: Floats
    x_scale: Floats
    y_mean: float
    y_scale: float

    @classmethod
    def identity(cls, num_features: int) -> "Scaling":
        """Return the scaling that changes nothing."""
        return cls(np.zeros(num_features), np.ones(num_features), 0.0, 1.0)

    def of(self, columns: Mask) -> "Scaling":
        """Return the scaling of some of the columns (M,), and of y."""
        return replace(self, x_mean=self.x_mean[columns], x_scale=self.x_scale[columns])

    def restricted_to(self, kept: Mask) -> "Scaling":
        """Return the scaling under which other columns than `kept` (M,) are 0, and so their θ."""
        return replace(self, x_scale=np.where(kept, self.x_scale, np.inf))

    def apply(self, chunk: Chunk) -> Chunk:
        """Return a chunk in scaled units, X as an array; itself if the scaling changes nothing."""
        if self._is_identity():
            return chunk
        X = (as_array(chunk.X) - self.x_mean) / self.x_scale
        return Chunk(X, (chunk.y - self.y_mean) / self.y_scale, chunk.w)

    def unscale(self, theta: Floats, b: float) -> tuple[Floats, float]:
        """Return θ (M,) and b in the units of the data, from those in scaled units.

        From (ỹ − y_mean) / y_scale = b + Σ θ_j (x_j − x_mean_j) / x_scale_j, solved for ỹ.
        """
        unscaled = theta * self.y_scale / self.x_scale
        shift = math.fsum((unscaled * self.x_mean).tolist())
        return unscaled, b * self.y_scale + self.y_mean - shift

    def _is_identity(self) -> bool:
        of_y = self.y_mean == 0.0 and self.y_scale == 1.0
        return of_y and not self.x_mean.any() and bool((self.x_scale == 1.0).all())


def z_score_scaling(moments: AnyMoments, intercept: bool) -> Scaling:
    """Return means and standard deviations (divisor n) of the rows, weighted if they are.

    Without an intercept nothing is centered, since no b could undo it: the scale is the root mean
    square. A column that is constant with an intercept, or zero without, keeps its unit; least
    squares refuses or drops it.
    """
    gram = moments.totals()
    total_weight = gram.entry(0, 0)
    means, scales = [], []
    for j in range(1, len(gram.exponents)):
        exact_mean = gram.mean(j) if intercept else Fraction(0)
        variance = gram.entry(j, j) / total_weight - exact_mean * exact_mean
        mean = nearest_float(exact_mean)
        standard_deviation = float_square_root(max(Fraction(0), variance))
        means.append(mean)
        scales.append(standard_deviation if standard_deviation > CONSTANT * abs(mean) else 1.0)
    x_mean, x_scale = np.array(means[:-1]), np.array(scales[:-1])
    if isinstance(moments, LevelMoments):
        shares = [
            moments.level_weights(k)[0] / nearest_float(total_weight)
            for k in range(len(moments.layout.categories))
        ]
        of_levels = np.concatenate(shares)
        # An indicator that is 1 in a share p of the rows.
        deviations = np.sqrt(of_levels * (1 - of_levels) if intercept else of_levels)
        deviations[deviations == 0] = 1.0
        x_mean = moments.layout.merged(x_mean, of_levels if intercept else 0 * of_levels)
        x_scale = moments.layout.merged(x_scale, deviations)
    return Scaling(x_mean, x_scale, means[-1], scales[-1])
