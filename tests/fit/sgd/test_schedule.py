import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from linreg.fit.sgd.schedule import (
    STEPS_AT_ONCE,
    first_averaged_step,
    learning_rates,
    rates_of_steps,
)
from linreg.params.train import Train

PROGRESS = np.linspace(0, 1, 9)


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
@pytest.mark.parametrize(
    "steps", [range(0), range(1), range(7, STEPS_AT_ONCE), range(3, 2 * STEPS_AT_ONCE + 4)]
)
def test_the_rates_of_steps_have_the_bits_of_those_computed_at_once(
    schedule: Any, steps: range
) -> None:
    params = Train(schedule=schedule, lr=0.3)
    at_once = learning_rates(params, np.array(steps, np.int64) / 100_000).tolist()
    assert list(rates_of_steps(params, steps, 100_000)) == at_once


def test_a_constant_rate_is_lr_at_every_step() -> None:
    assert learning_rates(Train(lr=0.3), PROGRESS).tolist() == [0.3] * 9


def test_a_linear_rate_falls_from_lr_by_equal_differences_to_0() -> None:
    found = learning_rates(Train(lr=0.5, schedule="linear"), PROGRESS)
    assert found.tolist() == [float(Fraction(8 - k, 16)) for k in range(9)]


def test_a_cosine_rate_falls_from_lr_along_half_a_period_to_0() -> None:
    found = learning_rates(Train(lr=0.5, schedule="cosine"), PROGRESS)
    # cos² of half the angle is (1 + cos) / 2.
    expected = [0.5 * math.cos(math.pi * k / 16) ** 2 for k in range(9)]
    np.testing.assert_allclose(found, expected, atol=1e-16)


@pytest.mark.parametrize(
    ("average", "num_steps", "first"),
    [
        (0.0, 10, 11),
        (0.1, 10, 10),
        (0.19, 10, 10),
        (0.5, 10, 6),
        (0.5, 11, 7),
        (0.99, 10, 2),
        (1.0, 10, 1),
        (0.5, 1, 2),
        (1.0, 1, 1),
    ],
)
def test_the_averaged_steps_are_the_last_ones_rounded_down_to_whole_steps(
    average: float, num_steps: int, first: int
) -> None:
    assert first_averaged_step(Train(average=average), num_steps) == first
