"""The excess loss that gradient descent is expected to end with, in whitened coordinates.

There the Hessian of half the loss is the identity, so that all coordinates are alike. With δ =
(b, θ) − (b*, θ*), a step is v ← μ·v + 2(Ĥδ − η), δ ← δ − r·v, where Ĥ and η are means over the
batch: Ĥ of w·u·uᵀ, η of w·u·e, e being the residual of least squares. Their deviations from the
identity and from 0 are the noise, and what is left of each at the end is linear in it:

    E‖δ‖² = d²·‖δ₀‖² + Σ_epochs N·n/(n − 1)·(Σ cₜ²/bₜ − (Σ cₜ)²/n) + Σ cₜ²·κ·Vₜ·(n − bₜ)/(n − 1)/bₜ

d is the end of a step's linear map applied to 1 without noise; cₜ the effect of ηₜ on the end, both
after averaging; N the gradient noise of a row and bₜ the rows of a batch of an epoch of n. The
second term is the variance of a sum over a random permutation, as every row comes once an epoch: it
is 0 for full batches. The third is the noise of Ĥ, with κ the mean kurtosis and Vₜ = E‖δₜ‖² from
the same recursion. (B. Polyak, Some methods of speeding up the convergence of iteration methods,
1964, for the recursion; W. Cochran, Sampling Techniques, 1977, theorem 2.2, for sampling without
replacement.)
"""

from typing import NamedTuple

import numpy as np

from linreg.arrays import Floats
from linreg.fit.kernels import strict
from linreg.fit.sgd.schedule import first_averaged_step, learning_rates
from linreg.params import Train
from linreg.setup.training.row_moments import RowMoments

ROUNDINGS = {"float32": 2.0**-24, "float64": 2.0**-53}
ROUNDING_NOISE = 30.0
"""‖δ‖² per coordinate that the rounding of a step leaves, in squares of the unit roundoff."""


class Start(NamedTuple):
    """Where gradient descent begins.

    num_rows          the training rows
    squared_distance  the expected ‖δ₀‖², from the random start of torch.nn.Linear
    """

    num_rows: int
    squared_distance: float


def expected_excess(rows: RowMoments, start: Start, train: Train) -> float:
    """Return the expected E‖δ‖² at the end: the loss less its minimum, for y of variance 1."""
    steps_per_epoch = -(-start.num_rows // train.batch_size)
    num_steps = train.epochs * steps_per_epoch
    rates = learning_rates(train, np.arange(num_steps) / num_steps)
    lengths = np.full(steps_per_epoch, float(min(train.batch_size, start.num_rows)))
    lengths[-1] = start.num_rows - (steps_per_epoch - 1) * train.batch_size
    first = min(first_averaged_step(train, num_steps), num_steps) - 1
    noise = _noise_at_the_end(
        rates,
        lengths,
        train.momentum,
        first,
        rows.gradient_noise,
        rows.mean_kurtosis,
        start.squared_distance,
    )
    rounding = ROUNDING_NOISE * rows.num_coefficients * ROUNDINGS[train.dtype] ** 2
    return float(noise) + rounding


@strict
def _noise_at_the_end(
    rates: Floats,
    lengths: Floats,
    momentum: float,
    first_averaged: int,
    gradient_noise: float,
    kurtosis: float,
    squared_distance: float,
) -> float:
    """Return the formula above, but for rounding.

    rates           (steps,)
    lengths         (steps per epoch,) the rows of each batch
    first_averaged  the first step that counts, from 0
    """
    num_steps, steps_per_epoch = len(rates), len(lengths)
    num_rows = lengths.sum()
    others = max(1.0, num_rows - 1)
    count = num_steps - first_averaged
    before = np.empty(num_steps)
    # E‖δ‖², E⟨δ, v⟩ and E‖v‖², with noise; δ and v of the mean, which begins at 1.
    position, product, velocity = squared_distance, 0.0, 0.0
    mean, mean_velocity, mean_at_end = 1.0, 0.0, 0.0
    for step in range(num_steps):
        rate, length = rates[step], lengths[step % steps_per_epoch]
        before[step] = position
        share = (num_rows - length) / others / length
        noise = 4 * share * (kurtosis * position + gradient_noise)
        pushed = momentum * momentum * velocity + 4 * momentum * product + 4 * position + noise
        pulled = momentum * product + 2 * position
        position += rate * (rate * pushed - 2 * pulled)
        product = pulled - rate * pushed
        velocity = pushed
        mean_velocity = momentum * mean_velocity + 2 * mean
        mean -= rate * mean_velocity
        if step >= first_averaged:
            mean_at_end += mean / count
    total = squared_distance * mean_at_end * mean_at_end
    # How the end depends on δ and v after a step, from the last step to the first.
    of_position, of_velocity = 0.0, 0.0
    effects, squares = 0.0, 0.0
    for step in range(num_steps - 1, -1, -1):
        length = lengths[step % steps_per_epoch]
        if step >= first_averaged:
            of_position += 1.0 / count
        of_velocity = momentum * of_velocity - rates[step] * of_position
        effect = 2 * of_velocity
        of_position += effect
        effects += effect
        squares += effect * effect / length
        share = (num_rows - length) / others / length
        total += effect * effect * share * kurtosis * before[step]
        if step % steps_per_epoch == 0:
            total += gradient_noise * num_rows / others * (squares - effects * effects / num_rows)
            effects, squares = 0.0, 0.0
    return total
