"""Whether a learning rate can work at all, known from the moments before the first step."""

from decimal import ROUND_DOWN, Context
from fractions import Fraction

import numpy as np

from linreg.errors import UserError
from linreg.fit.exact.moments import Moments
from linreg.fit.exact.reference import ExactReference
from linreg.fit.exact.standardize import Scaling, rounded, standard_scores
from linreg.params import Train


def stable_scaling(exact: ExactReference, params: Train) -> Scaling:
    """Return the units that gradient descent is to work in; raises UserError like
    `refuse_unstable_rate`.
    """
    least, scaling = exact.minimum, scaling_of(exact, params)
    scores = standard_scores(exact.moments, least.intercept).without(least.kept[1:])
    refuse_unstable_rate(exact.moments, least.intercept, scaling, scores, params)
    return scaling


def scaling_of(exact: ExactReference, params: Train) -> Scaling:
    """Return the units of the training: z-scores with `train.standardize`, else the data's; without
    dropped columns.
    """
    least = exact.minimum
    scaling = Scaling.none(len(least.names))
    if params.standardize:
        scaling = standard_scores(exact.moments, least.intercept)
    return scaling.without(least.kept[1:])


def refuse_unstable_rate(
    moments: Moments, intercept: bool, scaling: Scaling, scores: Scaling, params: Train
) -> None:
    """Raise UserError when gradient descent must diverge at a constant `train.lr`.

    `scaling` is that of the training, `scores` what `train.standardize: true` would use. A schedule
    that lowers the rate may still arrive, so it is not refused.
    """
    limit = largest_stable_rate(moments, intercept, scaling, params)
    if params.schedule != "constant" or params.lr < limit:
        return
    standardized = largest_stable_rate(moments, intercept, scores, params)
    helps = not params.standardize and params.lr < standardized
    suggestion = round_down_to_one_digit(limit / 4)
    todos = [f"choose less, such as {suggestion:g}"] if limit / 8 > 0 else []
    todos += ["set train.standardize: true, with which it is stable"] if helps else []
    raise UserError(
        "params.yaml: train.lr",
        f"is too large, training must diverge: the largest stable rate is {limit:.3g}",
        found=f"{params.lr:g}",
        todo=", or ".join(todos or ["change the units of the columns"]),
    )


def largest_stable_rate(
    moments: Moments, intercept: bool, scaling: Scaling, params: Train
) -> float:
    """Return 2(1 + momentum) / λ, with λ the largest curvature of the loss in the units of the
    training.

    Above it the mean of θ over all orders of the rows diverges (B. Polyak, 1964, for the method
    with momentum). The noise of small batches can make training diverge below it already, the more
    so the smaller the batch.
    """
    H = half_curvature(moments, scaling, params)[0 if intercept else 1 :]
    largest = max((row[-1] for row in H), default=Fraction(0))
    if largest == 0:
        return np.inf
    # In units of the largest entry, so that no square of a column is beyond float64.
    first = 0 if intercept else 1
    scaled = np.array(
        [
            [float(row[j] / largest) if j < len(row) else 0.0 for j in range(first, len(H) + first)]
            for row in H
        ]
    )
    curvature = (
        Fraction(float(np.linalg.eigvalsh(scaled)[-1])) * largest
        # reads the lower triangle
    )
    return rounded(Fraction(1 + params.momentum) / curvature)


def half_curvature(moments: Moments, scaling: Scaling, params: Train) -> list[list[Fraction]]:
    """Return Zᵀ diag(w) Z / n of Z = [1 (X − x_mean) / x_scale], plus the penalty: the lower
    triangle.

    In fractions, as the shift takes away all digits but the last from columns that lie far from 0.
    """
    gram = moments.gram()[:-1]
    mean = [Fraction(0), *map(Fraction, scaling.x_mean.tolist())]
    inverse = [
        Fraction(1),
        *(
            Fraction(1) / Fraction(each) if np.isfinite(each) else Fraction(0)
            for each in scaling.x_scale
        ),
    ]
    H: list[list[Fraction]] = []
    for i, row in enumerate(gram):
        # Σ w xᵢ
        first = gram[i][0]
        H.append([])
        for j, entry in enumerate(row):
            shifted = (
                entry - mean[i] * gram[j][0] - mean[j] * first + mean[i] * mean[j] * gram[0][0]
            )
            H[i].append(shifted * inverse[i] * inverse[j] / moments.num_rows)
        if i:
            H[i][i] += Fraction(params.l2) * inverse[i] ** 2
    return H


def round_down_to_one_digit(rate: float) -> float:
    """Return the largest number of one significant digit that is at most `rate`: 0.4 for 0.4712."""
    return float(Context(prec=1, rounding=ROUND_DOWN).create_decimal(repr(rate)))
