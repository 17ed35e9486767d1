"""Rows that lie so far from the others that the small batches of gradient descent cannot bear
them.
"""

from dataclasses import dataclass

import numpy as np

from linreg.fit.exact.learning_rate import round_down_to_one_digit
from linreg.fit.exact.standardize import Scaling
from linreg.params import Train
from linreg.setup.preview import Floats, Look

SMALLEST_EIGENVALUE = 1e-10
"""Directions in which the columns hardly differ, a smaller part of the largest, are of no weight in
training.
"""
SAFE = 2.0


@dataclass(frozen=True)
class Outliers:
    """How far the furthest rows lie.

    spread   the largest E[‖z‖²(vᵀz)²] / E[(vᵀz)²] over all directions v, of the rows z = [1 X] in
             the units of the
             training: about the number of coefficients for normal columns, one over its share for a
             rare level
    column   the column of X in which most of it lies
    """

    spread: float
    column: str

    def largest_rate(self, train: Train) -> float:
        """Return batch_size · (1 − momentum) / spread: above it the variance of θ grows from step
        to step.

        From the second moment of a step of SGD, with momentum taken for a rate of lr / (1 −
        momentum). Measured: with a spread of 4093 and batches of 32, lr 0.001 diverged and 0.0005
        ended 0.2 % above the least loss (limit 0.00078); lr 0.01 diverged with batches of 32, and
        did not with 512 (limit 409).
        """
        return train.batch_size * (1 - train.momentum) / self.spread

    def safe_rate(self, train: Train) -> float:
        """Return one digit of a rate that is SAFE times smaller than the largest."""
        return round_down_to_one_digit(self.largest_rate(train) / SAFE)


def outliers(look: Look, scaling: Scaling) -> Outliers | None:
    """Read the rows once more and find them; None for a model without features, or beyond
    float64.
    """
    size = len(look.names) + 1
    if size == 1:
        return None
    H, K, n = np.zeros((size, size)), np.zeros((size, size)), 0
    with np.errstate(over="ignore", invalid="ignore"):
        for X, _ in look.read():
            Z: Floats = np.column_stack([np.ones(len(X)), (X - scaling.x_mean) / scaling.x_scale])
            H += Z.T @ Z
            K += (Z * np.square(Z).sum(axis=1)[:, None]).T @ Z
            n += len(X)
    if not (np.isfinite(H).all() and np.isfinite(K).all()):
        return None
    eigenvalues, vectors = np.linalg.eigh(H / n)
    kept = eigenvalues > SMALLEST_EIGENVALUE * eigenvalues[-1]
    whitening = vectors[:, kept] / np.sqrt(eigenvalues[kept])
    spread = float(np.linalg.eigvalsh(whitening.T @ (K / n) @ whitening)[-1])
    by_column = np.diag(K)[1:] / np.diag(H)[1:]
    return Outliers(spread, look.names[int(by_column.argmax())])
