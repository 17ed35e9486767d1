import math
from typing import Any

import numpy as np
import pytest

from linreg.fit.sgd.initial_parameters import initial_parameters
from linreg.params.train import Train


@pytest.mark.parametrize("num_features", [1, 2, 16, 10_000])
def test_parameters_are_uniform_within_1_by_the_root_of_their_number(num_features: int) -> None:
    bound = 1 / math.sqrt(num_features)
    seeds = range(1, 1 + max(20, 4000 // num_features))
    found = np.array([initial_parameters(num_features, True, Train(seed=seed)) for seed in seeds])
    assert found.shape == (len(seeds), num_features + 1)
    assert np.abs(found).max() <= np.float32(bound)
    # b and θ have the mean 0 and the standard deviation of that distribution.
    of_theta = found[:, 1:]
    assert abs(of_theta.mean()) < 4 * bound / math.sqrt(3 * of_theta.size)
    assert of_theta.std() == pytest.approx(bound / math.sqrt(3), rel=0.05)
    assert np.abs(found[:, 0]).max() > bound / 2
    assert (found[:, 0] < 0).any()
    assert (found[:, 0] > 0).any()


@pytest.mark.parametrize("num_features", [0, 1, 5])
def test_without_an_intercept_b_is_0_and_theta_the_same(num_features: int) -> None:
    with_b, without = (
        initial_parameters(num_features, intercept, Train()) for intercept in (True, False)
    )
    assert with_b[0] != 0
    assert without.tolist() == [0.0, *with_b[1:].tolist()]


def test_an_intercept_alone_lies_within_1() -> None:
    found = [float(initial_parameters(0, True, Train(seed=seed))[0]) for seed in range(200)]
    assert 0.9 < max(map(abs, found)) <= 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_parameters_are_float64_of_the_precision_of_the_training(dtype: Any) -> None:
    found = initial_parameters(50, True, Train(dtype=dtype))
    assert found.dtype == np.float64
    assert (found == found.astype(np.float32)).all() == (dtype == "float32")
