"""How near gradient descent will come to the minimum, before it takes a step."""

import math
from fractions import Fraction

import numpy as np

from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.moments import Moments
from linreg.fit.exact.rounding import nearest_float
from linreg.fit.exact.standardize import Scaling
from linreg.params import Train

GOOD = 0.01
MOST_EPOCHS = 2000


def expected_gap(
    moments: Moments, least: LeastSquares, scores: Scaling, train: Train, num_rows: int
) -> float | None:
    """Return (loss − least loss) / least loss that is left after `train.epochs` on z-scores of
    `num_rows` rows.

    The error e of θ along an eigenvector of the correlations R with eigenvalue λ goes, with
    momentum m, from step to step by v ← m·v + 2·lr·λ·e, e ← e − v (B. Polyak, 1964): a 2 × 2 matrix
    to the power of the steps. It begins at the random θ and b of torch.nn.Linear, of variance 1 /
    3M, of which this is the mean; the noise of the batches comes on top. None where nothing can be
    said: no such column, nothing left to explain, or divergence.
    """
    kept = np.flatnonzero(least.kept[1:])
    if not len(kept) or least.rss == 0 or least.tss == 0:
        return None
    gram, n = moments.gram(), moments.num_rows
    means, scales = [Fraction(mean) for mean in scores.x_mean.tolist()], scores.x_scale
    rows = [
        [gram[max(i, j) + 1][min(i, j) + 1] / n - means[i] * means[j] for j in kept] for i in kept
    ]
    # of columns whose squares are beyond float64
    with np.errstate(all="ignore"):
        R = np.array([[nearest_float(entry) for entry in row] for row in rows]) / np.outer(
            scales[kept], scales[kept]
        )
    if not np.isfinite(R).all():
        return None
    eigenvalues, vectors = np.linalg.eigh(R)
    random = 1 / (3 * len(kept))
    squares = np.square(vectors.T @ (least.theta[kept] * scales[kept] / scores.y_scale)) + random
    eigenvalues, squares = (
        np.append(np.maximum(eigenvalues, 0), 1.0),
        np.append(squares, random),
        # the last is b's
    )
    steps = train.epochs * math.ceil(num_rows / train.batch_size)
    pull, momentum = 2 * train.lr * eigenvalues, np.full(len(eigenvalues), train.momentum)
    step = np.stack(
        [np.stack([1 - pull, -momentum], axis=1), np.stack([pull, momentum], axis=1)], axis=1
    )
    with np.errstate(over="ignore", invalid="ignore"):
        shrunk = np.linalg.matrix_power(step, steps)[:, 0, 0]
        left = float((eigenvalues * squares * shrunk**2).sum())
    return left / float(least.rss / least.tss) if np.isfinite(left) else None


def enough_epochs(
    moments: Moments, least: LeastSquares, scores: Scaling, train: Train, num_rows: int
) -> int | None:
    """Return the epochs, one of 50, 100, 200, 500, …, that come within GOOD; None if MOST_EPOCHS do
    not.
    """
    for epochs in (50, 100, 200, 500, 1000, MOST_EPOCHS):
        longer = train.model_copy(update={"epochs": epochs})
        gap = expected_gap(moments, least, scores, longer, num_rows)
        if epochs > train.epochs and (gap is None or gap <= GOOD):
            return epochs
    return None
