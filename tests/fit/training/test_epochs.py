from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from linreg.data.rows import Rows
from linreg.data.training_data import TrainingData
from linreg.fit.compiled import engine as compiled
from linreg.fit.coordinates.choice import training_coordinates
from linreg.fit.exact.reference import ExactReference
from linreg.fit.history import Epoch, History
from linreg.fit.sgd import autograd
from linreg.fit.sgd.checkpoint import Checkpoint
from linreg.fit.training.epochs import train_epochs
from linreg.params.train import Train
from linreg.process.workers import ALONE

Shards = Callable[..., list[Rows]]
Floats = NDArray[np.float64]


@pytest.fixture
def data(shards_of: Shards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainingData:
    monkeypatch.chdir(tmp_path)
    X = np.random.default_rng(1).normal(size=(30, 2)) * [1.0, 5.0] + [0.0, 3.0]
    shards = shards_of(X, X @ [1.0, 2.0] + 0.1 * X[:, 0] ** 2)
    return TrainingData(shards[0]._design, shards, shards[0])


def reference(data: TrainingData, params: Train) -> ExactReference:
    return ExactReference.compute(data.shards, data.names, data.intercept, params)


def trained(data: TrainingData, params: Train, state: Any = None) -> list[Epoch]:
    checkpoint = Checkpoint({}, params, History(data.names, params, quiet=True), ALONE)
    checkpoint.state = state
    return list(train_epochs(data, reference(data, params), params, ALONE, checkpoint))


def bits(epochs: list[Epoch]) -> list[tuple[int, int, list[float], float]]:
    return [(each.number, each.step, each.theta.tolist(), each.b) for each in epochs]


@pytest.mark.parametrize("scale", ["none", "standardize", "whiten"])
@pytest.mark.parametrize("engine", ["autograd", "compiled"])
def test_gradient_descent_runs_in_the_engine_and_the_coordinates_that_the_parameters_name(
    data: TrainingData, engine: Any, scale: Any
) -> None:
    params = Train(engine=engine, epochs=3, batch_size=8, lr=0.001, scale=scale)
    exact = reference(data, params)
    coordinates = training_coordinates(exact, scale)
    found, by_autograd, by_kernels = (
        trained(data, params),
        list(autograd.gradient_descent(data.shards, 2, True, coordinates, params)),
        list(compiled.gradient_descent(data.shards, 2, True, coordinates, params)),
    )
    # They round differently.
    assert bits(by_autograd) != bits(by_kernels)
    assert bits(found) == bits(by_autograd if engine == "autograd" else by_kernels)


def test_the_exact_solver_has_the_solution_as_its_only_epoch(data: TrainingData) -> None:
    params = Train(solver="exact")
    (epoch,) = trained(data, params)
    solution = reference(data, params).solution
    assert (epoch.number, epoch.step, epoch.lr, epoch.rows_per_second) == (0, 0, 0, 0)
    assert (epoch.theta.tolist(), epoch.b) == (solution.theta.tolist(), solution.b)


def test_a_training_goes_on_from_its_checkpoint(data: TrainingData) -> None:
    params = Train(engine="compiled", epochs=3, batch_size=8, dtype="float64")
    whole = trained(data, params)
    state = {"step": whole[0].step, "compiled": [[0.0] * 3] * 3}
    resumed = trained(data, params, state)
    assert [each.number for each in resumed] == [2, 3]
