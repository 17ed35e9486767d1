"""Cross-validation of gradient descent: a fold's model is that of a training without its rows."""

import signal
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from linreg.data.rows import Rows
from linreg.data.split.folds import FoldsByRow
from linreg.data.training_data import TrainingData
from linreg.errors import Interrupted
from linreg.fit.coordinates.choice import training_coordinates
from linreg.fit.cross_validation.cross_validation import CrossValidation
from linreg.fit.cross_validation.fold_moments import fold_moments
from linreg.fit.exact.reference import ExactReference
from linreg.fit.squared_error import mean_squared_error
from linreg.fit.training import fold_training
from linreg.fit.training.epochs import gradient_descent_of
from linreg.fit.training.fold_training import cross_validate_training
from linreg.params.train import Train
from linreg.process.workers import ALONE, Workers

NUM_ROWS = 400
RANDOM = np.random.default_rng(3)
X = 5 + RANDOM.normal(size=(NUM_ROWS, 2))
Y = X @ [2.0, -1.0] + 0.5 + RANDOM.normal(size=NUM_ROWS)
Shards = Callable[..., list[Rows]]
PARAMS: dict[str, Any] = {"scale": "whiten", "lr": 0.05, "epochs": 8, "batch_size": 20}
engines = pytest.mark.parametrize("engine", ["autograd", "compiled"])


def assert_close(found: Any, expected: Any, rtol: float) -> None:
    np.testing.assert_allclose(found, expected, rtol)


def validated(shards: list[Rows], params: Train, workers: Workers = ALONE) -> CrossValidation:
    data = TrainingData(shards[0]._design, shards, shards[0])
    folds = FoldsByRow(4, "row", [rows.num_rows for rows in shards])
    moments = fold_moments(shards, folds, workers)
    known = (data.names, True, params, workers)
    reference = ExactReference.compute(shards, *known, moments=moments.total)
    found = cross_validate_training(data, reference, moments, params, workers)
    assert found is not None
    return found


@pytest.mark.slow
@engines
def test_the_model_of_a_fold_is_that_of_the_other_rows_in_a_file_of_their_own(
    shards_of: Shards, engine: Any
) -> None:
    params = Train(engine=engine, **PARAMS)
    found = validated(shards_of(X, Y), params)
    assert found.estimator == "gradient descent"
    for k, fold in enumerate(found.folds):
        outside = np.arange(NUM_ROWS) // 100 != k
        others = shards_of(X[outside], Y[outside])
        reference = ExactReference.compute(others, ("x1", "x2"), True, params)
        coordinates = training_coordinates(reference, params.scale)
        *_, last = gradient_descent_of(params)(others, 2, True, coordinates, params, ALONE, None)
        assert fold.coefficients is not None
        assert_close(fold.coefficients.theta, last.theta, rtol=1e-12)
        assert_close(fold.coefficients.b, last.b, rtol=1e-11)
        held_out = Y[~outside] - X[~outside] @ fold.coefficients.theta - fold.coefficients.b
        assert_close(fold.mse, np.mean(held_out**2), rtol=1e-12)


@pytest.mark.slow
@engines
def test_its_errors_are_near_those_of_the_exact_solution(shards_of: Shards, engine: Any) -> None:
    shards = shards_of(X, Y, 2, rows_per_group=64)
    exact = validated(shards, Train(solver="exact"))
    falling = {**PARAMS, "schedule": "linear", "lr": 0.02, "epochs": 20}
    found = validated(shards, Train(engine=engine, **falling))
    assert exact.estimator == "least squares"
    for ours, least in zip(found.folds, exact.folds, strict=True):
        assert_close(ours.mse, least.mse, rtol=0.02)


@pytest.mark.slow
def test_the_number_of_workers_changes_no_bit(
    shards_of: Shards, together: Callable[..., list[Any]]
) -> None:
    shards = shards_of(X, Y, 4, rows_per_group=64)
    params = Train(engine="compiled", **PARAMS)

    def work(workers: Workers) -> dict[str, Any]:
        return validated(shards, params, workers).as_data(["x1", "x2"])

    assert together(2, work) == [validated(shards, params).as_data(["x1", "x2"])] * 2


def test_a_training_that_diverges_is_a_fold_without_a_result(shards_of: Shards) -> None:
    shards = shards_of(X, Y)
    found = validated(shards, Train(engine="compiled", **{**PARAMS, "lr": 1e30}))
    for fold in found.folds:
        assert fold.reason.startswith("training: step ")
        assert fold.mse is None
    assert found.spread("rmse").mean is None


def test_patience_chooses_the_epoch_by_the_validation_rows(shards_of: Shards) -> None:
    shards = shards_of(X, Y)
    last, best = (
        validated(shards, Train(engine="compiled", **PARAMS, patience=patience))
        for patience in (0, 8)
    )

    def losses(found: CrossValidation) -> list[float]:
        loss = [mean_squared_error(shards, *fold.coefficients or ()) for fold in found.folds]
        return [each for each in loss if each is not None]

    pairs = list(zip(losses(best), losses(last), strict=True))
    assert all(chosen <= at_end for chosen, at_end in pairs)
    assert any(chosen < at_end for chosen, at_end in pairs)


def test_a_signal_ends_the_training_of_a_fold_at_its_next_step(
    shards_of: Shards, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold_training, "pending_signal", lambda: signal.SIGTERM)
    with pytest.raises(Interrupted, match="the folds begin again") as ended:
        validated(shards_of(X, Y), Train(engine="compiled", **PARAMS))
    assert ended.value.number == signal.SIGTERM
