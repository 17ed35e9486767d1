"""A forecast of the gap at the end of gradient descent, before it takes a step."""

import math
from fractions import Fraction

import numpy as np

from linreg.arrays import Floats
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.moments import Moments
from linreg.fit.exact.rounding import nearest_float
from linreg.fit.exact.standardize import Scaling
from linreg.params import Train

SMALL_GAP = 0.01
_CHOICES_OF_EPOCHS = (50, 100, 200, 500, 1000, 2000)


def forecast_gap(
    moments: Moments, solution: LeastSquares, z_scores: Scaling, train: Train, num_rows: int
) -> float | None:
    """Return the expected gap after `train.epochs` on the z-scores of `num_rows` rows.

    Along an eigenvector of the correlations R with eigenvalue λ, the error e of θ changes from step
    to step by v ← m·v + 2·lr·λ·e, e ← e − v, with momentum m (B. Polyak, 1964): a 2 × 2 matrix to
    the power of the steps. Training begins at the random θ and b of torch.nn.Linear, of variance
    1 / 3M; this is the mean over them. The noise of the batches comes on top. None for a model
    without features, a target that is explained exactly or constant, or divergence.
    """
    kept = np.flatnonzero(solution.kept[1:])
    if not len(kept) or not solution.rss or solution.tss == 0:
        return None
    R = _correlations(moments, z_scores, kept)
    if not np.isfinite(R).all():
        return None
    eigenvalues, eigenvectors = np.linalg.eigh(R)
    variance_at_start = 1 / (3 * len(kept))
    theta = solution.theta[kept] * z_scores.x_scale[kept] / z_scores.y_scale
    errors = np.square(eigenvectors.T @ theta) + variance_at_start
    # The last direction is that of b.
    eigenvalues = np.append(np.maximum(eigenvalues, 0), 1.0)
    errors = np.append(errors, variance_at_start)
    num_steps = train.epochs * math.ceil(num_rows / train.batch_size)
    with np.errstate(over="ignore", invalid="ignore"):
        excess = float((eigenvalues * errors * _decay(eigenvalues, train, num_steps) ** 2).sum())
    return excess / float(solution.rss / solution.tss) if np.isfinite(excess) else None


def sufficient_epochs(
    moments: Moments, solution: LeastSquares, z_scores: Scaling, train: Train, num_rows: int
) -> int | None:
    """Return a round number of epochs that leave a small gap by forecast; None if 2000 do not."""
    for epochs in _CHOICES_OF_EPOCHS:
        longer = train.model_copy(update={"epochs": epochs})
        gap = forecast_gap(moments, solution, z_scores, longer, num_rows)
        if epochs > train.epochs and (gap is None or gap <= SMALL_GAP):
            return epochs
    return None


def _correlations(moments: Moments, z_scores: Scaling, kept: np.ndarray) -> Floats:
    """Return the correlations of the kept columns of X; not finite where they overflow."""
    gram = moments.gram()
    means = [Fraction(mean) for mean in z_scores.x_mean.tolist()]

    def covariance(i: int, j: int) -> float:
        mean_product = gram[max(i, j) + 1][min(i, j) + 1] / moments.num_rows
        return nearest_float(mean_product - means[i] * means[j])

    covariances = np.array([[covariance(i, j) for j in kept] for i in kept])
    with np.errstate(all="ignore"):
        R: Floats = covariances / np.outer(z_scores.x_scale[kept], z_scores.x_scale[kept])
    return R


def _decay(eigenvalues: Floats, train: Train, num_steps: int) -> Floats:
    """Return by which factor the error along each eigenvector changes in so many steps."""
    pull = 2 * train.lr * eigenvalues
    momentum = np.full(len(eigenvalues), train.momentum)
    rows = [np.stack([1 - pull, -momentum], axis=1), np.stack([pull, momentum], axis=1)]
    factors: Floats = np.linalg.matrix_power(np.stack(rows, axis=1), num_steps)[:, 0, 0]
    return factors
