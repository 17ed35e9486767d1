from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from linreg.data.formula.compact_matrix import as_array
from linreg.data.rows import Rows
from linreg.errors import UserError
from linreg.fit.compiled.augmented_rows import augmented_shards
from linreg.fit.compiled.supersteps import MomentSupersteps, RowSupersteps, Superstep
from linreg.fit.coordinates.scaling import Scaling
from linreg.fit.sgd.shuffling import BatchPlan, shuffled_chunks
from linreg.params.train import Train
from linreg.process.workers import ALONE, Workers

Shards = Callable[..., list[Rows]]
Floats = NDArray[np.float64]
Supersteps = RowSupersteps | MomentSupersteps
PENALTY = np.array([0.0, 0.2, 0.1])
START = np.array([[0.5, -1.0, 2.0], [0.0, 0.1, -0.1], [9.0, 9.0, 9.0]])
SEED = 3
"""Of the training; the order of its rows follows from it."""


def data(num_rows: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(num_rows)
    X = rng.normal(size=(num_rows, 2))
    return X, X @ [1.0, -2.0] + 0.3 + 0.1 * rng.normal(size=num_rows)


def supersteps(
    shards: list[Rows], batch_size: int, workers: Workers = ALONE, num_features: int = 2
) -> Supersteps:
    params = Train(batch_size=batch_size, dtype="float64", momentum=0.8, seed=SEED)
    scaling = Scaling.identity(num_features)
    own = augmented_shards(shards, num_features, True, scaling, "float64", workers)
    kind = RowSupersteps if len(shards) == 1 else MomentSupersteps
    penalty = np.resize(PENALTY, (1, num_features + 1))
    return kind(own, BatchPlan(shards, batch_size), params, penalty, workers)


def batches(shards: list[Rows], batch_size: int, epoch: int) -> list[Floats]:
    """The rows [1 x1 x2 y] of each batch: each shard's next ones, in the order of the epoch."""
    plan, in_order = BatchPlan(shards, batch_size), []
    for shard, rows in enumerate(shards):
        chunks = [
            np.column_stack(
                [
                    np.ones(len(order)),
                    as_array(rows.chunk(index).X)[order],
                    rows.chunk(index).y[order],
                ]
            )
            for index, order in shuffled_chunks(rows, SEED, epoch, shard)
        ]
        in_order.append(np.concatenate(chunks))
    return [
        np.concatenate(
            [
                rows[batch * share : (batch + 1) * share]
                for rows, share in zip(in_order, plan.shares, strict=True)
            ]
        )
        for batch in range(plan.steps_per_epoch)
    ]


def after(of: list[Floats], rates: Floats, first_averaged: int) -> Floats:
    """The state after a step for each batch, the parameters averaged from one of the steps on."""
    (p, v, average), averaged = START, []
    for step, rows in enumerate(of):
        residuals = rows[:, :-1] @ p - rows[:, -1]
        v = 0.8 * v + 2 * (rows[:, :-1].T @ residuals) / len(rows) + 2 * PENALTY * p
        p = p - rates[step] * v
        if step >= first_averaged:
            averaged.append(p)
            average = np.mean(averaged, axis=0)
    return np.array([p, v, average])


def rates_of(num_steps: int) -> Floats:
    return np.linspace(0.1, 0.01, num_steps)


def an_epoch(of: Supersteps, epoch: int, num_steps: int, at_once: int) -> Floats:
    of.num_batches = at_once
    of.begin_epoch(epoch, 0)
    state, step = START, 0
    while step < num_steps:
        rates = rates_of(num_steps)[step : step + at_once]
        state, taken = of.advance(state, Superstep(step, rates, step - 2))
        assert taken == len(rates)
        step += taken
    return state


@pytest.mark.parametrize("num_shards", [1, 3])
@pytest.mark.parametrize("at_once", [1, 2, 100])
@pytest.mark.parametrize("epoch", [1, 2])
def test_an_epoch_takes_a_step_for_each_batch_of_the_plan(
    shards_of: Shards, num_shards: int, at_once: int, epoch: int
) -> None:
    shards = shards_of(*data(32), num_shards, rows_per_group=4)
    expected = batches(shards, 6, epoch)
    found = an_epoch(supersteps(shards, 6), epoch, len(expected), at_once)
    np.testing.assert_allclose(
        found, after(expected, rates_of(len(expected)), 2), rtol=1e-12, atol=1e-13
    )


@pytest.mark.parametrize("num_shards", [1, 2])
@pytest.mark.parametrize("first", [1, 3])
def test_an_epoch_may_begin_at_any_of_its_batches(
    shards_of: Shards, num_shards: int, first: int
) -> None:
    shards = shards_of(*data(30), num_shards, rows_per_group=4)
    expected = batches(shards, 6, 1)[first:]
    of = supersteps(shards, 6)
    of.begin_epoch(1, first)
    rates = rates_of(len(expected))
    state, taken = of.advance(START, Superstep(first, rates, 0))
    assert taken == len(expected)
    np.testing.assert_allclose(state, after(expected, rates, 0), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("num_shards", [1, 3])
@pytest.mark.parametrize("num_workers", [2, 4])
def test_all_processes_have_the_state_of_one_alone(
    shards_of: Shards, together: Callable[..., list[Any]], num_shards: int, num_workers: int
) -> None:
    shards = shards_of(*data(32), num_shards, rows_per_group=4)
    num_steps = len(batches(shards, 6, 1))

    def work(workers: Workers) -> list[Any]:
        found: list[Any] = an_epoch(supersteps(shards, 6, workers), 1, num_steps, 3).tolist()
        return found

    assert together(num_workers, work) == [work(ALONE)] * num_workers


@pytest.mark.parametrize("num_shards", [1, 2])
def test_the_state_that_is_given_stays_as_it_is(shards_of: Shards, num_shards: int) -> None:
    of = supersteps(shards_of(*data(12), num_shards), 6)
    of.begin_epoch(1, 0)
    given = START.copy()
    found, _ = of.advance(given, Superstep(0, rates_of(2), 0))
    np.testing.assert_array_equal(given, START)
    assert not np.array_equal(found, START)


@pytest.mark.parametrize("num_shards", [1, 2])
def test_a_superstep_ends_with_the_first_step_that_is_not_finite(
    shards_of: Shards, num_shards: int
) -> None:
    X, y = data(24)
    of = supersteps(shards_of(X, y, num_shards), 6)
    of.begin_epoch(1, 0)
    rates = np.array([0.01, 1e200, 1e200, 0.01])
    state, taken = of.advance(START, Superstep(0, rates, 0))
    assert taken == 3
    assert not np.isfinite(state[0]).all()


@pytest.mark.parametrize(
    ("batch_size", "num_batches"), [(32, 16_384), (1 << 19, 1), (1 << 18, 2), (1 << 20, 1)]
)
def test_a_superstep_has_at_most_half_a_million_rows_but_at_least_a_batch(
    shards_of: Shards, batch_size: int, num_batches: int
) -> None:
    X, y = data(12)
    for num_shards in (1, 2):
        assert supersteps(shards_of(X, y, num_shards), batch_size).num_batches == num_batches


@pytest.mark.parametrize(("num_features", "num_shards"), [(30, 2), (60, 3)])
def test_the_moments_of_a_superstep_take_at_most_32_mebibytes(
    shards_of: Shards, num_features: int, num_shards: int
) -> None:
    X = np.random.default_rng(1).normal(size=(12, num_features))
    of = supersteps(shards_of(X, X[:, 0], num_shards), num_shards, num_features=num_features)
    pairs = sum(range(1, num_features + 3)) - 1
    of_a_batch = 8 * pairs * num_shards
    assert of.num_batches * of_a_batch <= 32 * 2**20 < (of.num_batches + 1) * of_a_batch


def test_moments_of_too_many_columns_are_refused(shards_of: Shards) -> None:
    X, y = data(8)
    shards, num_features = shards_of(X, y, 2), 20_000
    plan, params = BatchPlan(shards, 4), Train(batch_size=4)
    with pytest.raises(UserError) as caught:
        MomentSupersteps({}, plan, params, np.zeros((1, num_features + 1)), ALONE)
    assert "found 20,000 columns, 3 GB a batch; set split.shards: 1" in str(caught.value)
