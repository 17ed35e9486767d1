"""z-scores of the training rows, and coefficients transformed back to the units of the data."""

import math
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from linreg.arrays import Floats, Mask
from linreg.data.formula.compact_matrix import as_array
from linreg.data.rows import Chunk
from linreg.fit.exact.moment_sums.any_moments import AnyMoments
from linreg.fit.exact.moment_sums.gram import Gram
from linreg.fit.exact.moment_sums.level_moments import LevelMoments
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

    def penalty(self, l2: float) -> Floats:
        """Return the diagonal (M,) of l2·‖θ‖² as a quadratic form in scaled θ, θ being unscaled.

        It is in scaled units too, as l2 weighs squares of θ against squares of y.
        """
        # A penalty beyond float64 makes the first step infinite, which is reported there.
        with np.errstate(over="ignore", divide="ignore"):
            diagonal: Floats = l2 / np.square(self.x_scale)
        return diagonal

    def unscale(self, theta: Floats, b: float) -> tuple[Floats, float]:
        """Return θ (M,) and b in the units of the data, from those in scaled units.

        From (ỹ − y_mean) / y_scale = b + Σ θ_j (x_j − x_mean_j) / x_scale_j, solved for ỹ.
        """
        unscaled = theta * self.y_scale / self.x_scale
        shift = math.fsum((unscaled * self.x_mean).tolist())
        return unscaled, b * self.y_scale + self.y_mean - shift

    def scale(self, theta: Floats, b: float) -> Floats:
        """Return (b, θ) (M + 1,) in scaled units, from those in the units of the data."""
        # A column without variation has no scale; its coefficient stays at 0.
        varies = np.isfinite(self.x_scale)
        scaled = theta * np.where(varies, self.x_scale, 0.0) / self.y_scale
        shift = (theta * np.where(varies, self.x_mean, 0.0)).sum()
        return np.concatenate([[(b - self.y_mean + shift) / self.y_scale], scaled])

    def unscale_path(self, points: Floats) -> Floats:
        """Return points (n, M + 1) of (b, θ) in the units of the data, from those in scaled units.

        It is `unscale` of many points at once, with rounding errors.
        """
        theta = points[:, 1:] * self.y_scale / self.x_scale
        x_mean = np.where(np.isfinite(self.x_scale), self.x_mean, 0.0)
        b = points[:, 0] * self.y_scale + self.y_mean - (theta * x_mean).sum(axis=1)
        return np.column_stack([b, theta])

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
    of_columns = [_center_and_scale(gram, j, intercept) for j in range(1, len(gram.exponents) - 1)]
    x_mean, x_scale = np.array(of_columns).reshape(-1, 2).T
    if isinstance(moments, LevelMoments):
        total_weight = nearest_float(gram.entry(0, 0)) or 1.0
        shares = [
            moments.level_weights(k)[0] / total_weight
            for k in range(len(moments.layout.categories))
        ]
        of_levels = np.concatenate(shares)
        # An indicator that is 1 in a share p of the rows.
        deviations = np.sqrt(of_levels * (1 - of_levels) if intercept else of_levels)
        deviations[deviations == 0] = 1.0
        x_mean = moments.layout.merged(x_mean, of_levels if intercept else 0 * of_levels)
        x_scale = moments.layout.merged(x_scale, deviations)
    return Scaling(x_mean, x_scale, *target_scaling(moments, intercept))


def target_scaling(moments: AnyMoments, intercept: bool) -> tuple[float, float]:
    """Return center and scale of y, as `z_score_scaling` does."""
    return _center_and_scale(moments.totals(), -1, intercept)


def _center_and_scale(gram: Gram, j: int, intercept: bool) -> tuple[float, float]:
    if not gram.rows[0][0]:
        # Weights of 0 everywhere, which least squares refuses.
        return 0.0, 1.0
    exact_mean = gram.mean(j) if intercept else Fraction(0)
    variance = gram.entry(j, j) / gram.entry(0, 0) - exact_mean * exact_mean
    mean = nearest_float(exact_mean)
    standard_deviation = float_square_root(max(Fraction(0), variance))
    return mean, standard_deviation if standard_deviation > CONSTANT * abs(mean) else 1.0
