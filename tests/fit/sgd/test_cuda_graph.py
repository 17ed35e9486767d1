"""A captured step is the step itself: shown on a CPU by a capture that keeps the function."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from linreg.data.rows import Rows
from linreg.errors import UserError
from linreg.fit.exact.standardize import Scaling
from linreg.fit.history import Epoch
from linreg.fit.sgd import autograd
from linreg.fit.sgd.cuda_graph import WARM_UP_STEPS
from linreg.params import Train
from linreg.process.torch_setup import torch

Shards = Callable[..., list[Rows]]


class Twin:
    """Captures the function, which a replay calls: like a graph, on the same tensors."""

    def __init__(self) -> None:
        self.num_captured = self.num_replayed = 0

    def warm_up(self, function: Callable[[], torch.Tensor]) -> torch.Tensor:
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
