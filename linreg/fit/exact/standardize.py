"""z-scores of the training rows, and coefficients transformed back to the units of the data."""

import math
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from linreg.arrays import Floats, Mask
from linreg.data.rows import Chunk
from linreg.fit.exact.moments import Moments
from linreg.fit.exact.rounding import float_square_root, nearest_float

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

    def restricted_to(self, kept: Mask) -> "Scaling":
        """Return the scaling under which other columns than `kept` (M,) are 0, and so their θ."""
        return replace(self, x_scale=np.where(kept, self.x_scale, np.inf))

    def apply(self, chunk: Chunk) -> Chunk:
        """Return a chunk in scaled units; the chunk itself if the scaling changes nothing."""
        if self._is_identity():
            return chunk
        return Chunk(
            (chunk.X - self.x_mean) / self.x_scale, (chunk.y - self.y_mean) / self.y_scale, chunk.w
        )

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


def z_score_scaling(moments: Moments, intercept: bool) -> Scaling:
    """Return means and standard deviations (divisor n) of the rows, weighted if they are.

    Without an intercept nothing is centered, since no b could undo it: the scale is the root mean
    square. A column that is constant with an intercept, or zero without, keeps its unit; least
    squares refuses or drops it.
    """
    gram = moments.gram()
    total_weight = gram.entry(0, 0)
    means, scales = [], []
    for j in range(1, moments.num_features + 2):
        exact_mean = gram.mean(j) if intercept else Fraction(0)
        variance = gram.entry(j, j) / total_weight - exact_mean * exact_mean
        mean = nearest_float(exact_mean)
        standard_deviation = float_square_root(max(Fraction(0), variance))
        means.append(mean)
        scales.append(standard_deviation if standard_deviation > CONSTANT * abs(mean) else 1.0)
    return Scaling(np.array(means[:-1]), np.array(scales[:-1]), means[-1], scales[-1])
