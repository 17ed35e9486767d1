from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from linreg.data.formula.design import Design
from linreg.data.rows import Rows
from linreg.data.tables.parquet import write_table
from linreg.errors import UserError
from linreg.fit.compiled import augmented_rows, supersteps
from linreg.fit.compiled import engine as compiled
from linreg.fit.compiled.moment_steps import add_moments, add_rest, empty_tile, num_moments
from linreg.fit.compiled.row_steps import MOST_ROWS_SUMMED
from linreg.fit.coordinates.scaling import Scaling, z_score_scaling
from linreg.fit.exact.reference import compute_moments
from linreg.fit.history import Epoch, History
from linreg.fit.sgd import autograd
from linreg.fit.sgd.checkpoint import CHECKPOINTS, Checkpoint, State
from linreg.fit.sgd.initial_parameters import initial_parameters
from linreg.fit.sgd.session import Problem
from linreg.fit.sgd.shuffling import BatchPlan
from linreg.params.train import Train
from linreg.process.workers import ALONE, Workers

Shards = Callable[..., list[Rows]]
Floats = NDArray[np.float64]


def data(num_rows: int, num_features: int, seed: int = 1) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(num_rows, num_features))
    return X, 0.7 + X @ rng.normal(size=num_features) + 0.3 * rng.normal(size=num_rows)


def train(engine: Any, shards: list[Rows], intercept: bool = True, **params: Any) -> list[Epoch]:
    num_features = shards[0].chunk(0).X.shape[1]
    scaling = params.pop("scaling", Scaling.identity(num_features))
    defaults: dict[str, Any] = {
        "dtype": "float64",
        "lr": 0.02,
        "momentum": 0.9,
        "epochs": 3,
        "batch_size": 32,
    }
    return list(
        engine.gradient_descent(
            shards, num_features, intercept, scaling, Train(**(defaults | params))
        )
    )


def as_rows(epochs: list[Epoch]) -> Floats:
    return np.array(
        [[epoch.number, epoch.step, epoch.lr, epoch.b, *epoch.theta] for epoch in epochs]
    )


@pytest.mark.slow
@pytest.mark.parametrize("num_shards", [1, 2, 5])
@pytest.mark.parametrize("num_features", [1, 2, 16, 40])
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"batch_size": 7},
        {"batch_size": 700},
        {"batch_size": 5000},
        {"schedule": "cosine", "average": 0.5},
        {"schedule": "linear", "momentum": 0.0, "l2": 0.1},
        {"average": 1.0},
    ],
    ids=str,
)
def test_both_engines_take_the_same_steps(
    shards_of: Shards, num_shards: int, num_features: int, params: dict[str, Any]
) -> None:
    X, y = data(1234, num_features)
    shards = shards_of(X, y, num_shards, rows_per_group=301)
    # Sums of up to 5000 products in another order: measured 3e-14.
    np.testing.assert_allclose(
        as_rows(train(compiled, shards, **params)),
        as_rows(train(autograd, shards, **params)),
        rtol=1e-11,
        atol=1e-12,
    )


@pytest.mark.parametrize("num_features", [2, 40])
@pytest.mark.parametrize(
    "batch_size", [MOST_ROWS_SUMMED, MOST_ROWS_SUMMED + 1, 3 * MOST_ROWS_SUMMED - 5, 10**9]
)
def test_a_large_batch_is_summed_piece_by_piece(
    shards_of: Shards, num_features: int, batch_size: int
) -> None:
    X, y = data(3 * MOST_ROWS_SUMMED + 100, num_features)
    shards = shards_of(X, y, rows_per_group=3000)
    found, expected = (
        train(engine, shards, batch_size=batch_size, epochs=2) for engine in (compiled, autograd)
    )
    np.testing.assert_allclose(as_rows(found), as_rows(expected), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("num_shards", [1, 3])
@pytest.mark.parametrize("intercept", [True, False])
def test_weights_scaling_and_a_dropped_column_mean_the_same_to_both_engines(
    tmp_path: Path, learn: Callable[..., Design], num_shards: int, intercept: bool
) -> None:
    rng = np.random.default_rng(3)
    X, y = data(500, 3)
    table = pa.table(
        {"x1": X[:, 0], "x2": X[:, 1], "x3": X[:, 2], "y": y, "w": rng.uniform(0, 3, 500)}
    )
    design = learn(
        "y ~ x1 + x2 + x3" if intercept else "y ~ 0 + x1 + x2 + x3", table.drop_columns("w")
    )
    weighted = replace(design.schema, weights="w")
    shards = []
    for index, of_shard in enumerate(np.array_split(np.arange(500), num_shards)):
        write_table(tmp_path / f"shard-{index}.parquet", table.schema, [table.take(of_shard)])
        shards.append(
            Rows(tmp_path / f"shard-{index}.parquet", Design(weighted, design.statistics))
        )
    scaling = z_score_scaling(compute_moments(shards, 3), intercept).restricted_to(
        np.array([True, False, True])
    )
    params: dict[str, Any] = {"l2": 0.01, "average": 0.3, "scaling": scaling}
    found, expected = (
        train(engine, shards, intercept, **params) for engine in (compiled, autograd)
    )
    np.testing.assert_allclose(as_rows(found), as_rows(expected), rtol=1e-11, atol=1e-12)
    assert found[-1].theta[1] == 0
    assert (found[-1].b == 0) != intercept


@pytest.mark.slow
@pytest.mark.parametrize("num_shards", [1, pytest.param(4, marks=pytest.mark.very_slow)])
def test_in_float32_they_differ_by_the_rounding_of_autograd(
    shards_of: Shards, num_shards: int
) -> None:
    """The default training: 20 epochs of 7000 rows, B = 32; the bar is 1e-5, measured 2e-7."""
    X, y = data(7000, 2)
    params: dict[str, Any] = {"dtype": "float32", "lr": 0.01, "epochs": 20}
    shards = shards_of(
        X.astype(np.float32).astype(float), y.astype(np.float32).astype(float), num_shards
    )
    found, expected = (train(engine, shards, **params)[-1] for engine in (compiled, autograd))
    np.testing.assert_allclose([found.b, *found.theta], [expected.b, *expected.theta], rtol=1e-6)


@pytest.mark.parametrize("num_shards", [1, 2, 5])
@pytest.mark.parametrize("num_workers", [2, 3, 7])
@pytest.mark.parametrize("M", [3, 40])
def test_every_worker_ends_with_the_bits_of_one_alone(
    shards_of: Shards, together: Callable[..., list[Any]], num_shards: int, num_workers: int, M: int
) -> None:
    X, y = data(2000, M)
    shards = shards_of(X, y, num_shards, rows_per_group=300)
    params = Train(engine="compiled", batch_size=30, epochs=2, average=0.5)

    def fit(workers: Workers) -> bytes:
        return as_rows(
            list(compiled.gradient_descent(shards, M, True, Scaling.identity(M), params, workers))
        ).tobytes()

    alone = fit(Workers())
    assert together(num_workers, fit) == [alone] * num_workers


@pytest.mark.parametrize("num_shards", [1, 3])
@pytest.mark.parametrize("num_features", [2, 17, 40])
def test_no_bit_depends_on_supersteps_or_on_what_memory_holds(
    shards_of: Shards, monkeypatch: pytest.MonkeyPatch, num_shards: int, num_features: int
) -> None:
    shards = shards_of(*data(3000, num_features), num_shards, rows_per_group=170)
    usual = as_rows(train(compiled, shards, batch_size=17))
    monkeypatch.setattr(augmented_rows, "CACHE_BYTES", 0)
    for rows_per_superstep in (1, 100, 1111):
        monkeypatch.setattr(supersteps, "ROWS_PER_SUPERSTEP", rows_per_superstep)
        np.testing.assert_array_equal(as_rows(train(compiled, shards, batch_size=17)), usual)


class StoppedError(Exception):
    """What happens to a training in the next test."""


class Stopping(Checkpoint):
    """Writes at every occasion; after the n-th writing the training stops, as if it had been killed
    there.
    """

    writings_left = 0

    def at_step(self, state: Callable[[], State]) -> None:
        self.write(state)

    at_epoch = at_step

    def write(self, state: Callable[[], State]) -> bool:
        written = super().write(state)
        self.writings_left -= 1
        if not self.writings_left:
            raise StoppedError
        return written


@pytest.mark.parametrize("num_shards", [1, 3])
def test_a_training_stopped_after_any_block_ends_with_the_same_bits(
    shards_of: Shards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, num_shards: int
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(supersteps, "ROWS_PER_SUPERSTEP", 200)
    shards = shards_of(*data(700, 2), num_shards, rows_per_group=90)
    params = Train(engine="compiled", batch_size=16, epochs=3, average=0.6, schedule="cosine")

    def fit(after: int) -> list[Epoch]:
        history = History(("x1", "x2"), params, quiet=True)
        checkpoint = Stopping({}, params, history, ALONE)
        checkpoint.writings_left = after
        steps = compiled.gradient_descent(
            shards, 2, True, Scaling.identity(2), params, ALONE, checkpoint
        )
        return list(steps)

    usual = as_rows(fit(-1))
    (tmp_path / CHECKPOINTS).rename(tmp_path / "done")
    for after in range(1, 12):
        with pytest.raises(StoppedError):
            fit(after)
        resumed = as_rows(fit(-1))
        assert len(resumed) > 0
        np.testing.assert_array_equal(resumed, usual[len(usual) - len(resumed) :])
        (tmp_path / CHECKPOINTS).rename(tmp_path / f"done-{after}")


@pytest.mark.parametrize("num_shards", [1, 2])
def test_a_step_that_is_not_finite_ends_it_with_its_number(
    shards_of: Shards, num_shards: int
) -> None:
    X, y = data(900, 2)
    with pytest.raises(
        UserError, match=r"training: step \d+ \(epoch \d+\): θ and b are no longer finite"
    ):
        train(compiled, shards_of(X, y, num_shards), lr=50.0, epochs=30)


@pytest.mark.parametrize("share", [1, 3, 16, 17, 40, 1000])
@pytest.mark.parametrize("num_features", [0, 1, 16])
def test_moments_of_batches_are_sums_of_products(share: int, num_features: int) -> None:
    rng = np.random.default_rng(5)
    Z = rng.normal(size=(2500, num_features + 2))
    order = rng.permutation(2500)
    tile, moments = (
        empty_tile(share, num_features),
        np.zeros((-(-2500 // share), num_moments(num_features))),
    )
    for start in range(0, 2500, 700):
        add_moments(Z, order[start : start + 700], share, start, tile, moments)
    add_rest(share, 2500, tile, moments)
    pairs = [(i, j) for i in range(num_features + 2) for j in range(i, num_features + 2)][:-1]
    for batch, found in enumerate(moments):
        rows = Z[order[batch * share : (batch + 1) * share]]
        np.testing.assert_allclose(
            found, [rows[:, i] @ rows[:, j] for i, j in pairs], rtol=1e-12, atol=1e-12
        )


def engine_of(shards: list[Rows], **params: Any) -> compiled.CompiledEngine:
    usual: dict[str, Any] = {"dtype": "float64", "lr": 0.02, "batch_size": 32, "epochs": 2}
    of = Train(**(usual | params))
    plan = BatchPlan(shards, of.batch_size)
    return compiled.CompiledEngine(
        Problem(shards, 2, True, Scaling.identity(2), of, plan, Workers())
    )


def test_an_engine_begins_at_rest_with_the_initial_parameters(shards_of: Shards) -> None:
    engine = engine_of(shards_of(*data(100, 2)))
    first = initial_parameters(2, True, Train(dtype="float64")).tolist()
    assert engine.state() == {"step": 0, "compiled": [first, [0.0] * 3, [0.0] * 3]}
    theta, b = engine.parameters()
    assert [b, *theta.tolist()] == first
    assert (engine.divergence(), engine.loss()) == (None, None)  # type: ignore[func-returns-value]


def test_the_parameters_are_the_average_from_its_first_step_on(shards_of: Shards) -> None:
    engine = engine_of(shards_of(*data(100, 2)), average=0.5)
    rows = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]
    # Of 8 steps the last 4 are averaged.
    for step, expected in ((0, rows[0]), (4, rows[0]), (5, rows[2]), (8, rows[2])):
        engine.restore({"step": step, "compiled": rows})
        theta, b = engine.parameters()
        assert [b, *theta.tolist()] == expected
        assert engine.state() == {"step": step, "compiled": rows}


@pytest.mark.parametrize("where", [0, 1, 2])
def test_divergence_shows_the_parameters_whichever_is_not_finite(
    shards_of: Shards, where: int
) -> None:
    engine = engine_of(shards_of(*data(100, 2)))
    rows = np.ones((3, 3))
    rows[0, where] = np.inf
    engine.restore({"step": 1, "compiled": rows.tolist()})
    assert engine.divergence() == ("θ and b are no longer finite", rows[0].tolist())
    # Velocity and average become infinite with the parameters, or later.
    engine.restore({"step": 1, "compiled": [[1.0] * 3, [np.inf] * 3, [np.inf] * 3]})
    assert engine.divergence() is None


@pytest.mark.parametrize("num_shards", [1, 2])
def test_a_first_step_that_diverges_is_reported_as_the_first(
    shards_of: Shards, num_shards: int
) -> None:
    X, y = data(200, 2)
    with pytest.raises(UserError, match=r"^training: step 1 \(epoch 1\): θ and b are no longer"):
        train(compiled, shards_of(X, 1e200 * y, num_shards), lr=1e200)


@pytest.mark.parametrize(
    ("num_shards", "kind"), [(1, supersteps.RowSupersteps), (2, supersteps.MomentSupersteps)]
)
def test_with_one_shard_steps_come_from_its_rows_and_with_several_from_moments(
    shards_of: Shards, num_shards: int, kind: Any
) -> None:
    """Which round differently; seen in the bits of the first epoch."""
    shards = shards_of(*data(100, 2), num_shards)
    engine = engine_of(shards)
    first = np.array(engine.state()["compiled"])
    engine.begin_epoch(1, 0)
    engine.advance()
    scaling, params = Scaling.identity(2), Train(dtype="float64", batch_size=32)
    own = augmented_rows.augmented_shards(shards, 2, True, scaling, "float64", ALONE)

    def by(kind: Any) -> list[list[float]]:
        of = kind(own, BatchPlan(shards, 32), params, np.zeros((1, 3)), ALONE)
        of.begin_epoch(1, 0)
        state: Floats = of.advance(first, supersteps.Superstep(0, np.full(4, 0.02), -9))[0]
        return [list(row) for row in state.tolist()]

    assert engine.state()["compiled"] == by(kind)
    if num_shards == 1:
        assert by(supersteps.MomentSupersteps) != by(kind)


def test_a_superstep_ends_with_its_epoch_and_its_last_rate_is_told(shards_of: Shards) -> None:
    engine = engine_of(shards_of(*data(100, 2)), schedule="linear", lr=0.08)
    engine.begin_epoch(1, 0)
    engine.advance()
    assert engine.step == 4
    assert engine.learning_rate == pytest.approx(0.08 * (1 - 3 / 8))
    engine.begin_epoch(2, 0)
    engine.advance()
    assert engine.step == 8
    assert engine.learning_rate == pytest.approx(0.08 * (1 - 7 / 8))


def test_the_penalty_is_that_of_theta_in_the_units_of_the_data() -> None:
    scaling = Scaling(np.ones(3), np.array([1.0, 2.0, np.inf]), 5.0, 7.0)
    assert compiled.ridge_penalty(0.5, scaling, 3).tolist() == [[0.0, 0.5, 0.125, 0.0]]
    assert compiled.ridge_penalty(0.0, scaling, 3).tolist() == [[0.0] * 4]


@pytest.mark.parametrize(("l2", "scale"), [(1e300, 1e-10), (1.0, 1e-300)])
def test_a_penalty_beyond_float64_is_infinite_without_a_warning(l2: float, scale: float) -> None:
    scaling = Scaling(np.zeros(1), np.array([scale]), 0.0, 1.0)
    assert compiled.ridge_penalty(l2, scaling, 1).tolist() == [[0.0, np.inf]]
