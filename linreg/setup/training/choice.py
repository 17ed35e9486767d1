"""The settings of training that `linreg use` proposes, which end at the minimum by forecast."""

import math
from dataclasses import dataclass

import numpy as np

from linreg.fit.coordinates.learning_rate import round_down_to_one_digit
from linreg.fit.coordinates.whitening import whitening
from linreg.fit.exact.least_squares import LeastSquares
from linreg.params.train import Train
from linreg.setup.survey.preview import Preview
from linreg.setup.training.forecast import ROUNDING_NOISE, ROUNDINGS, Start, expected_excess
from linreg.setup.training.row_moments import RowMoments, row_moments

MOST_COEFFICIENTS = 500
"""Of which gradient descent is proposed."""
MOST_GAP = 3e-4
"""The expected gap, at most: a third of what a gap should be, as one training is not the mean."""
MOST_DISTANCE = 1 / 8
"""The expected distance of a coefficient from the exact one, in standard errors, at most: of many
coefficients, the largest of such distances is four times as large."""
SAFETY_FACTOR = 4.0
"""By which the learning rate is below the one above which the variance of θ grows without bound."""
USUAL_RATE = 0.1
"""lr / (1 − momentum), which momentum makes of a learning rate: 0.01 with a momentum of 0.9."""
EPOCHS = (20, 50, 100, 200, 500, 1000, 2000, 5000)
BATCH_SIZES = tuple(32 * 4**k for k in range(7))
FULL_BATCH_COST = 10.0
"""By which a full batch counts as slower than it is, as it is no stochastic gradient."""
RATES = (1.0, 0.3, 0.1)
"""Of the largest rate that is stable, those that are looked at."""
MOST_SECONDS = 300.0
SECONDS_PER_STEP = {"autograd": 3.5e-4, "compiled": 2e-7}
"""Measured with few columns; forward, backward and optimizer of PyTorch take 330 of the 350 µs."""
SECONDS_PER_CELL = 2e-9
"""And per row and column of an epoch."""
SECONDS_PER_EPOCH = 2e-3
"""In which its losses are measured and recorded."""


TABLE_DEPENDENT = {
    "solver": "sgd",
    "scale": "whiten",
    "schedule": "linear",
    "average": 0.5,
    "patience": 0,
    "dtype": "float32",
    "lr": 0.01,
    "batch_size": 32,
    "epochs": 20,
}
"""Settings of training that depend on the table; the search begins with these."""


@dataclass(frozen=True)
class TrainingChoice:
    """Settings of `train`, with the reason.

    gap  the expected one; None for the exact solution
    """

    train: Train
    reason: str = ""
    gap: float | None = None


def choose_training(
    preview: Preview, solution: LeastSquares, train: Train, num_rows: int, shards: int
) -> TrainingChoice:
    """Return the settings for a table of `num_rows` training rows.

    solution  with `train.l2`, collinear columns dropped
    train     the settings before, of which those that depend on the table are replaced
    """
    train = train.model_copy(update=TABLE_DEPENDENT)
    if train.l1:
        return _exact(train, "gradient descent has no lasso penalty")
    if train.l2 and train.penalty_scale == "standardize":
        return _exact(train, "gradient descent has no standardized penalty")
    if len(preview.names) > MOST_COEFFICIENTS:
        return _exact(train, f"gradient descent on {len(preview.names):,} coefficients takes long")
    if solution.tss == 0:
        return _exact(train, "the target is constant")
    if not solution.rss:
        return _exact(train, "the features determine the target exactly")
    map_ = whitening(preview.moments, solution)
    rows = row_moments(preview.read(), map_, solution)
    if rows is None:
        return _exact(train, "the columns are too large for gradient descent")
    minimum = _minimum(solution) / map_.mean_weight / map_.y_scale / map_.y_scale
    if not 0 < minimum < math.inf:
        return _exact(train, "squares of the target are beyond float64")
    optimum = map_.scale(solution.theta, solution.b)
    variance = 1 / (3 * max(1, len(preview.names)))
    distance = float((optimum**2).sum()) + rows.num_coefficients * variance
    start = Start(num_rows, distance)
    most_excess = minimum * min(
        MOST_GAP, MOST_DISTANCE**2 * rows.num_coefficients / max(1, solution.df)
    )
    needed = ROUNDING_NOISE * rows.num_coefficients * ROUNDINGS["float32"] ** 2
    if needed > most_excess / 2:
        train = train.model_copy(update={"dtype": "float64"})
    for settings in _affordable(train, rows, num_rows, shards):
        excess, lr = min(
            (expected_excess(rows, start, settings.model_copy(update={"lr": lr})), lr)
            for lr in _rates(rows, settings)
        )
        if excess <= most_excess:
            return TrainingChoice(settings.model_copy(update={"lr": lr}), gap=excess / minimum)
    minutes = MOST_SECONDS / 60
    return _exact(train, f"in {minutes:g} minutes gradient descent would not reach the minimum")


def _affordable(train: Train, rows: RowMoments, num_rows: int, shards: int) -> list[Train]:
    """Return settings with all numbers of epochs and batch sizes, those that take least first."""
    sizes = [size for size in BATCH_SIZES if size < num_rows]
    sizes += BATCH_SIZES[len(sizes) : len(sizes) + 1]
    found = []
    for size in sizes:
        batch_size = -(-size // shards) * shards
        for epochs in EPOCHS:
            settings = train.model_copy(update={"batch_size": batch_size, "epochs": epochs})
            seconds = _seconds(settings, rows.num_coefficients, num_rows)
            if seconds <= MOST_SECONDS:
                found.append((seconds * (FULL_BATCH_COST if size >= num_rows else 1), settings))
    found.sort(key=lambda each: each[0])
    return [settings for _, settings in found]


def _rates(rows: RowMoments, train: Train) -> list[float]:
    """Return learning rates at which training is stable.

    Above batch_size · (1 − momentum) / kurtosis the variance of θ grows without bound: from the
    second moment of a step, in which momentum acts like a rate of lr / (1 − momentum). Measured
    with a kurtosis of 4093: batches of 32 diverged with lr 0.001 and ended 0.2 % above the minimum
    with 0.0005 (the limit is 0.00078); with lr 0.01 batches of 32 diverged and batches of 512 did
    not (the limit is at 409 rows).
    """
    damping = 1 - train.momentum
    limit = train.batch_size * damping / max(1.0, rows.largest_kurtosis)
    # 1 − 0.9 is a little less than 0.1.
    largest = min(round(USUAL_RATE * damping, 12), limit / SAFETY_FACTOR)
    return sorted({round_down_to_one_digit(share * largest) for share in RATES})


def _seconds(train: Train, num_coefficients: int, num_rows: int) -> float:
    num_steps = train.epochs * -(-num_rows // train.batch_size)
    cells = train.epochs * num_rows * num_coefficients
    of_steps = num_steps * SECONDS_PER_STEP[train.engine]
    return of_steps + cells * SECONDS_PER_CELL + train.epochs * SECONDS_PER_EPOCH


def _minimum(solution: LeastSquares) -> float:
    """Return the least loss, with the penalty."""
    # What overflows is infinite.
    with np.errstate(over="ignore"):
        penalty = solution.l2 * math.fsum(np.square(solution.theta).tolist())
    return float(solution.rss or 0) / solution.num_rows + penalty


def _exact(train: Train, reason: str) -> TrainingChoice:
    return TrainingChoice(train.model_copy(update={"solver": "exact"}), reason)
