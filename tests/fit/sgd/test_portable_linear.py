import copy
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from linreg.fit.sgd import linear_kernels
from linreg.fit.sgd.portable_linear import (
    KERNELS_PAY_OFF,
    TORCH_SUMS,
    PortableLinear,
    Sums,
    fastest_sums,
    linear,
)
from linreg.process.torch_setup import torch

Array = NDArray[Any]
KERNELS = Sums(linear_kernels.predictions, linear_kernels.gradients)
WAYS = {"torch": TORCH_SUMS, "kernels": KERNELS}
SHAPES = [(1, 1), (1, 5), (7, 2), (32, 2), (32, 16), (33, 100), (300, 3), (5, 0)]

pytestmark = pytest.mark.parametrize("way", WAYS)


def draw(shape: tuple[int, int], dtype: Any, exponents: int = 0) -> tuple[Array, ...]:
    """X (n, M), θ (1, M), b (1,) and g (n, 1), over so many powers of 2."""
    rng = np.random.default_rng(shape)

    def values(*shape: int) -> Array:
        scale = rng.integers(-exponents, exponents + 1, shape)
        return np.ldexp(rng.standard_normal(shape), scale).astype(dtype)

    n, m = shape
    return values(n, m), values(1, m), values(1), values(n, 1)


def added_in_order(numbers: Array) -> Array:
    """The sum over rows (n, k) as the definition says: one by one, in float64, then rounded."""
    return np.array([sum(map(float, column)) for column in numbers.T], numbers.dtype)


def computed(
    way: str, X: Array, theta: Array, b: Array | None, g: Array
) -> tuple[Array, Array, Array | None]:
    """The predictions (n, 1), and the gradients of θ (1, M) and b (1,), by autograd."""
    model = PortableLinear(X.shape[1], 1, bias=b is not None, dtype=torch.from_numpy(X).dtype)
    model.sums = WAYS[way]
    with torch.no_grad():
        model.weight.copy_(torch.from_numpy(theta))
        if b is not None:
            model.bias.copy_(torch.from_numpy(b))
    predictions = model(torch.from_numpy(X))
    predictions.backward(torch.from_numpy(g))
    assert model.weight.grad is not None
    of_b = None if b is None or model.bias.grad is None else model.bias.grad.numpy()
    return predictions.detach().numpy(), model.weight.grad.numpy(), of_b


@pytest.mark.parametrize("exponents", [0, 20, 60])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_bit_is_that_of_the_definition(
    way: str, shape: tuple[int, int], dtype: Any, exponents: int
) -> None:
    # With 60 powers of 2, products of float32 are subnormal or 0, or infinite.
    with np.errstate(all="ignore"):
        X, theta, b, g = draw(shape, dtype, exponents)
        expected = added_in_order((X * theta).T)[:, None]
        of_theta, of_b = added_in_order(X * g)[None], added_in_order(g)
        with_b = expected + b
    found = computed(way, X, theta, b, g)
    for values, same in zip(found, (with_b, of_theta, of_b), strict=True):
        assert values is not None
        assert (values.dtype, values.shape) == (same.dtype, same.shape)
        assert values.tobytes() == same.tobytes()
    without_b = computed(way, X, theta, None, g)
    assert without_b[0].tobytes() == expected.tobytes()
    assert without_b[1].tobytes() == of_theta.tobytes()
    assert without_b[2] is None


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float, 2e-6), (torch.double, 4e-15)])
@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_torchs_own_layer_apart_from_rounding(
    way: str, shape: tuple[int, int], dtype: torch.dtype, tolerance: float
) -> None:
    X = torch.from_numpy(draw(shape, np.float64)[0]).to(dtype)
    ours = PortableLinear(shape[1], 1, dtype=dtype)
    ours.sums = WAYS[way]
    theirs = torch.nn.Linear(shape[1], 1, dtype=dtype)
    theirs.load_state_dict(ours.state_dict())
    found = []
    for model in (ours, theirs):
        predictions = model(X)
        torch.nn.MSELoss()(predictions, torch.ones_like(predictions)).backward()
        gradients = [parameter.grad for parameter in model.parameters()]
        found.append([predictions.detach(), *(each for each in gradients if each is not None)])
    for mine, yours in zip(*found, strict=True):
        torch.testing.assert_close(mine, yours, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (7, 2), (9, 16)])
def test_the_gradients_are_those_of_finite_differences(
    way: str, shape: tuple[int, int], bias: bool
) -> None:
    X, theta, b, _ = (torch.from_numpy(each).requires_grad_() for each in draw(shape, np.float64))
    if bias:
        assert torch.autograd.gradcheck(
            lambda X, theta, b: linear(X, theta, b, WAYS[way]), (X, theta, b)
        )
    else:
        assert torch.autograd.gradcheck(
            lambda X, theta: linear(X, theta, None, WAYS[way]), (X, theta)
        )


def test_rows_and_gradients_may_be_views(way: str) -> None:
    X, theta, _, _ = (torch.from_numpy(each) for each in draw((32, 16), np.float32))
    theta.requires_grad_()
    found = []
    for rows in (X[::2, ::2], X[::2, ::2].contiguous()):
        predictions = linear(rows, theta[:, ::2].contiguous(), None, WAYS[way])
        # Its gradient is one number in the place of 16.
        (gradient,) = torch.autograd.grad(predictions.sum(), theta)
        found.append((predictions.tolist(), gradient.tolist()))
    assert found[0] == found[1]


def test_a_copy_computes_in_the_same_way(way: str) -> None:
    model = PortableLinear(3, 1)
    model.sums = WAYS[way]
    twin = copy.deepcopy(model)
    X = torch.ones(2, 3)
    assert twin.sums == model.sums
    assert twin(X).tolist() == model(X).tolist()
    assert twin.weight is not model.weight


def test_elsewhere_than_on_a_cpu_it_is_torchs_own_layer(way: str) -> None:
    # The device meta has shapes and no numbers.
    model = PortableLinear(3, 1, device="meta")
    model.sums = WAYS[way]
    predictions = model(torch.empty(5, 3, device="meta"))
    assert predictions.shape == (5, 1)
    assert type(predictions.grad_fn).__name__ == "AddmmBackward0"


def test_kernels_are_for_trainings_that_are_long_enough(way: str) -> None:
    num_steps = int(KERNELS_PAY_OFF / 12_000)
    chosen = {"torch": num_steps, "kernels": num_steps + 1}[way]
    assert fastest_sums(chosen, 100, 100) == WAYS[way]
