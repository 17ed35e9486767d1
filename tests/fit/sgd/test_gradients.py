from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from linreg.fit.coordinates.scaling import Scaling
from linreg.fit.sgd.gradients import RidgePenalty, ShardGradients
from linreg.fit.sgd.portable_linear import PortableLinear
from linreg.process.torch_setup import torch
from linreg.process.worker_group import WorkerGroup
from linreg.process.workers import ALONE, Workers

Floats = NDArray[np.float64]
THETA, B = [1.0, -2.0, 3.0], 4.0
NUM_SHARDS = 5


class Group(WorkerGroup):
    """Workers that exchange tensors by what they exchange arrays with."""

    def __init__(self, workers: Workers) -> None:
        Workers.__init__(self, workers.rank, workers.size)
        self._workers = workers

    def gather_tensor(self, tensor: torch.Tensor) -> torch.Tensor:
        arrays = self._workers.gather_array(tensor.double().numpy().ravel())
        return torch.from_numpy(np.stack(arrays)).view(self.size, *tensor.shape).to(tensor)


def linear() -> PortableLinear:
    model = PortableLinear(3, 1, dtype=torch.double)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([THETA]))
        model.bias.fill_(B)
    return model


def rows_of(step: int, lengths: Sequence[int]) -> list[tuple[Floats, Floats]]:
    """X and y of each shard, small integers: sums are exact in any order."""
    rng = np.random.default_rng(step)
    return [
        (rng.integers(-5, 6, (length, 3)).astype(float), rng.integers(-5, 6, length).astype(float))
        for length in lengths
    ]


STEPS = [[2, 1, 3, 1, 2], [1, 1, 1, 1, 1], [0, 2, 0, 0, 1], [0, 0, 0, 0, 3], [4, 0, 0, 0, 0]]
"""By step, the rows of each shard."""


def sums_over_shards(workers: Workers) -> list[list[float]]:
    """By step, the sum of squared errors and its gradient: θ's, then b's."""
    model = linear()
    gradients = ShardGradients(model, NUM_SHARDS, workers)
    found = []
    for step, lengths in enumerate(STEPS):
        model.zero_grad()
        rows = rows_of(step, lengths)
        for shard in workers.own_range(NUM_SHARDS):
            if not lengths[shard]:
                continue
            X, y = (torch.from_numpy(each) for each in rows[shard])
            loss = torch.square(model(X)[:, 0] - y).sum()
            loss.backward()
            gradients.collect(shard, loss)
        loss = gradients.sum_over_shards(lengths)
        assert loss.shape == ()
        assert not loss.requires_grad
        assert model.weight.grad is not None
        assert model.bias.grad is not None
        found.append([loss.item(), *model.weight.grad[0].tolist(), model.bias.grad.item()])
    return found


def expected() -> list[list[float]]:
    found = []
    for step, lengths in enumerate(STEPS):
        rows = rows_of(step, lengths)
        X, y = np.concatenate([X for X, _ in rows]), np.concatenate([y for _, y in rows])
        residuals = X @ THETA + B - y
        gradient = [*(2 * residuals @ X).tolist(), float(2 * residuals.sum())]
        found.append([float(residuals @ residuals), *gradient])
    return found


def test_one_process_has_the_gradient_of_all_rows_of_a_batch() -> None:
    assert sums_over_shards(ALONE) == expected()


@pytest.mark.parametrize("num_workers", [2, 3, 5, 7])
def test_each_of_several_processes_has_the_gradient_of_all_rows_of_a_batch(
    together: Callable[..., list[Any]], num_workers: int
) -> None:
    found = together(num_workers, lambda workers: sums_over_shards(Group(workers)))
    assert found == [expected()] * num_workers


def test_a_parameter_on_which_no_loss_depends_has_the_gradient_0(
    together: Callable[..., list[Any]],
) -> None:
    def work(workers: Workers) -> list[float]:
        model = linear()
        gradients = ShardGradients(model, 2, Group(workers))
        loss = torch.square(model.weight).sum()
        loss.backward()
        gradients.collect(workers.rank, loss)
        gradients.sum_over_shards([1, 1])
        assert model.weight.grad is not None
        assert model.bias.grad is not None
        return [*model.weight.grad[0].tolist(), model.bias.grad.item()]

    assert together(2, work) == [[4.0, -8.0, 12.0, 0.0]] * 2


def test_a_model_without_an_intercept_has_the_gradient_of_theta_alone(
    together: Callable[..., list[Any]],
) -> None:
    def work(workers: Workers) -> list[float]:
        model = torch.nn.Linear(2, 1, bias=False, dtype=torch.double)
        gradients = ShardGradients(model, 2, Group(workers))
        X = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.double)
        loss = model(X[workers.rank]).sum()
        loss.backward()
        gradients.collect(workers.rank, loss)
        gradients.sum_over_shards([1, 1])
        assert model.weight.grad is not None
        found: list[float] = model.weight.grad[0].tolist()
        return found

    assert together(2, work) == [[4.0, 6.0]] * 2


def test_the_gradient_of_a_batch_does_not_change_with_the_next_exchange(
    together: Callable[..., list[Any]],
) -> None:
    def work(workers: Workers) -> bool:
        model = linear()
        gradients = ShardGradients(model, 2, Group(workers))
        kept: list[torch.Tensor] = []
        for factor in (1.0, 3.0):
            loss = factor * torch.square(model.weight).sum()
            loss.backward()
            gradients.collect(workers.rank, loss)
            gradients.sum_over_shards([1, 1])
            assert model.weight.grad is not None
            kept.append(model.weight.grad)
            model.zero_grad()
        return bool((kept[1] == 3 * kept[0]).all())

    assert together(2, work) == [True, True]


def scaling(*x_scale: float) -> Scaling:
    return Scaling(np.zeros(3), np.array(x_scale), 0.0, 1.0)


def test_a_penalty_adds_its_value_to_the_loss_and_its_slope_to_the_gradient() -> None:
    model = linear()
    model.weight.grad = torch.tensor([[10.0, 20.0, 30.0]], dtype=torch.double)
    model.bias.grad = torch.tensor([40.0], dtype=torch.double)
    ridge = RidgePenalty(model, 0.5, scaling(1.0, 2.0, 4.0))
    loss = ridge.add_penalty_and_gradient(torch.tensor(7.0, dtype=torch.double))
    # 0.5·(1² + (−2/2)² + (3/4)²), and 2·0.5·θ / scale².
    assert loss.item() == 7 + 0.5 * (1 + 1 + 0.5625)
    assert not loss.requires_grad
    assert model.weight.grad.tolist() == [[10 + 1, 20 - 2 / 4, 30 + 3 / 16]]
    assert model.bias.grad.tolist() == [40.0]


def test_without_a_penalty_the_loss_and_the_gradient_stay_as_they_are() -> None:
    model = linear()
    loss = torch.tensor(7.0, dtype=torch.double)
    ridge = RidgePenalty(model, 0.0, scaling(1.0, 2.0, 0.0))
    assert ridge.add_penalty_and_gradient(loss) is loss
    assert model.weight.grad is None


def test_the_penalty_has_the_type_of_the_model() -> None:
    model = PortableLinear(3, 1, dtype=torch.float)
    ridge = RidgePenalty(model, 0.5, scaling(1.0, 1.0, 1.0))
    assert ridge.add_penalty_and_gradient(torch.tensor(0.0)).dtype == torch.float
