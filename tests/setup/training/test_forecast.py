"""The forecast against the deterministic recursion, simulations, and both engines."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from linreg.arrays import Floats
from linreg.data.rows import Rows
from linreg.fit.compiled import engine as compiled
from linreg.fit.coordinates.choice import training_coordinates
from linreg.fit.coordinates.whitening import whitening
from linreg.fit.exact.reference import ExactReference
from linreg.fit.sgd import autograd
from linreg.params.train import Train
from linreg.setup.training.forecast import ROUNDING_NOISE, ROUNDINGS, Start, expected_excess
from linreg.setup.training.recursion import noise_at_the_end
from linreg.setup.training.recursion_kernel import noise_at_the_end_compiled
from linreg.setup.training.row_moments import RowMoments, row_moments
from tests.setup.training.previews import preview_of, solution_of

Shards = Callable[..., list[Rows]]


def table(name: str, seed: int = 1) -> tuple[Floats, Floats]:
    random = np.random.default_rng(seed)
    sizes = {"few": (257, 3), "many": (3000, 8), "heavy tails": (3000, 5), "levels": (2000, 40)}
    num_rows, num_features = sizes[name]
    X = random.standard_normal((num_rows, num_features))
    if name == "heavy tails":
        X = random.standard_t(3, (num_rows, num_features))
    if name == "levels":
        codes = random.integers(0, num_features + 1, num_rows)
        X = (codes[:, None] == np.arange(1, num_features + 1)).astype(float)
    y = X @ random.standard_normal(num_features) + random.standard_normal(num_rows)
    return X @ random.standard_normal((num_features, num_features)), y


def forecast(X: Floats, y: Floats, train: Train) -> tuple[float, ExactReference]:
    """Return the expected gap, and what an actual one is measured against."""
    preview = preview_of(X, y)
    solution = solution_of(preview)
    map_ = whitening(preview.moments, solution)
    rows = row_moments(preview.read(), map_, solution)
    assert rows is not None
    optimum = map_.scale(solution.theta, solution.b)
    distance = float(optimum @ optimum) + rows.num_coefficients / (3 * X.shape[1])
    assert solution.rss is not None
    minimum = float(solution.rss) / len(y) / map_.y_scale**2
    excess = expected_excess(rows, Start(len(y), distance), train)
    return excess / minimum, ExactReference.from_moments(preview.moments, preview.names, True)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
@pytest.mark.parametrize("average", [0.0, 0.5])
def test_without_noise_it_is_the_recursion_of_full_gradients(
    momentum: float, schedule: Any, average: float
) -> None:
    train = Train(
        lr=0.02, momentum=momentum, schedule=schedule, average=average, epochs=60, batch_size=50
    )
    d, v, points = 1.0, 0.0, []
    for step in range(60):
        progress = step / 60
        decay = {
            "constant": 1.0,
            "linear": 1 - progress,
            "cosine": 0.5 + 0.5 * np.cos(np.pi * progress),
        }
        v = momentum * v + 2 * d
        d -= 0.02 * decay[schedule] * v
        points.append(d)
    end = np.mean(points[30:]) if average else points[-1]
    found = expected_excess(RowMoments(3, 0.7, 5.0, 9.0), Start(50, 2.5), train)
    rounding = ROUNDING_NOISE * 3 * ROUNDINGS["float32"] ** 2
    assert found == pytest.approx(2.5 * end**2 + rounding, rel=1e-9)


@pytest.mark.parametrize("average", [0.0, 0.5])
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        # 257 rows: the last batch of each epoch has a single row.
        ("few", {"batch_size": 32, "epochs": 30}),
        ("few", {"batch_size": 64, "epochs": 30, "schedule": "constant"}),
        ("many", {"batch_size": 128, "epochs": 10}),
        ("many", {"batch_size": 32, "epochs": 5, "momentum": 0.0, "lr": 0.1}),
        ("heavy tails", {"batch_size": 32, "epochs": 10, "lr": 0.003}),
        ("heavy tails", {"batch_size": 256, "epochs": 20}),
        ("levels", {"batch_size": 128, "epochs": 20, "lr": 0.003}),
    ],
)
def test_it_is_the_mean_over_the_orders_of_the_rows(
    shards_of: Shards, name: str, settings: dict[str, Any], average: float
) -> None:
    """By the compiled engine. Of 16 forecasts the worst was 1.3 times what came."""
    X, y = table(name)
    usual: dict[str, Any] = {"schedule": "linear", "lr": 0.01, "dtype": "float64"}
    train = Train(scale="whiten", average=average, **usual | settings)
    expected, exact = forecast(X, y, train)
    shards = shards_of(X, y)
    coordinates = training_coordinates(exact, "whiten")
    gaps = []
    for seed in range(20):
        seeded = train.model_copy(update={"seed": seed})
        *_, last = compiled.gradient_descent(shards, X.shape[1], True, coordinates, seeded)
        gaps.append(exact.loss.convergence(last.theta, last.b)["gap"])
    assert expected / 1.6 < np.mean(np.array(gaps, np.float64)) < 1.6 * expected


@pytest.mark.slow
def test_rounding_is_most_of_what_is_left_of_a_nearly_perfect_fit(shards_of: Shards) -> None:
    """By autograd, full batches: the end is no further than the forecast says, nor much closer."""
    random = np.random.default_rng(4)
    X = random.standard_normal((64, 3))
    y = X.sum(axis=1) + 1e-7 * random.standard_normal(64)
    train = Train(scale="whiten", schedule="linear", batch_size=64, epochs=400)
    expected, exact = forecast(X, y, train)
    coordinates = training_coordinates(exact, "whiten")
    gaps = []
    for seed in range(5):
        seeded = train.model_copy(update={"seed": seed})
        *_, last = autograd.gradient_descent(shards_of(X, y), 3, True, coordinates, seeded)
        gaps.append(exact.loss.convergence(last.theta, last.b)["gap"])
    found = np.array(gaps, np.float64).mean()
    assert expected / 300 < found < expected


def test_compiled_or_not_the_recursion_gives_the_same_bits() -> None:
    random = np.random.default_rng(5)
    rates, lengths = 0.01 * random.random(700), random.integers(1, 9, 7).astype(float)
    rest = (int(lengths.sum()), 0.9, 300, 0.7, 5.0, 2.5)
    plain = noise_at_the_end(rates.tolist(), lengths.tolist(), *rest)
    assert noise_at_the_end_compiled(rates, lengths, *rest) == plain
