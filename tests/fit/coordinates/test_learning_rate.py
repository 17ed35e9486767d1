import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from linreg.data.formula.compact_matrix import as_array
from linreg.data.rows import Rows
from linreg.errors import UserError
from linreg.fit.coordinates.learning_rate import (
    check_learning_rate,
    largest_stable_rate,
    round_down_to_one_digit,
)
from linreg.fit.coordinates.scaling import Scaling, z_score_scaling
from linreg.fit.exact.reference import ExactReference
from linreg.fit.sgd.autograd import gradient_descent
from linreg.params.train import Train
from tests.fit.exact.fits import Floats, moments_of, names_of

Shards = Callable[..., list[Rows]]


def drawn(num_rows: int = 80, seed: int = 1) -> tuple[Floats, Floats]:
    """Two correlated columns of different scale, away from 0."""
    random = np.random.default_rng(seed)
    X = random.standard_normal((num_rows, 2)) * [1.0, 3.0] + [0.5, -2.0]
    X[:, 1] += X[:, 0]
    return X, 1.0 + X @ [2.0, -1.0] + random.standard_normal(num_rows)


def limit_of(shards: list[Rows], intercept: bool, scaling: Scaling, params: Train) -> float:
    (chunk,) = shards[0]
    return largest_stable_rate(moments_of(as_array(chunk.X), chunk.y), intercept, scaling, params)


def excess(shards: list[Rows], intercept: bool, scaling: Scaling, params: Train) -> list[float]:
    """J − J* after each epoch, J = (1/n) Σ (y − ỹ)² + l2·‖θ‖², J* by lstsq with l2 as rows."""
    (chunk,) = shards[0]
    X, y = as_array(chunk.X), chunk.y
    root = np.sqrt(params.l2 * len(y))
    Z = np.column_stack([np.ones(len(y)), X]) if intercept else X
    Z = np.vstack(
        [
            Z,
            np.column_stack([np.zeros((2, 1)), root * np.eye(2)])
            if intercept
            else root * np.eye(2),
        ]
    )
    t = np.concatenate([y, np.zeros(2)])
    best = np.linalg.lstsq(Z, t)[0]
    found: list[float] = []
    try:
        for epoch in gradient_descent(shards, 2, intercept, scaling, params):
            d = np.array([epoch.b, *epoch.theta][1 - intercept :]) - best
            # J − J* of a quadratic, without cancellation.
            found.append(float(np.square(Z @ d).sum()) / len(y))
    except UserError:
        # The loss is no longer finite.
        found.append(np.inf)
    return found


@pytest.mark.parametrize("l2", [0.0, 0.5])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
def test_gradient_descent_converges_just_below_the_rate_and_diverges_just_above_it(
    shards_of: Shards, intercept: bool, standardize: bool, momentum: float, l2: float
) -> None:
    """Full batches, 120 steps, from the middle to the end: at 0.96 of the rate the excess loss
    falls to 0.005 of what it was and less (without momentum), at 1.04 it grows 8000-fold and more
    (both measured).
    """
    shards = shards_of(*drawn())
    scaling = (
        z_score_scaling(moments_of(*drawn()), intercept) if standardize else Scaling.identity(2)
    )
    base: dict[str, Any] = {
        "dtype": "float64",
        "batch_size": 80,
        "epochs": 120,
        "momentum": momentum,
        "l2": l2,
    }
    limit = limit_of(shards, intercept, scaling, Train(**base))
    below = excess(shards, intercept, scaling, Train(lr=0.96 * limit, **base))
    assert len(below) == 120
    assert below[-1] < 0.02 * below[60]
    above = excess(shards, intercept, scaling, Train(lr=1.04 * limit, **base))
    assert above[-1] > 1e3 * above[min(60, len(above) - 2)]


@pytest.mark.parametrize("l2", [0.0, 0.1])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("num_features", [1, 5])
def test_the_rate_is_2_times_1_plus_momentum_over_the_largest_curvature(
    num_features: int, intercept: bool, standardize: bool, momentum: float, l2: float
) -> None:
    """The curvature by an SVD of the scaled rows, the penalty as further rows. Measured: 3e-15."""
    random = np.random.default_rng(3)
    X = random.standard_normal((50, num_features)) * 10.0 ** np.arange(num_features) + 2
    center = X.mean(axis=0) if intercept else np.zeros(num_features)
    scale = X.std(axis=0)
    scaling = Scaling(center, scale, 0.0, 1.0) if standardize else Scaling.identity(num_features)
    Z = (X - scaling.x_mean) / scaling.x_scale / np.sqrt(50)
    penalty = np.sqrt(l2) * np.diag(1 / scaling.x_scale)
    Z = np.vstack([Z, penalty])
    if intercept:
        Z = np.column_stack(
            [np.concatenate([np.full(50, 1 / np.sqrt(50)), np.zeros(num_features)]), Z]
        )
    largest = 2 * np.linalg.svd(Z, compute_uv=False)[0] ** 2
    found = largest_stable_rate(
        moments_of(X, X[:, 0]), intercept, scaling, Train(momentum=momentum, l2=l2)
    )
    assert found == pytest.approx(2 * (1 + momentum) / largest, rel=1e-12, abs=0)


@pytest.mark.parametrize("mean", [0.0, 1e3, 1e6, 1e8, 1e9])
def test_the_rate_for_z_scores_does_not_depend_on_how_far_from_0_a_column_lies(mean: float) -> None:
    """The curvature of z-scores is that of the same columns around 0. Measured: 2e-5 off at 1e6."""
    random = np.random.default_rng(8)
    # Of few bits, so that they are exact at 1e9 too.
    around_0 = np.round(random.standard_normal((1000, 2)) * 2**10) / 2**10
    away = np.array([mean, 0.0])
    X, center, scale = around_0 + away, around_0.mean(axis=0) + away, around_0.std(axis=0)
    Z = np.column_stack([np.ones(1000), (X - center) / scale])
    expected = 3.8 / (2 * np.linalg.svd(Z, compute_uv=False)[0] ** 2 / 1000)
    found = largest_stable_rate(
        moments_of(X, X[:, 1]), True, Scaling(center, scale, 0.0, 1.0), Train()
    )
    assert found == pytest.approx(expected, rel=1e-3, abs=0)


@pytest.mark.parametrize("size", [1e150, 1e155, 1e200, 1e300])
def test_columns_whose_squares_overflow_float64_have_a_largest_stable_rate(size: float) -> None:
    """z-scores are the same for every unit; in the data's own unit the rate may underflow."""
    random = np.random.default_rng(9)
    z = random.standard_normal((100, 1))
    center, scale = size * z.mean(axis=0), size * z.std(axis=0)
    moments = moments_of(size * z, z[:, 0])
    standardized = largest_stable_rate(moments, True, Scaling(center, scale, 0.0, 1.0), Train())
    assert standardized == pytest.approx(1.9, rel=1e-9, abs=0)
    raw = largest_stable_rate(moments, True, Scaling.identity(1), Train())
    assert 0 <= raw <= 1e-290


def test_a_dropped_column_has_no_curvature() -> None:
    X, y = drawn()
    twice = np.column_stack([X, 1000 * X[:, 0]])
    kept = np.array([True, True, False])
    without = Scaling.identity(3).restricted_to(kept)
    found = largest_stable_rate(moments_of(twice, y), True, without, Train(l2=0.3))
    expected = largest_stable_rate(moments_of(X, y), True, Scaling.identity(2), Train(l2=0.3))
    assert found == pytest.approx(expected, rel=1e-14, abs=0)


def test_a_model_of_zeros_alone_is_stable_at_any_rate() -> None:
    X = np.zeros((10, 1))
    assert (
        largest_stable_rate(moments_of(X, np.ones(10)), False, Scaling.identity(1), Train())
        == np.inf
    )


def refusal(X: Floats, y: Floats, **params: Any) -> str | None:
    """The message of `check_learning_rate`, or None if it accepts the rate."""
    reference = ExactReference.from_moments(moments_of(X, y), names_of(X), intercept=True)
    try:
        check_learning_rate(reference, Train(**params))
    except UserError as error:
        return str(error)
    return None


def test_the_error_suggests_a_smaller_rate_and_whitening_where_it_helps() -> None:
    X, y = drawn()
    X = X * [1.0, 100.0]
    limit = largest_stable_rate(moments_of(X, y), True, Scaling.identity(2), Train())
    message = refusal(X, y, lr=0.01)
    assert message is not None
    assert len(message.splitlines()) == 1
    assert re.fullmatch(
        r"params\.yaml: train\.lr: is too large, training must diverge: "
        r"the largest stable rate is (\S+); found 0\.01; "
        r"choose less, such as (\S+), or set train\.scale: whiten, with which it is stable",
        message,
    ), message
    assert f"the largest stable rate is {limit:.3g};" in message


@pytest.mark.parametrize(("lr", "scale"), [(3.0, "none"), (3.0, "standardize"), (1.9, "whiten")])
def test_the_error_does_not_suggest_whitening_where_it_would_not_help(
    lr: float, scale: str
) -> None:
    X, y = drawn()
    scores = Scaling(X.mean(axis=0), X.std(axis=0), float(y.mean()), float(y.std()))
    assert largest_stable_rate(moments_of(X, y), True, scores, Train()) < 3.0
    message = refusal(X * [1.0, 100.0], y, lr=lr, scale=scale)
    assert message is not None
    assert "train.scale" not in message


@pytest.mark.parametrize("scale", ["none", "standardize", "whiten"])
def test_rates_from_the_largest_stable_one_on_are_refused(scale: str) -> None:
    X, y = drawn()
    moments = moments_of(X, y)
    limit = 1.9
    if scale != "whiten":
        z_scores = z_score_scaling(moments, intercept=True)
        scaling = z_scores if scale == "standardize" else Scaling.identity(2)
        limit = largest_stable_rate(moments, True, scaling, Train())
    assert refusal(X, y, lr=float(np.nextafter(limit, 0)), scale=scale) is None
    assert refusal(X, y, lr=limit, scale=scale) is not None


def test_the_exact_solver_takes_no_steps_so_no_rate_is_refused() -> None:
    X, y = drawn()
    assert refusal(X, y, lr=1e6) is not None
    assert refusal(X, y, lr=1e6, solver="exact") is None


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_a_rate_that_a_schedule_lowers_is_not_refused_and_may_converge(
    shards_of: Shards, schedule: Any
) -> None:
    """At first 1.2 times the largest stable rate. Measured: 1e-8 of the excess loss is left."""
    X, y = drawn()
    shards = shards_of(X, y)
    base: dict[str, Any] = {
        "dtype": "float64",
        "batch_size": 80,
        "epochs": 600,
        "schedule": schedule,
        "momentum": 0.0,
    }
    lr = 1.2 * largest_stable_rate(moments_of(X, y), True, Scaling.identity(2), Train(**base))
    assert refusal(X, y, lr=lr, **base) is None
    assert refusal(X, y, lr=lr, **(base | {"schedule": "constant"})) is not None
    found = excess(shards, True, Scaling.identity(2), Train(lr=lr, **base))
    # It does diverge at first.
    assert max(found) > 1e3 * found[0]
    assert found[-1] < 1e-3 * found[0]


@pytest.mark.parametrize(
    ("rate", "rounded"), [(0.4712, 0.4), (0.0999, 0.09), (0.3, 0.3), (31.0, 30.0), (9.9e-7, 9e-7)]
)
def test_a_suggested_rate_is_rounded_down_to_one_digit(rate: float, rounded: float) -> None:
    assert round_down_to_one_digit(rate) == rounded


@pytest.mark.parametrize("batch_size", [32, 1000])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_suggested_rate_trains(
    shards_of: Shards, seed: int, momentum: float, batch_size: int
) -> None:
    """In mini-batches too. Measured: at most 0.07 of the excess loss is left after 10 epochs."""
    X, y = drawn(1000, seed)
    X = X * [1.0, 30.0]
    message = refusal(X, y, lr=1.0, momentum=momentum)
    assert message is not None
    suggested = re.search(r"choose less, such as ([0-9.e-]+)", message)
    assert suggested is not None
    lr = float(suggested[1])
    assert refusal(X, y, lr=lr, momentum=momentum) is None
    params: dict[str, Any] = {
        "momentum": momentum,
        "batch_size": batch_size,
        "epochs": 10,
        "dtype": "float64",
    }
    shards = shards_of(X, y)
    (start,) = excess(
        shards,
        True,
        Scaling.identity(2),
        Train(lr=1e-300, **(params | {"epochs": 1, "batch_size": 1000})),
    )
    found = excess(shards, True, Scaling.identity(2), Train(lr=lr, **params))
    assert found[-1] < 0.2 * start
