"""The largest learning rate at which gradient descent is stable, from the moments alone."""

import math
from decimal import ROUND_DOWN, Context
from fractions import Fraction

import numpy as np

from linreg.arrays import Floats
from linreg.errors import UserError
from linreg.fit.coordinates.choice import training_coordinates
from linreg.fit.coordinates.scaling import Scaling
from linreg.fit.exact.moment_sums.any_moments import AnyMoments
from linreg.fit.exact.moment_sums.gram import standardized_products
from linreg.fit.exact.moment_sums.level_moments import LevelMoments
from linreg.fit.exact.moment_sums.rounding import nearest_float
from linreg.fit.exact.reference import ExactReference
from linreg.params.train import Train

MOST_FEATURES = 2000
"""Columns of X of which H is computed; with more of them, levels in the main, it is not known."""


def check_learning_rate(reference: ExactReference, params: Train) -> None:
    """Raise UserError if gradient descent must diverge at a constant `train.lr`.

    A schedule that lowers the rate may still converge, so it is not refused.
    """
    if params.solver == "exact" or params.schedule != "constant":
        return
    limit = _stable_rate(reference, params)
    if params.lr < limit:
        return
    suggestions = []
    if limit / 8 > 0:
        suggestions.append(f"choose less, such as {round_down_to_one_digit(limit / 4):g}")
    if params.scale != "whiten" and params.lr < stable_rate_of_round_bowl(params):
        suggestions.append("set train.scale: whiten, with which it is stable")
    raise UserError(
        "params.yaml: train.lr",
        f"is too large, training must diverge: the largest stable rate is {limit:.3g}",
        found=f"{params.lr:g}",
        todo=", or ".join(suggestions or ["change the units of the columns"]),
    )


def _stable_rate(reference: ExactReference, params: Train) -> float:
    if params.scale == "whiten":
        return stable_rate_of_round_bowl(params)
    coordinates = training_coordinates(reference, params.scale)
    assert isinstance(coordinates, Scaling)
    return largest_stable_rate(reference.moments, reference.solution.intercept, coordinates, params)


def stable_rate_of_round_bowl(params: Train) -> float:
    """Return the largest stable rate where the Hessian of half the loss is the identity."""
    return 1 + params.momentum


def largest_stable_rate(
    moments: AnyMoments, intercept: bool, scaling: Scaling, params: Train
) -> float:
    """Return 2(1 + momentum) / λ, with λ the largest curvature of the loss in scaled units.

    Above it the mean of θ over all orders of the rows diverges (B. Polyak, 1964, for the method
    with momentum). The noise of small batches can make training diverge below it already, the more
    so the smaller the batch.
    """
    if moments.num_features > MOST_FEATURES and isinstance(moments, LevelMoments):
        return math.inf
    first = 0 if intercept else 1
    H, exponent = half_hessian(moments, scaling, params)
    if not (H := H[first:, first:]).any():
        return math.inf
    # eigvalsh reads the lower triangle only.
    half_curvature = Fraction(float(np.linalg.eigvalsh(H)[-1])) * Fraction(4) ** exponent
    return nearest_float(Fraction(1 + params.momentum) / half_curvature)


def half_hessian(moments: AnyMoments, scaling: Scaling, params: Train) -> tuple[Floats, int]:
    """Return half the Hessian of the loss over (b, θ) in scaled units, (M + 1, M + 1).

    It is Zᵀ diag(w) Z / n with Z = [1 (X − x_mean) / x_scale], plus the ridge penalty. It is
    divided by 4^e, as it may be beyond float64 otherwise; e is returned too.
    """
    return standardized_products(moments.gram(), scaling.x_mean, scaling.x_scale, params.l2)


def round_down_to_one_digit(rate: float) -> float:
    """Return the largest number of one significant digit that is at most `rate`: 0.4 for 0.4712."""
    return float(Context(prec=1, rounding=ROUND_DOWN).create_decimal(repr(rate)))
