"""The expected path of gradient descent to the minimum, computed from the moments alone."""

import numpy as np

from linreg.arrays import Floats
from linreg.fit.coordinates.choice import Coordinates, training_coordinates
from linreg.fit.coordinates.learning_rate import half_hessian
from linreg.fit.coordinates.whitening import Whitening
from linreg.fit.exact.reference import ExactReference
from linreg.fit.sgd.initial_parameters import initial_parameters
from linreg.fit.sgd.schedule import learning_rates
from linreg.params.train import Train

MAX_STEPS = 2000
"""The path ends after this many steps, converged or not."""
CONVERGED = 1e-4
"""The path ends where less than this share of the distance at the start is left."""


def expected_path(exact: ExactReference, params: Train, num_steps: int) -> Floats:
    """Return (b, θ) before the first step and after each of at most `num_steps`.

    (steps + 1, M + 1), in the units of the data. The expected gradient of a random batch is that of
    all rows, and on a quadratic loss every step is a linear map; so the mean over all orders of the
    rows takes the steps of full gradients: v ← μ·v + 2Hd, d ← d − lr·v, with d = (b, θ) − (b*, θ*).
    (Rows are drawn without replacement within an epoch, which this leaves out.) The path ends
    before values beyond float64.
    """
    minimum = exact.solution
    coordinates = training_coordinates(exact, params.scale)
    optimum = coordinates.scale(minimum.theta, minimum.b)
    first = initial_parameters(len(minimum.names), minimum.intercept, params) - optimum
    H = _half_hessian(exact, coordinates, params)
    with np.errstate(over="ignore", invalid="ignore"):
        points = _full_gradient_descent(first, H, params, num_steps) + optimum
        path = coordinates.unscale_path(points)
    return path[np.isfinite(path).all(axis=1)]


def _half_hessian(exact: ExactReference, coordinates: Coordinates, params: Train) -> Floats:
    """Return half of the Hessian of the loss, (M + 1, M + 1), in the coordinates of training."""
    if isinstance(coordinates, Whitening):
        return np.diag(coordinates.kept.astype(np.float64))
    scaled, exponent = half_hessian(exact.moments, coordinates, params)
    with np.errstate(over="ignore"):
        H: Floats = np.ldexp(scaled, 2 * exponent)
    if not exact.solution.intercept:
        # b is fixed at 0.
        H[0] = 0.0
    return H


def _full_gradient_descent(d: Floats, H: Floats, params: Train, num_steps: int) -> Floats:
    """Return d, (b, θ) less the optimum, before and after each step: (steps + 1, M + 1)."""
    rates = learning_rates(params, np.arange(min(num_steps, MAX_STEPS)) / max(1, num_steps))
    distance_at_start = np.abs(d).max()
    velocity = np.zeros(len(d))
    path = [d]
    for rate in rates:
        # Not a BLAS product, which rounds differently from CPU to CPU.
        velocity = params.momentum * velocity + 2 * (H * d).sum(axis=1)
        d = d - rate * velocity
        path.append(d)
        if not np.isfinite(d).all() or np.abs(d).max() < CONVERGED * distance_at_start:
            break
    return np.array(path)
