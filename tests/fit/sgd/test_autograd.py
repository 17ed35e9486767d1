import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from linreg.data.rows import Rows
from linreg.errors import UserError
from linreg.fit.coordinates.scaling import Scaling, z_score_scaling
from linreg.fit.exact.reference import compute_moments
from linreg.fit.history import Epoch
from linreg.fit.sgd.autograd import (
    AutogradEngine,
    choose_device,
    get_parameters,
    gradient_descent,
    set_parameters,
    share_of_batch,
    weighted,
)
from linreg.fit.sgd.batches import ShuffledBatches
from linreg.fit.sgd.initial_parameters import initial_parameters
from linreg.fit.sgd.schedule import learning_rates
from linreg.fit.sgd.session import Problem
from linreg.fit.sgd.shuffling import BatchPlan
from linreg.params.train import Train
from linreg.process.torch_setup import torch
from linreg.process.workers import ALONE

Shards = Callable[..., list[Rows]]
Floats = NDArray[np.float64]


def data(
    num_rows: int, num_features: int, noise: float = 0.0, seed: int = 1
) -> tuple[Floats, Floats, Floats]:
    """X, y and the θ behind it, with b = 0.7; standard normal features, so that a step of 0.1 is
    stable.
    """
    rng = np.random.default_rng(seed)
    X, theta = rng.normal(size=(num_rows, num_features)), rng.normal(size=num_features)
    return X, 0.7 + X @ theta + noise * rng.normal(size=num_rows), theta


def train(
    shards: list[Rows], intercept: bool = True, scaling: Scaling | None = None, **params: Any
) -> list[Epoch]:
    num_features = shards[0].chunk(0).X.shape[1]
    defaults: dict[str, Any] = {
        "dtype": "float64",
        "lr": 0.1,
        "momentum": 0.0,
        "epochs": 3,
        "batch_size": 10_000,
    }
    return list(
        gradient_descent(
            shards,
            num_features,
            intercept,
            scaling or Scaling.identity(num_features),
            Train(**(defaults | params)),
        )
    )


def start(num_features: int, seed: int = 1, intercept: bool = True) -> tuple[Floats, float]:
    b, *theta = initial_parameters(num_features, intercept, Train(seed=seed, dtype="float64"))
    return np.array(theta), float(b)


def by_hand(
    X: Floats, y: Floats, theta: Floats, b: float, lr: float, momentum: float, steps: int
) -> list[Floats]:
    """[b, θ] after each full-batch step: v ← μ·v + ∇, w ← w − lr·v, with ∇ of the mean squared
    error in closed form.
    """
    design = np.column_stack([np.ones(len(y)), X])
    w, v = np.array([b, *theta]), np.zeros(X.shape[1] + 1)
    found = []
    for _ in range(steps):
        v = momentum * v + 2 / len(y) * design.T @ (design @ w - y)
        w = w - lr * v
        found.append(w)
    return found


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize(("num_features", "num_shards"), [(1, 1), (2, 3), (16, 2)])
def test_a_step_is_the_formula_of_gradient_descent_with_momentum(
    shards_of: Shards, momentum: float, num_features: int, num_shards: int
) -> None:
    X, y, _ = data(200, num_features, noise=0.5)
    epochs = train(shards_of(X, y, num_shards), lr=0.05, momentum=momentum, epochs=5)
    expected = by_hand(X, y, *start(num_features), lr=0.05, momentum=momentum, steps=5)
    for epoch, w in zip(epochs, expected, strict=True):
        # Sums of 200 products in another order: measured 7e-15.
        np.testing.assert_allclose([epoch.b, *epoch.theta], w, rtol=1e-13, atol=1e-14)


def added_in_order(numbers: NDArray[Any]) -> NDArray[Any]:
    """The sum (k,) of rows (n, k), one after the other in float64, rounded to their dtype."""
    total = np.zeros(numbers.shape[1])
    for row in numbers:
        total = total + row.astype(np.float64)
    return total.astype(numbers.dtype)


def in_numpy(
    shards: list[Rows], num_features: int, params: Train
) -> list[tuple[list[float], float]]:
    """θ and b after each epoch by element-wise operations of numpy, on the same batches.

    IEEE 754 leaves nothing open about those, so these are the bits on any machine.
    """
    dtype, of_torch = np.dtype(params.dtype).type, getattr(torch, params.dtype)
    plan = BatchPlan(shards, params.batch_size)
    no_scaling = Scaling.identity(num_features)
    batches = ShuffledBatches(shards, no_scaling, plan, params.seed, of_torch, "cpu")
    theta, b = start(num_features, params.seed)
    weights = [theta.astype(dtype), np.array([b], dtype)]
    velocity: list[NDArray[Any]] = []
    num_steps, step, found = plan.num_steps(params.epochs), 0, []
    for epoch in range(1, params.epochs + 1):
        for batch in batches.epoch(epoch):
            num_rows = sum(len(y) for _, (_, y, _) in batch.micro_batches)
            gradients: list[NDArray[Any]] = []
            for _, (rows, targets, _) in batch.micro_batches:
                X, y = rows.numpy(), targets.numpy()[:, 0]
                errors = added_in_order((X * weights[0]).T) + weights[1] - y
                slopes = dtype(2 / len(y)) * errors * dtype(len(y) / num_rows)
                of_shard = [added_in_order(X * slopes[:, None]), added_in_order(slopes[:, None])]
                gradients = (
                    [a + g for a, g in zip(gradients, of_shard, strict=True)]
                    if gradients
                    else of_shard
                )
            if velocity:
                velocity = [
                    dtype(params.momentum) * v + g for v, g in zip(velocity, gradients, strict=True)
                ]
            else:
                velocity = gradients
            lr = params.lr * (1 - step / num_steps) if params.schedule == "linear" else params.lr
            weights = [w - dtype(lr) * v for w, v in zip(weights, velocity, strict=True)]
            step += 1
        found.append((weights[0].astype(np.float64).tolist(), float(weights[1][0])))
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("schedule", ["constant", "linear"])
@pytest.mark.parametrize(
    ("num_features", "num_shards", "batch_size"),
    [(2, 1, 32), (1, 1, 7), (16, 3, 20), (100, 2, 64), (2, 1, 1)],
)
def test_the_loop_has_the_bits_of_element_wise_operations_in_order(
    shards_of: Shards,
    dtype: Any,
    schedule: Any,
    num_features: int,
    num_shards: int,
    batch_size: int,
) -> None:
    X, y, _ = data(150, num_features, noise=0.1)
    shards = shards_of(X, y, num_shards, rows_per_group=40)
    params = Train(
        epochs=3, batch_size=batch_size, lr=0.003, momentum=0.9, dtype=dtype, schedule=schedule
    )
    found = gradient_descent(shards, num_features, True, Scaling.identity(num_features), params)
    assert [(epoch.theta.tolist(), epoch.b) for epoch in found] == in_numpy(
        shards, num_features, params
    )


@pytest.mark.parametrize("num_features", [1, 2, 16, 100])
@pytest.mark.parametrize("intercept", [True, False])
def test_full_batches_converge_to_least_squares(
    shards_of: Shards, num_features: int, intercept: bool
) -> None:
    X, y, _ = data(600, num_features, noise=0.3)
    design = np.column_stack([X, np.ones(len(y))]) if intercept else X
    exact = np.linalg.lstsq(design, y)[0]
    *_, last = train(shards_of(X, y, 2), intercept, epochs=150, lr=0.1, momentum=0.5)
    found = [*last.theta, last.b] if intercept else last.theta
    # Measured 1e-14: the eigenvalues of XᵀX/n lie between 0.35 and 2 here, so that 150 steps leave
    # rounding only.
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-12)
    assert intercept or last.b == 0


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-14), ("float32", 2e-6)])
@pytest.mark.parametrize("num_features", [1, 2, 16])
def test_small_batches_find_a_model_without_noise(
    shards_of: Shards, dtype: str, tolerance: float, num_features: int
) -> None:
    X, y, theta = data(1000, num_features)
    shards = shards_of(X, y, 2, rows_per_group=200)
    *_, last = train(shards, dtype=dtype, epochs=30, batch_size=32, lr=0.02, momentum=0.8)
    # Measured 2e-16 and, where X and y themselves are rounded to float32, 2e-7.
    np.testing.assert_allclose([*last.theta, last.b], [*theta, 0.7], rtol=0, atol=tolerance)


@pytest.mark.parametrize("batch_size", [8, 100])
def test_an_intercept_alone_is_the_mean_of_the_target(shards_of: Shards, batch_size: int) -> None:
    y = np.random.default_rng(1).normal(5, 1, 80)
    epochs = train(
        shards_of(np.empty((80, 0)), y), epochs=200, batch_size=batch_size, lr=0.3, average=0.5
    )
    assert epochs[-1].theta.shape == (0,)
    # With all rows in a batch b is the mean; the mean over the batches of an epoch is the mean of
    # the rows.
    assert epochs[-1].b == pytest.approx(y.mean(), abs=1e-12 if batch_size == 100 else 0.02)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-14), ("float32", 2e-6)])
@pytest.mark.parametrize("num_shards", [2, 7])
def test_full_batches_agree_to_rounding_for_any_number_of_shards(
    shards_of: Shards, dtype: str, tolerance: float, num_shards: int
) -> None:
    X, y, _ = data(500, 4, noise=0.2)
    one = train(shards_of(X, y, 1), dtype=dtype, epochs=20, momentum=0.5)
    many = train(shards_of(X, y, num_shards), dtype=dtype, epochs=20, momentum=0.5)
    for a, b in zip(one, many, strict=True):
        # Measured 4e-16 and 1e-7.
        np.testing.assert_allclose([b.b, *b.theta], [a.b, *a.theta], rtol=0, atol=tolerance)


def test_a_batch_that_lies_in_several_shards_has_the_gradient_of_all_its_rows(
    shards_of: Shards,
) -> None:
    X, y, _ = data(7, 2, noise=1)
    expected = by_hand(X, y, *start(2), lr=0.1, momentum=0, steps=1)[0]
    # Shards of 3, 2 and 2 rows: a mean of the shards' means would weigh their rows differently.
    (epoch,) = train(shards_of(X, y, 3), epochs=1)
    np.testing.assert_allclose([epoch.b, *epoch.theta], expected, rtol=1e-13)


def test_the_learning_rate_falls_from_lr_to_0() -> None:
    done = np.linspace(0, 1, 11)
    assert learning_rates(Train(lr=0.5), done).tolist() == [0.5] * 11
    linear = learning_rates(Train(lr=0.5, schedule="linear"), done)
    np.testing.assert_allclose(linear, 0.5 * (1 - done), rtol=1e-15)
    cosine = learning_rates(Train(lr=0.5, schedule="cosine"), done)
    np.testing.assert_allclose(
        cosine, [0.25 * (1 + math.cos(math.pi * part)) for part in done], atol=1e-16
    )
    assert (linear[0], linear[-1], cosine[0], cosine[-1]) == (0.5, 0, 0.5, 0)


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_a_schedule_is_that_of_the_steps(shards_of: Shards, schedule: Any) -> None:
    X, y, _ = data(40, 2)
    epochs = train(shards_of(X, y), schedule=schedule, lr=0.2, epochs=4, batch_size=10)
    # An epoch of 4 steps shows the rate of its last one; the first step of all has lr itself.
    steps = [epoch.step for epoch in epochs]
    assert steps == [4, 8, 12, 16]
    done = (np.array(steps) - 1) / 16
    assert [epoch.lr for epoch in epochs] == learning_rates(
        Train(lr=0.2, schedule=schedule), done
    ).tolist()
    assert all(later.lr < earlier.lr for earlier, later in pairwise(epochs))


def test_a_cosine_schedule_steps_by_the_formula(shards_of: Shards) -> None:
    X, y, _ = data(60, 2, noise=0.1)
    found = train(shards_of(X, y), schedule="cosine", lr=0.2, epochs=6)
    theta, b = start(2)
    for k, epoch in enumerate(found):
        w = by_hand(X, y, theta, b, lr=0.1 * (1 + math.cos(math.pi * k / 6)), momentum=0, steps=1)[
            0
        ]
        b, theta = float(w[0]), w[1:]
        np.testing.assert_allclose([epoch.b, *epoch.theta], w, rtol=1e-13)


@pytest.mark.parametrize(
    ("average", "averaged"), [(0.0, 1), (0.05, 1), (0.1, 1), (0.25, 2), (0.5, 5), (1.0, 10)]
)
def test_averaging_is_the_mean_of_the_weights_over_the_last_steps(
    shards_of: Shards, average: float, averaged: int
) -> None:
    X, y, _ = data(50, 3, noise=1)
    shards = shards_of(X, y)
    steps = [
        [epoch.b, *epoch.theta] for epoch in train(shards, epochs=10)
    ]  # a step is an epoch here
    found = train(shards, epochs=10, average=average)[-1]
    np.testing.assert_allclose(
        [found.b, *found.theta], np.mean(steps[-averaged:], axis=0), rtol=1e-14
    )


def test_an_epoch_before_the_averaged_steps_shows_the_weights_themselves(shards_of: Shards) -> None:
    X, y, _ = data(50, 3, noise=1)
    shards = shards_of(X, y)
    plain, averaged = train(shards, epochs=10), train(shards, epochs=10, average=0.3)
    for epoch in range(7):
        assert averaged[epoch].theta.tolist() == plain[epoch].theta.tolist()
    mean = np.mean([each.theta for each in plain[7:9]], axis=0)
    np.testing.assert_allclose(averaged[8].theta, mean, rtol=1e-14)


def test_averaging_brings_small_batches_nearer_to_least_squares(shards_of: Shards) -> None:
    X, y, _ = data(2000, 3, noise=1)
    exact = np.linalg.lstsq(np.column_stack([X, np.ones(len(y))]), y)[0]
    shards = shards_of(X, y)

    def distance(average: float) -> float:
        last = train(shards, epochs=6, batch_size=20, lr=0.05, average=average)[-1]
        return float(np.linalg.norm([*last.theta, last.b] - exact))

    assert distance(0.5) < distance(0.0) / 3  # measured: 0.005 and 0.101


@pytest.mark.parametrize("intercept", [True, False])
def test_standardizing_finds_least_squares_of_features_far_from_0_and_of_any_size(
    shards_of: Shards, intercept: bool
) -> None:
    rng = np.random.default_rng(4)
    X = rng.normal(size=(400, 3)) * [1e-4, 1.0, 1e5] + [0, 30, 1e6]
    y = 5e4 + X @ [1e6, -20.0, 0.3] + 100 * rng.normal(size=400)
    shards = shards_of(X, y, 2)
    scaling = z_score_scaling(compute_moments(shards, X.shape[1]), intercept)
    if not intercept:
        # The second and third column are nearly parallel then, and the way to the minimum long: a
        # few steps by hand.
        scaled = [scaling.apply(chunk) for shard in shards for chunk in shard]
        Z, z = np.concatenate([w.X for w in scaled]), np.concatenate([w.y for w in scaled])
        epochs = train(shards, intercept, scaling, epochs=5, lr=0.1)
        w, _ = start(3, intercept=False)
        for epoch in epochs:
            w = w - 0.1 * 2 / len(z) * Z.T @ (Z @ w - z)
            np.testing.assert_allclose(
                epoch.theta, w * scaling.y_scale / scaling.x_scale, rtol=1e-12
            )
            assert epoch.b == 0
        return
    *_, last = train(shards, intercept, scaling, epochs=200, lr=0.3, momentum=0.5)
    exact = np.linalg.lstsq(np.column_stack([X - X.mean(axis=0), np.ones(len(y))]), y)[0]
    exact[-1] -= X.mean(axis=0) @ exact[:-1]
    np.testing.assert_allclose([*last.theta, last.b], exact, rtol=1e-9)  # measured 1e-10


def test_training_twice_gives_the_same_bits_and_another_seed_others(shards_of: Shards) -> None:
    X, y, _ = data(100, 3, noise=1)
    shards = shards_of(X, y, 2)

    def bits(seed: int) -> list[str]:
        last = train(shards, seed=seed, batch_size=8, dtype="float32")[-1]
        return [value.hex() for value in [*last.theta.tolist(), last.b]]

    torch.manual_seed(1)
    first = bits(1)
    torch.manual_seed(99)
    assert bits(1) == first
    assert bits(2) != first


def test_training_without_a_cache_gives_the_same_bits(shards_of: Shards) -> None:
    X, y, _ = data(100, 3, noise=1)
    cached = train(shards_of(X, y, 2, 15), batch_size=8)
    uncached_shards = shards_of(X, y, 2, 15)
    for shard in uncached_shards:
        shard.limit_cache(0)
    uncached = train(uncached_shards, batch_size=8)
    assert [epoch.theta.tolist() for epoch in cached] == [
        epoch.theta.tolist() for epoch in uncached
    ]


@pytest.mark.parametrize("num_features", [1, 2, 100])
def test_training_starts_uniformly_within_1_over_the_root_of_the_number_of_features(
    num_features: int,
) -> None:
    starts = np.array(
        [[*theta, b] for theta, b in (start(num_features, seed) for seed in range(300))]
    )
    bound = 1 / math.sqrt(num_features)
    assert np.abs(starts).max() <= bound
    flat = starts.ravel() / bound
    # Five standard errors of mean and variance of a uniform distribution on (−1, 1).
    assert abs(flat.mean()) < 5 / math.sqrt(3 * len(flat))
    assert abs(flat.var() - 1 / 3) < 5 * math.sqrt((1 / 5 - 1 / 9) / len(flat))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_divergence_names_the_step_and_what_to_do(shards_of: Shards, dtype: str) -> None:
    X, y, _ = data(64, 2)
    with pytest.raises(UserError) as error:
        train(shards_of(X, y), lr=1e6, batch_size=8, epochs=50, dtype=dtype)
    found = str(error.value)
    assert found.startswith("training: step ")
    # A step multiplies the error of θ by 2·λ·lr, here 10^5.5 to 10^7, and the loss of the next step
    # by its square.
    step = int(found.split()[2])
    digits = 308 if dtype == "float64" else 38
    assert digits / 14 + 1 <= step <= digits / 11 + 2
    assert (
        f"(epoch {(step - 1) // 8 + 1}): the loss is no longer finite; found inf;"
        " lower train.lr from 1e+06 to" in found
    )
    assert found.endswith("to 100000")


def test_a_training_that_diverges_is_not_advised_to_scale(shards_of: Shards) -> None:
    X, y, _ = data(64, 2)
    with pytest.raises(UserError) as error:
        train(shards_of(X, y), lr=1e6, scale="standardize", epochs=500)
    assert "train.scale" not in str(error.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_without_a_device_is_one_line_and_auto_takes_the_cpu(shards_of: Shards) -> None:
    X, y, _ = data(20, 2)
    shards = shards_of(X, y)
    with pytest.raises(
        UserError, match=r"params\.yaml: train\.device: no CUDA device; found cuda; set it to cpu"
    ):
        train(shards, device="cuda")
    assert (
        train(shards, device="auto")[-1].theta.tolist()
        == train(shards, device="cpu")[-1].theta.tolist()
    )


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_cuda_agrees_with_the_cpu_but_for_rounding(shards_of: Shards) -> None:
    X, y, _ = data(500, 16, noise=0.1)
    shards = shards_of(X, y, 2)
    lr = float(np.float32(0.01))  # on the device the rate is in float32
    on_cpu, on_cuda = (
        train(shards, batch_size=32, lr=lr, device=device) for device in ("cpu", "cuda")
    )
    for cpu, cuda in zip(on_cpu, on_cuda, strict=True):
        np.testing.assert_allclose([cuda.b, *cuda.theta], [cpu.b, *cpu.theta], rtol=1e-11)


def test_an_epoch_counts_its_steps_and_rows(shards_of: Shards) -> None:
    X, y, _ = data(23, 2)
    epochs = train(shards_of(X, y), batch_size=5, epochs=3)
    assert [(epoch.number, epoch.step) for epoch in epochs] == [(1, 5), (2, 10), (3, 15)]
    assert all(epoch.rows_per_second > 0 for epoch in epochs)
    assert all(epoch.theta.dtype == np.float64 for epoch in epochs)


def test_a_coefficient_of_an_epoch_does_not_change_as_training_goes_on(shards_of: Shards) -> None:
    X, y, _ = data(30, 2, noise=1)
    for average in (0.0, 1.0):
        params = Train(dtype="float64", lr=0.1, epochs=3, batch_size=30, average=average)
        running = gradient_descent(shards_of(X, y), 2, True, Scaling.identity(2), params)
        first = next(running)
        before = first.theta.copy()
        list(running)
        np.testing.assert_array_equal(first.theta, before)


def engine_of(shards: list[Rows], intercept: bool = True, **params: Any) -> AutogradEngine:
    usual: dict[str, Any] = {"lr": 0.05, "batch_size": 10, "epochs": 2}
    of = Train(**(usual | params))
    plan = BatchPlan(shards, of.batch_size)
    return AutogradEngine(Problem(shards, 2, intercept, Scaling.identity(2), of, plan, ALONE))


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_engine_begins_with_the_initial_parameters_and_no_momentum(
    shards_of: Shards, intercept: bool, dtype: Any
) -> None:
    engine = engine_of(shards_of(*data(20, 2)[:2]), intercept, dtype=dtype)
    b, *theta = initial_parameters(2, intercept, Train(dtype=dtype)).tolist()
    assert (engine.parameters()[0].tolist(), engine.parameters()[1]) == (theta, b)
    parameters = [[theta], [b]] if intercept else [[theta]]
    assert engine.state() == {
        "step": 0,
        "model": parameters,
        "momentum": [None] * len(parameters),
        "average": parameters,
        "num_averaged": 0,
    }


@pytest.mark.parametrize("taken", [0, 1, 2, 3])
def test_an_engine_with_the_state_of_another_takes_the_same_steps(
    shards_of: Shards, taken: int
) -> None:
    shards = shards_of(*data(20, 2, noise=1.0)[:2])
    one, other = (engine_of(shards, average=0.75, momentum=0.9) for _ in range(2))
    one.begin_epoch(1, 0)
    for step in range(taken):
        if step == 2:
            one.begin_epoch(2, 0)
        one.advance()
    other.restore(one.state())
    assert other.state() == one.state()
    for engine in (one, other):
        engine.begin_epoch(1 + taken // 2, taken % 2)
        engine.advance()
    assert other.state() == one.state()
    assert (other.loss(), other.learning_rate) == (one.loss(), one.learning_rate)


def test_the_parameters_are_the_average_from_its_first_step_on(shards_of: Shards) -> None:
    engine = engine_of(shards_of(*data(20, 2)[:2]), average=0.5)
    state = {"model": [[[1.0, 2.0]], [3.0]], "average": [[[4.0, 5.0]], [6.0]]}
    # Of 4 steps the last 2 are averaged.
    for step, expected in ((0, [1, 2, 3]), (2, [1, 2, 3]), (3, [4, 5, 6]), (4, [4, 5, 6])):
        engine.restore(state | {"step": step, "momentum": [None, None], "num_averaged": 1})
        theta, b = engine.parameters()
        assert [*theta.tolist(), b] == expected


def test_a_loss_is_that_of_the_batch_before_its_step(shards_of: Shards) -> None:
    X, y, _ = data(20, 2, noise=1.0)
    engine = engine_of(shards_of(X, y), dtype="float64", batch_size=20)
    for epoch in (1, 2):
        theta, b = engine.parameters()
        expected = float(np.square(X @ theta + b - y).mean())
        engine.begin_epoch(epoch, 0)
        engine.advance()
        assert engine.loss() == pytest.approx(expected, rel=1e-13)
        assert engine.divergence() is None


@pytest.mark.parametrize("factor", [1e200, math.nan])
def test_a_loss_that_is_not_finite_is_a_divergence(shards_of: Shards, factor: float) -> None:
    X, y, _ = data(20, 2)
    engine = engine_of(shards_of(X, y), dtype="float64")
    set_parameters(engine.model, np.full(3, factor))
    engine.begin_epoch(1, 0)
    engine.advance()
    assert str(engine.divergence()) == str(("the loss is no longer finite", factor * math.inf))


def test_a_first_step_that_diverges_is_reported_as_the_first(shards_of: Shards) -> None:
    X, y, _ = data(200, 2)
    with pytest.raises(UserError, match=r"^training: step 1 \(epoch 1\): the loss is no longer"):
        train(shards_of(X, 1e200 * y), batch_size=10)


def test_a_weight_multiplies_a_row_by_its_root() -> None:
    rows = torch.tensor([[2.0], [3.0]])
    assert weighted(rows, None) is rows
    assert weighted(rows, torch.tensor([[4.0], [0.5]])).tolist() == [[8.0], [1.5]]


def test_the_share_of_a_micro_batch_is_that_of_its_rows() -> None:
    loss = torch.tensor(6.0)
    assert share_of_batch(loss, 4, 4) is loss
    assert share_of_batch(loss, 1, 4).item() == 1.5


@pytest.mark.parametrize("bias", [True, False])
def test_the_parameters_of_a_model_are_those_that_were_set(bias: bool) -> None:
    model = torch.nn.Linear(3, 1, bias=bias)
    set_parameters(model, np.array([0.5, 1.0, -2.0, 3.0]))
    theta, b = get_parameters(model)
    assert (theta.tolist(), b) == ([1.0, -2.0, 3.0], 0.5 if bias else 0.0)
    assert theta.dtype == np.float64


def test_each_process_of_a_machine_has_a_device_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen on a machine that claims to have two devices."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    assert [choose_device(wanted) for wanted in ("cpu", "cuda", "auto")] == ["cpu", *["cuda:0"] * 2]
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert [choose_device(wanted) for wanted in ("cpu", "cuda", "auto")] == ["cpu", *["cuda:1"] * 2]
    monkeypatch.setenv("LOCAL_RANK", "2")
    assert choose_device("cpu") == "cpu"
    message = "every process needs its own CUDA device; found process 3 on a machine with 2; "
    for wanted in ("cuda", "auto"):
        with pytest.raises(UserError, match=message):
            choose_device(wanted)
    monkeypatch.delenv("RANK")
    assert choose_device("cuda") == "cuda:0"
