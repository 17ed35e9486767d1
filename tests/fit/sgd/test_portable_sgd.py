from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from linreg.fit.sgd.portable_sgd import PortableSGD
from linreg.process.torch_setup import torch

Array = NDArray[Any]
NUM_STEPS = 40
RATES = np.linspace(0.3, 0.01, NUM_STEPS)


def gradients(dtype: Any) -> list[list[Array]]:
    """By step, the gradients of θ (1, 5) and b (1,)."""
    rng = np.random.default_rng(1)
    shapes = (1, 5), (1,)
    return [[rng.standard_normal(each).astype(dtype) for each in shapes] for _ in range(NUM_STEPS)]


def steps_of(optimizer: torch.optim.SGD, of_steps: Sequence[Sequence[Array]]) -> list[list[Array]]:
    """By step, the parameters after it, with a learning rate that falls."""
    (group,) = optimizer.param_groups
    found = []
    for rate, of_step in zip(RATES, of_steps, strict=True):
        group["lr"] = float(rate)
        for parameter, gradient in zip(group["params"], of_step, strict=True):
            parameter.grad = torch.from_numpy(gradient.copy())
        optimizer.step()
        found.append([parameter.detach().numpy().copy() for parameter in group["params"]])
    return found


def parameters(dtype: Any) -> list[torch.nn.Parameter]:
    values = np.linspace(-1, 1, 5, dtype=dtype)[None], np.array([0.3], dtype)
    return [torch.nn.Parameter(torch.from_numpy(each)) for each in values]


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_operation_of_a_step_is_rounded(dtype: Any, momentum: float) -> None:
    of_steps = gradients(dtype)
    found = steps_of(PortableSGD(parameters(dtype), 1.0, momentum), of_steps)
    values = [each.detach().numpy() for each in parameters(dtype)]
    velocities = [np.zeros_like(each) for each in values]
    for rate, of_step, after in zip(RATES, of_steps, found, strict=True):
        velocities = [dtype(momentum) * v + g for v, g in zip(velocities, of_step, strict=True)]
        values = [p - dtype(rate) * v for p, v in zip(values, velocities, strict=True)]
        assert [each.tobytes() for each in after] == [each.tobytes() for each in values]


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_its_steps_are_torchs_own_apart_from_rounding(dtype: Any, momentum: float) -> None:
    of_steps = gradients(dtype)
    ours = steps_of(PortableSGD(parameters(dtype), 1.0, momentum), of_steps)
    theirs = steps_of(torch.optim.SGD(parameters(dtype), 1.0, momentum), of_steps)
    tolerance = 20 * np.finfo(dtype).eps
    for mine, yours in zip(ours, theirs, strict=True):
        for a, b in zip(mine, yours, strict=True):
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def test_a_step_leaves_the_gradients_as_they_are() -> None:
    of_steps = gradients(np.float32)
    optimizer = PortableSGD(parameters(np.float32), 0.1, 0.9)
    steps_of(optimizer, of_steps)
    (group,) = optimizer.param_groups
    for parameter, gradient in zip(group["params"], of_steps[-1], strict=True):
        assert parameter.grad.tolist() == gradient.tolist()


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_parameter_without_a_gradient_is_an_error(momentum: float) -> None:
    optimizer = PortableSGD(parameters(np.float32), 0.1, momentum)
    with pytest.raises(AssertionError, match="backward"):
        optimizer.step()


def test_elsewhere_than_on_a_cpu_a_step_is_torchs_own() -> None:
    # The device meta has shapes and no numbers.
    parameter = torch.nn.Parameter(torch.empty(3, device="meta"))
    optimizer = PortableSGD([parameter], 0.1, 0.9)
    parameter.grad = torch.empty(3, device="meta")
    with torch.autograd.profiler.profile() as profile:
        optimizer.step()
    names = {event.name for event in profile.function_events}
    assert "aten::add_" in names
    assert "aten::sub_" not in names


def test_a_step_does_not_enter_torchs_profiler() -> None:
    optimizer = PortableSGD(parameters(np.float32), 0.1)
    with torch.autograd.profiler.profile() as profile:
        for parameter in optimizer.param_groups[0]["params"]:
            parameter.grad = torch.ones_like(parameter)
        optimizer.step()
        optimizer.zero_grad()
    names = {event.name for event in profile.function_events}
    assert "aten::sub_" in names
    assert not [name for name in names if name.startswith("Optimizer")]
    assert [each.grad for each in optimizer.param_groups[0]["params"]] == [None, None]
