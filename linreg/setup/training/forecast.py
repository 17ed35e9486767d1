"""The excess loss that gradient descent is expected to end with, in whitened coordinates.

There the Hessian of half the loss is the identity, so that all coordinates are alike. With δ =
(b, θ) − (b*, θ*), a step is v ← μ·v + 2(Ĥδ − η), δ ← δ − r·v, where Ĥ and η are means over the
batch: Ĥ of w·u·uᵀ, η of w·u·e, e being the residual of least squares. Their deviations from the
identity and from 0 are the noise, and what is left of each at the end is linear in it:

    E‖δ‖² = d²·‖δ₀‖² + Σ_epochs n/(n − 1)·(N·(Σ cₜ²/bₜ − (Σ cₜ)²/n) + κ·(Σ aₜ²/bₜ − Σ ρₜₛ·aₜ·aₛ/n))

d is the end of a step's linear map applied to 1 without noise; cₜ the effect of ηₜ on the end, both
after averaging; N the gradient noise of a row and bₜ the rows of a batch of an epoch of n. The
second term is the variance of a sum over a random permutation, as every row comes once an epoch: it
is 0 for full batches. The third is likewise the noise of Ĥ, with κ the mean kurtosis and aₜ² =
cₜ²·E‖δₜ‖² from the same recursion; it cancels over an epoch as far as δ stays the same meanwhile,
and ρₜₛ = exp(−2·Σ r/(1 − μ)) is how much of δ is left from step t to s. (B. Polyak, Some methods of
speeding up the convergence of iteration methods, 1964, for the recursion; W. Cochran, Sampling
Techniques, 1977, theorem 2.2, for sampling without replacement.)
"""

from typing import NamedTuple

import numpy as np

from linreg.fit.sgd.schedule import first_averaged_step, learning_rates
from linreg.params.train import Train
from linreg.setup.training.recursion import noise_at_the_end
from linreg.setup.training.row_moments import RowMoments

ROUNDINGS = {"float32": 2.0**-24, "float64": 2.0**-53}
ROUNDING_NOISE = 30.0
"""‖δ‖² per coordinate that the rounding of a step leaves, in squares of the unit roundoff."""


MIN_COMPILED = 20_000
"""Steps from which compiled code is faster, with its import."""


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
    rest = (train.momentum, first, rows.gradient_noise, rows.mean_kurtosis, start.squared_distance)
    if num_steps < MIN_COMPILED:
        noise = noise_at_the_end(rates.tolist(), lengths.tolist(), start.num_rows, *rest)
    else:
        # The import of numba takes a second.
        from linreg.setup.training.recursion_kernel import noise_at_the_end_compiled

        noise = noise_at_the_end_compiled(rates, lengths, start.num_rows, *rest)
    rounding = ROUNDING_NOISE * rows.num_coefficients * ROUNDINGS[train.dtype] ** 2
    return float(noise) + rounding
