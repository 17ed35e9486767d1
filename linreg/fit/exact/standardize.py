"""z-scores of the training rows, and the way back to the units of the data."""

import math
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from linreg.data.rows import Chunk
from linreg.fit.exact.moments import Moments

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scaling:
    """Shift and scale of X (M,) and of y: what is trained on is (X − x_mean) / x_scale and (y −
    y_mean) / y_scale.
    """

    x_mean: Floats
    x_scale: Floats
    y_mean: float
    y_scale: float

    @classmethod
    def none(cls, num_features: int) -> "Scaling":
        """Return the scaling that changes nothing."""
        return cls(np.zeros(num_features), np.ones(num_features), 0.0, 1.0)

    def without(self, kept: NDArray[np.bool_]) -> "Scaling":
        """Return the scaling that makes columns that are not kept (M,) vanish: all 0 in training, θ
        = 0 afterwards.
        """
        return replace(self, x_scale=np.where(kept, self.x_scale, np.inf))

    def apply(self, chunk: Chunk) -> Chunk:
        """Return a window in the units of the training."""
        if (
            self.y_scale == 1.0
            and self.y_mean == 0.0
            and not self.x_mean.any()
            and (self.x_scale == 1.0).all()
        ):
            return chunk
        return Chunk(
            (chunk.X - self.x_mean) / self.x_scale, (chunk.y - self.y_mean) / self.y_scale, chunk.w
        )

    def fold_back(self, theta: Floats, b: float) -> tuple[Floats, float]:
        """Return θ (M,) and b in the units of the data from those of the training.

        From (ỹ − y_mean) / y_scale = b + Σ θ_j (x_j − x_mean_j) / x_scale_j, solved for ỹ.
        """
        folded = theta * self.y_scale / self.x_scale
        shift = math.fsum((folded * self.x_mean).tolist())
        return folded, b * self.y_scale + self.y_mean - shift


def standard_scores(moments: Moments, intercept: bool) -> Scaling:
    """Return mean and standard deviation (by n) of the rows, weighted where they are.

    Without an intercept nothing is shifted, since a shift could not be undone: the scale is the
    root mean square. A column that is constant beside the intercept (or zero without) keeps its
    unit; least squares refuses or drops it.
    """
    gram = moments.gram()
    total = gram[0][0]
    center, scale = [], []
    for j, row in enumerate(gram[1:], start=1):
        mean = row[0] / total if intercept else Fraction(0)
        spread = _root(max(Fraction(0), row[j] / total - mean * mean))
        center.append(rounded(mean))
        scale.append(spread if spread > 1e-14 * abs(center[-1]) else 1.0)
    return Scaling(np.array(center[:-1]), np.array(scale[:-1]), center[-1], scale[-1])


def rounded(value: Fraction) -> float:
    """Return a fraction as float64; infinite beyond it."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _root(value: Fraction) -> float:
    """Return the square root of a number that may itself be beyond float64; a power of 4 is kept
    aside.
    """
    shift = (value.numerator.bit_length() - value.denominator.bit_length()) // 2
    return math.ldexp(math.sqrt(value / Fraction(4) ** shift), shift)
