from typing import Any

import numpy as np
import pytest

from linreg.fit.sgd.schedule import STEPS_AT_ONCE, learning_rates, rates_of_steps
from linreg.params import Train


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
