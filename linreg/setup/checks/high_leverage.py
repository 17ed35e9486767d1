"""Rows of high leverage, for which the small batches of gradient descent may diverge."""

from dataclasses import dataclass

import numpy as np

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import as_array
from linreg.fit.coordinates.learning_rate import MOST_FEATURES, round_down_to_one_digit
from linreg.fit.coordinates.scaling import Scaling
from linreg.params import Train
from linreg.setup.survey.preview import Preview

SMALLEST_EIGENVALUE = 1e-10
"""As a share of the largest: directions of less variance do not matter to training."""
SAFETY_FACTOR = 2.0
MOST_PRODUCTS = 10**10
"""Products of two cells that are summed, which takes some seconds: the first rows stand for all."""


@dataclass(frozen=True)
class HighLeverage:
    """How far the furthest rows are from the others.

    moment_ratio  the largest E[‖z‖²(vᵀz)²] / E[(vᵀz)²] over all directions v, of the rows z = [1 X]
                  in scaled units: about the number of coefficients for normal columns, the inverse
                  of its share for a rare level
    column        the column of X that contributes most
    """

    moment_ratio: float
    column: str

    def largest_rate(self, train: Train) -> float:
        """Return batch_size · (1 − momentum) / moment_ratio: above it the variance of θ diverges.

        From the second moment of a step of SGD, in which momentum acts like a rate of
        lr / (1 − momentum). Measured with a ratio of 4093: batches of 32 diverged with lr 0.001 and
        ended 0.2 % above the minimum with 0.0005 (the limit is 0.00078); with lr 0.01 batches of 32
        diverged and batches of 512 did not (the limit is at 409 rows).
        """
        return train.batch_size * (1 - train.momentum) / self.moment_ratio

    def safe_rate(self, train: Train) -> float:
        """Return a rate of one digit that is less than the largest by SAFETY_FACTOR."""
        return round_down_to_one_digit(self.largest_rate(train) / SAFETY_FACTOR)


def find_high_leverage(preview: Preview, scaling: Scaling) -> HighLeverage | None:
    """Read the rows once more.

    None for a model without features, or with more than MOST_FEATURES, or beyond float64.
    """
    size = len(preview.names) + 1
    if not 1 < size <= MOST_FEATURES:
        return None
    # Σ zzᵀ and Σ ‖z‖² zzᵀ
    second = np.zeros((size, size))
    fourth = np.zeros((size, size))
    num_rows = 0
    with np.errstate(over="ignore", invalid="ignore"):
        for X, _ in preview.read():
            scaled = (as_array(X) - scaling.x_mean) / scaling.x_scale
            Z: Floats = np.column_stack([np.ones(len(X)), scaled])
            second += Z.T @ Z
            fourth += (Z * np.square(Z).sum(axis=1)[:, None]).T @ Z
            num_rows += len(X)
            if num_rows * size * size > MOST_PRODUCTS:
                break
    if not (np.isfinite(second).all() and np.isfinite(fourth).all()):
        return None
    eigenvalues, vectors = np.linalg.eigh(second / num_rows)
    kept = eigenvalues > SMALLEST_EIGENVALUE * eigenvalues[-1]
    whitening = vectors[:, kept] / np.sqrt(eigenvalues[kept])
    moment_ratio = float(np.linalg.eigvalsh(whitening.T @ (fourth / num_rows) @ whitening)[-1])
    by_column = np.diag(fourth)[1:] / np.diag(second)[1:]
    return HighLeverage(moment_ratio, preview.names[int(by_column.argmax())])
