"""Whether a learning rate can work at all, known from the moments before the first step."""

import numpy as np
from numpy.typing import NDArray

from linreg.errors import UserError
from linreg.fit.moments import Moments
from linreg.fit.scaling import Scaling
from linreg.params import Train

Floats = NDArray[np.float64]


def refuse_unstable_rate(moments: Moments, intercept: bool, scaling: Scaling, scores: Scaling, params: Train) -> None:
    """Raise UserError when gradient descent must diverge at a constant `train.lr`.

    `scaling` is that of the training, `scores` what `train.standardize: true` would use. A schedule that lowers the
    rate may still arrive, so it is not refused.
    """
    limit = largest_stable_rate(moments, intercept, scaling, params)
    if params.schedule != "constant" or params.lr < limit:
        return
    standardized = largest_stable_rate(moments, intercept, scores, params)
    helps = not params.standardize and params.lr < standardized
    alternative = ", or set train.standardize: true, with which it is stable" if helps else ""
    raise UserError(
        "params.yaml: train.lr", f"is too large, training must diverge: the largest stable rate is {limit:.3g}",
        found=f"{params.lr:g}", todo=f"choose less, such as {_rounded_down(limit / 4)}{alternative}",
    )  # fmt: skip


def largest_stable_rate(moments: Moments, intercept: bool, scaling: Scaling, params: Train) -> float:
    """Return 2(1 + momentum) / λ, with λ the largest curvature of the loss in the units of the training.

    Above it the mean of θ over all orders of the rows diverges (B. Polyak, 1964, for the method with momentum). The
    noise of small batches can make training diverge below it already, the more so the smaller the batch.
    """
    H = _half_curvature(moments, scaling, params)
    first = 0 if intercept else 1
    largest = 2 * float(np.linalg.eigvalsh(H[first:, first:])[-1]) if len(H) > first else 0.0
    return 2 * (1 + params.momentum) / largest if largest > 0 else np.inf


def _half_curvature(moments: Moments, scaling: Scaling, params: Train) -> Floats:
    """Zᵀ diag(w) Z / n of Z = [1 (X − x_mean) / x_scale], plus the penalty."""
    gram = moments.rounded()[:-1, :-1] / moments.num_rows
    shift = np.eye(len(gram))
    shift[1:, 0] = -scaling.x_mean
    scale = np.concatenate([[1.0], scaling.x_scale])
    H: Floats = (shift @ gram @ shift.T) / scale / scale[:, None]
    H[np.diag_indices(len(H))] += params.l2 * np.concatenate([[0.0], scaling.x_scale**-2.0])
    return H


def _rounded_down(value: float) -> str:
    """One digit of a number, rounded down: a suggestion looks better as 0.4 than as 0.4712."""
    digits = f"{value:.0e}"
    return f"{float(digits) if float(digits) <= value else float(digits) * 0.5:g}"
