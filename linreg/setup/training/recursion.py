"""The recursion behind `forecast`: what steps do to the mean and the square of an error."""

import math
from collections.abc import Sequence


def noise_at_the_end(
    rates: Sequence[float],
    lengths: Sequence[float],
    num_rows: int,
    momentum: float,
    first_averaged: int,
    gradient_noise: float,
    kurtosis: float,
    squared_distance: float,
) -> float:
    """Return the formula of `forecast`, but for rounding.

    rates           (steps,)
    lengths         (steps per epoch,) the rows of each batch
    first_averaged  the first step that counts, from 0
    """
    num_steps, steps_per_epoch = len(rates), len(lengths)
    others = max(1.0, num_rows - 1.0)
    count = num_steps - first_averaged
    before = [0.0] * num_steps
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
    # Of the noise of H, which is multiplied by δ: a δ of later steps is much the same.
    own, alike, near = 0.0, 0.0, 0.0
    for step in range(num_steps - 1, -1, -1):
        length = lengths[step % steps_per_epoch]
        if step >= first_averaged:
            of_position += 1.0 / count
        of_velocity = momentum * of_velocity - rates[step] * of_position
        effect = 2 * of_velocity
        of_position += effect
        effects += effect
        squares += effect * effect / length
        at_step = effect * before[step] ** 0.5
        near *= math.exp(-2 * rates[step] / (1 - momentum))
        own += at_step * at_step / length
        alike += at_step * at_step + 2 * at_step * near
        near += at_step
        if step % steps_per_epoch == 0:
            per_row = num_rows / others
            total += gradient_noise * per_row * (squares - effects * effects / num_rows)
            total += kurtosis * per_row * max(0.0, own - alike / num_rows)
            effects, squares = 0.0, 0.0
            own, alike, near = 0.0, 0.0, 0.0
    return total
