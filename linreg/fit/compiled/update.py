"""SGD with momentum, as in torch.optim.SGD, and the running average of its steps."""

import numpy as np

from linreg.arrays import Floats
from linreg.fit.kernels import inlined


@inlined
def update(
    state: Floats,
    gradient: Floats,
    rate: float,
    momentum: float,
    penalty: Floats,
    num_averaged: int,
) -> bool:
    """Take a step, given its gradient, and return whether all parameters are finite after it.

    state         (3, M + 1) float64: (b, θ), its velocity, and its average
    gradient      (M + 1,) of the mean squared error
    penalty       the quadratic form l2·‖θ‖² in the coordinates of training: its diagonal
                  (1, M + 1), or all of it (M + 1, M + 1); 0 for b
    num_averaged  steps in the average; negative until averaging begins
    """
    finite = True
    if penalty.shape[0] > 1:
        for j in range(1, state.shape[1]):
            for k in range(1, state.shape[1]):
                gradient[j] += 2.0 * penalty[j, k] * state[0, k]
    for j in range(state.shape[1]):
        # Row 0 of a full form, that of b, is 0.
        slope = gradient[j] + 2.0 * penalty[0, j] * state[0, j]
        state[1, j] = momentum * state[1, j] + slope
        state[0, j] -= rate * state[1, j]
        finite &= np.isfinite(state[0, j])
        if num_averaged == 0:
            state[2, j] = state[0, j]
        elif num_averaged > 0:
            state[2, j] += (state[0, j] - state[2, j]) / (num_averaged + 1)
    return finite
