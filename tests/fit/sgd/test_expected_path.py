"""The expected path is that of full gradients, which torch takes when a batch holds all rows."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from linreg.data.rows import Rows
from linreg.fit.coordinates.choice import training_coordinates
from linreg.fit.exact.reference import ExactReference
from linreg.fit.sgd.autograd import gradient_descent
from linreg.fit.sgd.expected_path import CONVERGED, MAX_STEPS, expected_path
from linreg.fit.sgd.initial_parameters import initial_parameters
from linreg.params.train import Train

Shards = Callable[..., list[Rows]]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"momentum": 0.0, "lr": 0.05},
        {"scale": "standardize", "lr": 0.02},
        {"l2": 0.3},
        {"schedule": "cosine"},
    ],
    ids=lambda options: ", ".join(options) or "default",
)
@pytest.mark.parametrize("num_features", [1, 3])
def test_it_is_the_path_of_torch_with_all_rows_in_a_batch(
    shards_of: Shards, options: dict[str, Any], num_features: int
) -> None:
    random = np.random.default_rng(8)
    X = random.standard_normal((200, num_features)) + 0.5
    y = 1.5 + X @ np.arange(1.0, num_features + 1) + 0.3 * random.standard_normal(200)
    usual: dict[str, Any] = {"epochs": 25, "batch_size": 200, "dtype": "float64"}
    params = Train(**(usual | options))
    shards = shards_of(X, y)
    exact = ExactReference.compute(shards, [f"x{j + 1}" for j in range(num_features)], True, params)

    expected = [
        np.array([epoch.b, *epoch.theta])
        for epoch in gradient_descent(
            shards, num_features, True, training_coordinates(exact, params.scale), params
        )
    ]
    path = expected_path(exact, params, params.epochs)
    assert path.shape == (26, num_features + 1)
    # Measured: 2e-13.
    np.testing.assert_allclose(path[1:], expected, rtol=1e-9, atol=1e-9)


def test_it_ends_where_it_has_converged(shards_of: Shards) -> None:
    random = np.random.default_rng(8)
    X = random.standard_normal((200, 2))
    params = Train()
    exact = ExactReference.compute(
        shards_of(X, X @ [2.0, -3.0] + random.standard_normal(200)), ["x1", "x2"], True, params
    )
    path, end = (
        expected_path(exact, params, 10**6),
        np.array([exact.solution.b, *exact.solution.theta]),
    )
    assert len(path) < 1000
    assert np.abs(path[-1] - end).max() < CONVERGED * np.abs(path[0] - end).max()


def test_a_column_that_was_dropped_stays_at_0(shards_of: Shards) -> None:
    random = np.random.default_rng(8)
    x = random.standard_normal(100)
    shards = shards_of(np.column_stack([x, 2 * x]), x + random.standard_normal(100))
    params = Train(collinear="drop")
    exact = ExactReference.compute(shards, ["x1", "x2"], True, params)
    assert (expected_path(exact, params, 50)[:, 2] == 0).all()


def test_where_training_diverges_it_ends_before_infinity(shards_of: Shards) -> None:
    random = np.random.default_rng(8)
    X = 1e3 * random.standard_normal((100, 1))
    # Not refused, since a decaying rate may still converge.
    params = Train(lr=1.0, schedule="linear")
    exact = ExactReference.compute(
        shards_of(X, X[:, 0] + random.standard_normal(100)), ["x1"], True, params
    )
    path = expected_path(exact, params, 5000)
    assert len(path) > 10
    assert np.isfinite(path).all()


def noisy(num_rows: int, num_features: int) -> tuple[Any, Any]:
    random = np.random.default_rng(9)
    X = random.standard_normal((num_rows, num_features)) * 2.0 + 0.5
    return X, 1.5 + X @ np.arange(1.0, num_features + 1) + 0.3 * random.standard_normal(num_rows)


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
def test_each_step_is_that_of_the_formula_with_and_without_an_intercept(
    shards_of: Shards, intercept: bool, standardize: bool
) -> None:
    """Written out for all rows, in z-scores or, without an intercept, in root mean squares."""
    X, y = noisy(60, 2)
    scale_name: Any = "standardize" if standardize else "none"
    params = Train(lr=0.02, momentum=0.5, scale=scale_name, schedule="linear")
    exact = ExactReference.compute(shards_of(X, y), ["x1", "x2"], intercept, params)
    mean, scale, y_mean, y_scale = np.zeros(2), np.ones(2), 0.0, 1.0
    if standardize:
        if intercept:
            mean, y_mean = X.mean(axis=0), float(y.mean())
        scale = np.sqrt(np.square(X - mean).mean(axis=0))
        y_scale = float(np.sqrt(np.square(y - y_mean).mean()))
    Z = np.column_stack([np.full(60, float(intercept)), (X - mean) / scale])
    z = (y - y_mean) / y_scale
    p, v = initial_parameters(2, intercept, params), np.zeros(3)
    expected = []
    for step in range(8):
        theta = p[1:] * y_scale / scale
        expected.append([p[0] * y_scale + y_mean - theta @ mean, *theta])
        v = 0.5 * v + 2 * Z.T @ (Z @ p - z) / 60
        p = p - 0.02 * (1 - step / 7) * v
    found = expected_path(exact, params, 7)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
    assert intercept or not found[:, 0].any()


def test_it_ends_with_the_first_step_that_has_converged(shards_of: Shards) -> None:
    X, y = noisy(60, 2)
    params = Train(lr=0.02, momentum=0.0)
    exact = ExactReference.compute(shards_of(X, y), ["x1", "x2"], True, params)
    end = np.array([exact.solution.b, *exact.solution.theta])
    distances = np.abs(expected_path(exact, params, 10**6) - end).max(axis=1) / 1e-4
    assert distances[-1] < distances[0] * 1e-4 <= distances[-2]


def test_it_has_at_most_2000_steps(shards_of: Shards) -> None:
    X, y = noisy(60, 1)
    params = Train(lr=1e-9, momentum=0.0)
    exact = ExactReference.compute(shards_of(X, y), ["x1"], True, params)
    assert MAX_STEPS == 2000
    assert [len(expected_path(exact, params, num)) for num in (0, 1, 1999, 2000, 2001)] == [
        1,
        2,
        2000,
        2001,
        2001,
    ]


def test_the_rates_are_those_of_all_steps_even_where_it_ends_before_them(shards_of: Shards) -> None:
    X, y = noisy(60, 1)
    params = Train(lr=1e-6, momentum=0.0, schedule="linear")
    exact = ExactReference.compute(shards_of(X, y), ["x1"], True, params)
    steps = np.diff(expected_path(exact, params, 4000)[:, 1])
    assert len(steps) == 2000
    # Of 4000 steps at a rate that falls to 0, the 2000th is half as long as the first.
    assert steps[-1] / steps[0] == pytest.approx(0.5, rel=0.05)


def test_the_start_is_where_training_starts(shards_of: Shards) -> None:
    X, y = noisy(60, 2)
    params = Train(seed=7)
    exact = ExactReference.compute(shards_of(X, y), ["x1", "x2"], True, params)
    first = expected_path(exact, params, 0)
    np.testing.assert_allclose(first, [initial_parameters(2, True, params)], rtol=1e-12)
