"""A forecast of the gap at the end of gradient descent, before it takes a step."""

import math
from typing import NamedTuple

import numpy as np

from linreg.arrays import Floats
from linreg.fit.coordinates.learning_rate import MOST_FEATURES
from linreg.fit.coordinates.scaling import Scaling
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.moment_sums.gram import standardized_products
from linreg.fit.exact.moment_sums.level_moments import AnyMoments
from linreg.params import Train

SMALL_GAP = 0.01
_CHOICES_OF_EPOCHS = (50, 100, 200, 500, 1000, 2000)


def forecast_gap(
    moments: AnyMoments, solution: LeastSquares, z_scores: Scaling, train: Train, num_rows: int
) -> float | None:
    """Return the expected gap after `train.epochs` on the z-scores of `num_rows` rows.

    Along an eigenvector of the correlations R with eigenvalue λ, the error e of θ changes from step
    to step by v ← m·v + 2·lr·λ·e, e ← e − v, with momentum m (B. Polyak, 1964): a 2 × 2 matrix to
    the power of the steps. Training begins at the random θ and b of torch.nn.Linear, of variance
    1 / 3M; this is the mean over them. The noise of the batches comes on top. None for a model
    without features or with more than MOST_FEATURES, a target that is explained exactly or
    constant, or divergence.
    """
    directions = _directions(moments, solution, z_scores)
    return directions and _gap(directions, solution, train, num_rows)


def sufficient_epochs(
    moments: AnyMoments, solution: LeastSquares, z_scores: Scaling, train: Train, num_rows: int
) -> int | None:
    """Return a round number of epochs that leave a small gap by forecast; None if 2000 do not."""
    directions = _directions(moments, solution, z_scores)
    for epochs in _CHOICES_OF_EPOCHS:
        longer = train.model_copy(update={"epochs": epochs})
        gap = directions and _gap(directions, solution, longer, num_rows)
        if epochs > train.epochs and (gap is None or gap <= SMALL_GAP):
            return epochs
    return None


class _Directions(NamedTuple):
    """The eigenvectors of the correlations and the direction of b, both (p + 1,).

    curvatures  their eigenvalues
    errors      the expected squares of the errors along them at the start
    """

    curvatures: Floats
    errors: Floats


def _directions(
    moments: AnyMoments, solution: LeastSquares, z_scores: Scaling
) -> _Directions | None:
    """Return None where there is nothing to descend to, or beyond float64."""
    kept = np.flatnonzero(solution.kept[1:])
    if not 0 < len(kept) <= MOST_FEATURES or not solution.rss or solution.tss == 0:
        return None
    products, exponent = standardized_products(
        moments.gram(), z_scores.x_mean, z_scores.x_scale, l2=0.0
    )
    with np.errstate(over="ignore"):
        R = np.ldexp(products[np.ix_(kept + 1, kept + 1)], 2 * exponent)
    if not np.isfinite(R).all():
        return None
    eigenvalues, eigenvectors = np.linalg.eigh(R)
    variance_at_start = 1 / (3 * len(kept))
    theta = solution.theta[kept] * z_scores.x_scale[kept] / z_scores.y_scale
    errors = np.square(eigenvectors.T @ theta) + variance_at_start
    return _Directions(
        np.append(np.maximum(eigenvalues, 0), 1.0), np.append(errors, variance_at_start)
    )


def _gap(
    directions: _Directions, solution: LeastSquares, train: Train, num_rows: int
) -> float | None:
    curvatures, errors = directions
    num_steps = train.epochs * math.ceil(num_rows / train.batch_size)
    with np.errstate(over="ignore", invalid="ignore"):
        excess = float((curvatures * errors * _decay(curvatures, train, num_steps) ** 2).sum())
    assert solution.rss is not None
    return excess / float(solution.rss / solution.tss) if np.isfinite(excess) else None


def _decay(eigenvalues: Floats, train: Train, num_steps: int) -> Floats:
    """Return by which factor the error along each eigenvector changes in so many steps."""
    pull = 2 * train.lr * eigenvalues
    momentum = np.full(len(eigenvalues), train.momentum)
    rows = [np.stack([1 - pull, -momentum], axis=1), np.stack([pull, momentum], axis=1)]
    factors: Floats = np.linalg.matrix_power(np.stack(rows, axis=1), num_steps)[:, 0, 0]
    return factors
