"""The way that gradient descent takes on average, from its start to the minimum, known from the
moments alone.
"""

import numpy as np
from numpy.typing import NDArray

from linreg.fit.exact.learning_rate import half_hessian
from linreg.fit.exact.reference import ExactReference
from linreg.fit.sgd.initial_parameters import initial_parameters
from linreg.fit.sgd.schedule import learning_rates
from linreg.params import Train

Floats = NDArray[np.float64]

LONGEST = 2000
"""Steps; a training that has not arrived by then is followed no further."""
ARRIVED = 1e-4
"""The part of the way at the start that is left when the path ends."""


def mean_path(exact: ExactReference, params: Train, num_steps: int) -> Floats:
    """Return (b, θ) before the first step and after each of at most `num_steps`, (steps + 1, M +
    1), in data units.

    The gradient of a batch drawn at random is that of all rows on average, and on a quadratic loss
    every step is a linear map, so that the mean over all orders of the rows takes the steps of full
    gradients (the rows of an epoch are drawn without replacement, which this leaves out): v ← μ·v +
    2Hd, d ← d − lr·v, with d = (b, θ) − (b*, θ*).
    """
    least = exact.solution
    scaling = exact.scaling(params.standardize)
    H = np.array(
        [
            [float(entry) for entry in row] + [0.0] * (len(least.names) - i)
            for i, row in enumerate(half_hessian(exact.moments, scaling, params))
        ]
    )
    H += np.tril(H, -1).T
    if not least.intercept:
        H[0] = 0.0
    kept = np.isfinite(scaling.x_scale)
    scale, mean = np.where(kept, scaling.x_scale, 0.0), np.where(kept, scaling.x_mean, 0.0)
    target = np.concatenate([[0.0], least.theta * scale / scaling.y_scale])
    if least.intercept:
        target[0] = (least.b - scaling.y_mean + (least.theta * mean).sum()) / scaling.y_scale

    count = min(num_steps, LONGEST)
    d = initial_parameters(len(least.names), least.intercept, params) - target
    velocity, path, long = np.zeros(len(d)), [d], np.abs(d).max()
    with np.errstate(over="ignore", invalid="ignore"):
        for rate in learning_rates(params, np.arange(count) / max(1, num_steps)):
            velocity = params.momentum * velocity + 2 * (H * d).sum(axis=1)
            d = d - rate * velocity
            path.append(d)
            if not np.isfinite(d).all() or np.abs(d).max() < ARRIVED * long:
                break
        points = np.array(path) + target
        theta = points[:, 1:] * scaling.y_scale / scaling.x_scale
        b = points[:, 0] * scaling.y_scale + scaling.y_mean - (theta * mean).sum(axis=1)
    found: Floats = np.column_stack([b, theta])
    return found[np.isfinite(found).all(axis=1)]
