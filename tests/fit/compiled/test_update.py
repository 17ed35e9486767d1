import math
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from linreg.fit.compiled.update import update

Floats = NDArray[np.float64]
RATE, MOMENTUM = 0.125, 0.75
GRADIENT = np.array([1.5, -2.0, 0.25])
PENALTY = np.array([0.0, 0.5, 2.0])
COUPLED = np.array([[0.0, 0.0, 0.0], [0.0, 0.5, -0.25], [0.0, -0.25, 2.0]])


def state() -> Floats:
    """(b, θ), velocity and average, of numbers whose sums and products are exact in float64."""
    return np.array([[3.0, -1.0, 0.5], [0.25, 2.0, -4.0], [10.0, 20.0, 30.0]])


def step(found: Floats, num_averaged: int) -> bool:
    return update(found, GRADIENT.copy(), RATE, MOMENTUM, PENALTY[None], num_averaged)


def exact_step() -> tuple[list[Fraction], list[Fraction]]:
    """v ← μ·v + ∇ + 2·l2·p, p ← p − lr·v, in fractions: the parameters and the velocity."""
    parameters, velocity, _ = ([Fraction(each) for each in row] for row in state().tolist())
    gradient, penalty = (map(Fraction, each.tolist()) for each in (GRADIENT, PENALTY))
    velocity = [
        Fraction(MOMENTUM) * v + g + 2 * l2 * p
        for v, g, l2, p in zip(velocity, gradient, penalty, parameters, strict=True)
    ]
    parameters = [p - Fraction(RATE) * v for p, v in zip(parameters, velocity, strict=True)]
    return parameters, velocity


@pytest.mark.parametrize("num_averaged", [-2, 0, 3])
def test_a_step_is_sgd_with_momentum_and_the_gradient_of_the_penalty(num_averaged: int) -> None:
    found = state()
    assert step(found, num_averaged)
    assert found[:2].tolist() == [list(map(float, each)) for each in exact_step()]


def test_a_penalty_may_couple_the_parameters() -> None:
    """∇ + 2·P·p with all of a symmetric P; a diagonal P gives the bits of its diagonal alone."""
    found, expected = state(), state()
    assert update(found, GRADIENT.copy(), RATE, MOMENTUM, COUPLED, 0)
    slope = GRADIENT + 2 * COUPLED @ state()[0]
    expected[1] = MOMENTUM * expected[1] + slope
    expected[0] -= RATE * expected[1]
    assert found[:2].tolist() == expected[:2].tolist()
    whole, diagonal = state(), state()
    update(whole, GRADIENT.copy(), RATE, MOMENTUM, np.diag(PENALTY), 0)
    update(diagonal, GRADIENT.copy(), RATE, MOMENTUM, PENALTY[None], 0)
    assert whole.tolist() == diagonal.tolist()


@pytest.mark.parametrize("num_averaged", [-1, -7])
def test_before_averaging_begins_a_step_leaves_the_average_alone(num_averaged: int) -> None:
    found = state()
    step(found, num_averaged)
    assert found[2].tolist() == [10.0, 20.0, 30.0]


def test_the_average_after_n_steps_is_the_mean_of_their_parameters() -> None:
    found, steps = state(), []
    for num_averaged in range(5):
        step(found, num_averaged)
        steps.append(found[0].copy())
        np.testing.assert_allclose(found[2], np.mean(steps, axis=0), rtol=1e-15)


@pytest.mark.parametrize("where", [0, 1, 2])
@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_a_parameter_that_is_not_finite_is_reported_wherever_it_is(
    where: int, value: float
) -> None:
    found, gradient = state(), GRADIENT.copy()
    gradient[where] = value
    assert not update(found, gradient, RATE, MOMENTUM, PENALTY[None], 0)
    assert np.isfinite(found[0]).tolist() == [j != where for j in range(3)]


def test_a_parameter_beyond_float64_is_reported_though_its_velocity_is_finite() -> None:
    found = state()
    assert not update(found, GRADIENT, 1e308, MOMENTUM, np.zeros((1, 3)), 0)
    assert np.isfinite(found[1]).all()
