"""z-scores of the training rows, and the way back to the units of the data."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from linreg.data.rows import Rows, Window
from linreg.workers.one import ALONE, Workers

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scaling:
    """Shift and scale of X (M,) and of y: what is trained on is (X − x_mean) / x_scale and (y − y_mean) / y_scale."""

    x_mean: Floats
    x_scale: Floats
    y_mean: float
    y_scale: float

    @classmethod
    def none(cls, num_features: int) -> "Scaling":
        """Return the scaling that changes nothing."""
        return cls(np.zeros(num_features), np.ones(num_features), 0.0, 1.0)

    def without(self, kept: NDArray[np.bool_]) -> "Scaling":
        """Return the scaling that makes columns that are not kept (M,) vanish: all 0 in training, θ = 0 afterwards."""
        return replace(self, x_scale=np.where(kept, self.x_scale, np.inf))

    def apply(self, window: Window) -> Window:
        """Return a window in the units of the training."""
        return Window((window.X - self.x_mean) / self.x_scale, (window.y - self.y_mean) / self.y_scale, window.w)

    def fold_back(self, theta: Floats, b: float) -> tuple[Floats, float]:
        """Return θ (M,) and b in the units of the data from those of the training.

        From (ỹ − y_mean) / y_scale = b + Σ θ_j (x_j − x_mean_j) / x_scale_j, solved for ỹ.
        """
        folded = theta * self.y_scale / self.x_scale
        shift = math.fsum((folded * self.x_mean).tolist())
        return folded, b * self.y_scale + self.y_mean - shift


def standard_scores(shards: Sequence[Rows], intercept: bool, workers: Workers = ALONE) -> Scaling:
    """Return mean and standard deviation (by n) of the training rows, in two passes over them.

    Without an intercept nothing is shifted, since a shift could not be undone: the scale is the root mean square.
    A column that is constant beside the intercept (or zero without) keeps its unit; least squares refuses or drops it.
    """
    num_rows = sum(shard.num_rows for shard in shards)

    def mean(of: Callable[[Window], Floats]) -> Floats:
        sums = workers.gather_all([of(window).sum(axis=0).tolist() for shard in shards for window in shard])
        return np.array([math.fsum(each) / num_rows for each in np.transpose(sums)])

    def columns(window: Window) -> Floats:
        return np.column_stack([window.X, window.y])

    center = mean(columns)
    if not intercept:
        center = np.zeros_like(center)
    scale = np.sqrt(mean(lambda window: np.square(columns(window) - center)))
    scale[scale <= 1e-14 * np.abs(center)] = 1.0
    return Scaling(center[:-1], scale[:-1], float(center[-1]), float(scale[-1]))
