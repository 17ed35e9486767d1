"""A captured step is the step itself: shown on a CPU by a capture that keeps the function."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from linreg.data.rows import Rows
from linreg.errors import UserError
from linreg.fit.coordinates.scaling import Scaling
from linreg.fit.history import Epoch
from linreg.fit.sgd import autograd
from linreg.fit.sgd.batches import Batch, MicroBatch
from linreg.fit.sgd.cuda_graph import WARM_UP_STEPS, CapturedStep, capture_for, set_learning_rate
from linreg.params.train import Train
from linreg.process.torch_setup import torch
from linreg.process.workers import ALONE, Workers

Shards = Callable[..., list[Rows]]


class Twin:
    """Captures the function, which a replay calls: like a graph, on the same tensors."""

    def __init__(self) -> None:
        self.num_captured = self.num_replayed = self.num_warm_ups = 0

    def warm_up(self, function: Callable[[], torch.Tensor]) -> torch.Tensor:
        self.num_warm_ups += 1
        return function()

    def capture(
        self, function: Callable[[], torch.Tensor]
    ) -> tuple[Callable[[], None], torch.Tensor]:
        self.num_captured += 1
        result = torch.zeros(())

        def replay() -> None:
            self.num_replayed += 1
            result.copy_(function())

        return replay, result


def train(shards: list[Rows], **params: Any) -> list[Epoch]:
    num_features = shards[0].chunk(0).X.shape[1]
    return list(
        autograd.gradient_descent(
            shards, num_features, True, Scaling.identity(num_features), Train(**params)
        )
    )


def rows(num_rows: int = 230) -> tuple[Any, Any]:
    random = np.random.default_rng(1)
    X = random.normal(size=(num_rows, 3))
    return X, 0.5 + X @ [1.0, -2.0, 3.0] + 0.1 * random.normal(size=num_rows)


@pytest.fixture
def twin(monkeypatch: pytest.MonkeyPatch) -> Twin:
    recorder = Twin()
    monkeypatch.setattr(autograd, "capture_for", lambda _device, _workers: recorder)
    return recorder


@pytest.mark.parametrize("num_shards", [1, 3])
@pytest.mark.parametrize(
    "params",
    [{}, {"schedule": "linear", "average": 0.5}, {"l2": 0.1, "momentum": 0.0}],
    ids=["plain", "linear", "l2"],
)
def test_a_training_that_is_replayed_has_the_bits_of_one_that_is_not(
    shards_of: Shards, monkeypatch: pytest.MonkeyPatch, num_shards: int, params: dict[str, Any]
) -> None:
    settings = {"epochs": 3, "batch_size": 32, "lr": 0.02} | params
    expected = train(shards_of(*rows(), num_shards), **settings)
    recorder = Twin()
    monkeypatch.setattr(autograd, "capture_for", lambda _device, _workers: recorder)
    found = train(shards_of(*rows(), num_shards), **settings)
    assert recorder.num_replayed > 10
    for epoch, same in zip(found, expected, strict=True):
        assert (epoch.b, epoch.theta.tolist(), epoch.lr) == (same.b, same.theta.tolist(), same.lr)


def test_a_step_is_recorded_once_and_replayed_for_whole_batches_only(
    shards_of: Shards, twin: Twin
) -> None:
    whole, epochs = 230 // 32, 4
    train(shards_of(*rows(), 1), epochs=epochs, batch_size=32, lr=0.02)
    assert twin.num_captured == 1
    assert twin.num_replayed == whole * epochs - WARM_UP_STEPS


def test_a_divergence_is_found_though_the_loss_is_checked_rarely(
    shards_of: Shards, twin: Twin
) -> None:
    with pytest.raises(
        UserError, match=r"training: step 8 \(epoch 1\): the loss is no longer finite"
    ):
        train(shards_of(*rows(), 1), epochs=3, batch_size=32, lr=1e20)
    assert twin.num_replayed


def sum_of_squares(batch: Batch) -> torch.Tensor:
    """A step that takes none: the weighted sum of squares of all X and y."""
    found = torch.zeros((), dtype=torch.double)
    for shard, (X, y, sqrt_w) in batch.micro_batches:
        weight = torch.ones_like(y) if sqrt_w is None else sqrt_w
        found = found + (shard + 1) * ((weight * X).square().sum() + (weight * y).square().sum())
    return found


def batch_of(number: int, lengths: list[int], *, weighted: bool) -> Batch:
    """Rows that are full of a number, in the shards 0, 1, …"""
    micro_batches = []
    for shard, length in enumerate(lengths):
        X = torch.full((length, 2), float(number), dtype=torch.double)
        y = torch.full((length, 1), number + 0.5, dtype=torch.double)
        micro_batches.append((shard, MicroBatch(X, y, y + 1 if weighted else None)))
    return Batch(lengths, micro_batches)


def optimizer() -> torch.optim.SGD:
    return torch.optim.SGD([torch.zeros(3, dtype=torch.double, requires_grad=True)], lr=0.25)


@pytest.mark.parametrize("weighted", [False, True])
def test_each_step_returns_the_loss_of_its_own_batch(weighted: bool) -> None:
    twin = Twin()
    step = CapturedStep(sum_of_squares, optimizer(), twin, 5)
    for number in range(1, 8):
        for lengths in ([3, 2], [1, 0], [3, 2]):
            batch = batch_of(number, lengths, weighted=weighted)
            assert step(batch).item() == pytest.approx(sum_of_squares(batch).item(), rel=1e-15)
    assert (twin.num_warm_ups, twin.num_captured, twin.num_replayed) == (3, 1, 14 - 3)


@pytest.mark.parametrize("weighted", [False, True])
def test_batches_that_were_trained_on_keep_their_rows(weighted: bool) -> None:
    step = CapturedStep(sum_of_squares, optimizer(), Twin(), 5)
    batches = [batch_of(number, [3, 2], weighted=weighted) for number in range(9)]
    for batch in batches:
        step(batch)
    for number, batch in enumerate(batches):
        same = batch_of(number, [3, 2], weighted=weighted)
        assert sum_of_squares(batch).item() == sum_of_squares(same).item()


def test_a_captured_step_reads_its_learning_rate_from_the_device() -> None:
    of = optimizer()
    CapturedStep(sum_of_squares, of, Twin(), 5)
    (group,) = of.param_groups
    rate = group["lr"]
    assert group["fused"] is True
    assert (rate.item(), rate.dtype, rate.device) == (0.25, torch.float, torch.device("cpu"))
    set_learning_rate(of, 0.125)
    assert group["lr"] is rate
    assert rate.item() == 0.125


def test_a_step_that_is_not_captured_has_its_learning_rate_as_a_number() -> None:
    of = optimizer()
    set_learning_rate(of, 0.1)
    assert [group["lr"] for group in of.param_groups] == [0.1]


@pytest.mark.parametrize(
    ("device", "workers"),
    [("cpu", ALONE), ("cpu", Workers(0, 2)), ("cuda:0", Workers(0, 2)), ("cuda:1", Workers(1, 2))],
)
def test_steps_on_a_cpu_or_of_several_processes_are_not_captured(
    device: str, workers: Workers
) -> None:
    assert capture_for(device, workers) is None
