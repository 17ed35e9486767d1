"""Gradient descent on compact design matrices against that on the same ones with all zeros."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from linreg.arrays import Floats
from linreg.data.formula.design import Design
from linreg.data.rows import Rows
from linreg.errors import UserError
from linreg.fit.compiled import augmented_rows, supersteps
from linreg.fit.compiled import engine as compiled
from linreg.fit.coordinates.scaling import Scaling, z_score_scaling
from linreg.fit.exact.reference import compute_moments
from linreg.fit.history import Epoch
from linreg.fit.sgd import autograd
from linreg.params.train import Train
from linreg.process.workers import Workers
from tests.fit.level_shards import compact_and_dense, drawn

Learn = Callable[..., Design]
TABLE = drawn()


def train(engine: Any, shards: list[Rows], intercept: bool = True, **params: Any) -> list[Epoch]:
    num_features = shards[0].layout.num_features
    scaling = params.pop("scaling", Scaling.identity(num_features))
    workers = params.pop("workers", Workers())
    usual: dict[str, Any] = {"dtype": "float64", "lr": 0.05, "epochs": 2, "batch_size": 32}
    of = Train(**(usual | params))
    return list(engine.gradient_descent(shards, num_features, intercept, scaling, of, workers))


def as_rows(epochs: list[Epoch]) -> Floats:
    return np.array([[each.number, each.step, each.lr, each.b, *each.theta] for each in epochs])


CASES: list[tuple[int, dict[str, Any]]] = [
    (1, {}),
    (3, {}),
    (1, {"batch_size": 7, "epochs": 1}),
    (3, {"batch_size": 250}),
    (1, {"batch_size": 5000, "epochs": 4}),
    (1, {"schedule": "cosine", "average": 0.5, "momentum": 0.0}),
    (1, {"l2": 0.01}),
    (1, {"dtype": "float32"}),
    (3, {"dtype": "float32"}),
]
cases = pytest.mark.parametrize(("num_shards", "params"), CASES, ids=str)


@cases
def test_autograd_takes_the_same_steps_to_the_last_bit(
    tmp_path: Path, learn: Learn, num_shards: int, params: dict[str, Any]
) -> None:
    compact, dense = compact_and_dense(
        tmp_path, learn, TABLE, num_shards=num_shards, rows_per_group=70
    )
    found, expected = (as_rows(train(autograd, each, **params)) for each in (compact, dense))
    np.testing.assert_array_equal(found, expected)


@cases
def test_the_compiled_engine_takes_the_same_steps(
    tmp_path: Path, learn: Learn, num_shards: int, params: dict[str, Any]
) -> None:
    """Those of its own on arrays, and those of autograd.

    Measured: 8e-16 and 1e-15; 8e-7 where autograd is in float32.
    """
    compact, dense = compact_and_dense(
        tmp_path, learn, TABLE, num_shards=num_shards, rows_per_group=70
    )
    found, expected = (as_rows(train(compiled, each, **params)) for each in (compact, dense))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    of_autograd = as_rows(train(autograd, compact, **params))
    atol = 3e-6 if "dtype" in params else 1e-14
    np.testing.assert_allclose(found, of_autograd, rtol=1e-12, atol=atol)


@pytest.mark.parametrize("engine", [autograd, compiled])
@pytest.mark.parametrize("num_shards", [1, 3])
@pytest.mark.parametrize("formula", ["y ~ x + g + z + h", "y ~ 0 + g + x + h"])
def test_weights_scaling_and_dropped_columns_mean_the_same(
    tmp_path: Path, learn: Learn, num_shards: int, engine: Any, formula: str
) -> None:
    """The dropped ones are a number, a level of each category, and one in the middle."""
    intercept = "0 +" not in formula
    compact, dense = compact_and_dense(
        tmp_path, learn, TABLE, formula, num_shards, rows_per_group=70, weighted=True
    )
    num_features = compact[0].layout.num_features
    kept = ~np.isin(np.arange(num_features), [0, 5, 110, num_features - 1])
    moments = compute_moments(dense, num_features)
    scaling = z_score_scaling(moments, intercept).restricted_to(kept)
    params: dict[str, Any] = {"l2": 0.001, "average": 0.3, "scaling": scaling, "lr": 0.01}
    found, expected = (train(engine, each, intercept, **params) for each in (compact, dense))
    if engine is autograd:
        np.testing.assert_array_equal(as_rows(found), as_rows(expected))
    np.testing.assert_allclose(as_rows(found), as_rows(expected), rtol=1e-11, atol=1e-13)
    theta = found[-1].theta
    assert (theta[kept] != 0).all()
    assert not theta[~kept].any()
    assert (found[-1].b == 0) != intercept
    of_autograd = train(autograd, compact, intercept, **params)
    np.testing.assert_allclose(as_rows(found), as_rows(of_autograd), rtol=1e-11, atol=1e-13)


def test_no_bit_depends_on_supersteps_or_on_what_memory_holds(
    tmp_path: Path, learn: Learn, monkeypatch: pytest.MonkeyPatch
) -> None:
    compact, _ = compact_and_dense(tmp_path, learn, TABLE, rows_per_group=70, weighted=True)
    usual = as_rows(train(compiled, compact, batch_size=17))
    monkeypatch.setattr(augmented_rows, "CACHE_BYTES", 0)
    for rows_per_superstep in (1, 100, 333):
        monkeypatch.setattr(supersteps, "ROWS_PER_SUPERSTEP", rows_per_superstep)
        np.testing.assert_array_equal(as_rows(train(compiled, compact, batch_size=17)), usual)


@pytest.mark.parametrize("num_shards", [1, 3])
def test_every_worker_ends_with_the_bits_of_one_alone(
    tmp_path: Path, learn: Learn, together: Callable[..., list[Any]], num_shards: int
) -> None:
    compact, _ = compact_and_dense(tmp_path, learn, TABLE, num_shards=num_shards)
    alone = as_rows(train(compiled, compact, epochs=1)).tobytes()

    def fit(workers: Workers) -> bytes:
        return as_rows(train(compiled, compact, epochs=1, workers=workers)).tobytes()

    assert together(2, fit) == [alone] * 2


def test_a_step_that_is_not_finite_ends_it_with_its_number(tmp_path: Path, learn: Learn) -> None:
    compact, _ = compact_and_dense(tmp_path, learn, TABLE)
    with pytest.raises(UserError, match=r"step \d+ \(epoch \d+\): θ and b are no longer finite"):
        train(compiled, compact, lr=50.0, epochs=30)
