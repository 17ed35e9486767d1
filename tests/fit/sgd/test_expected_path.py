"""The mean path is that of full gradients, which torch takes when a batch holds all rows."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from linreg.data.rows import Rows
from linreg.fit.exact.reference import ExactReference
from linreg.fit.sgd.autograd import gradient_descent
from linreg.fit.sgd.expected_path import ARRIVED, mean_path
from linreg.params import Train

Shards = Callable[..., list[Rows]]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"momentum": 0.0, "lr": 0.05},
        {"standardize": True, "lr": 0.02},
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

    theirs = [
        np.array([epoch.b, *epoch.theta])
        for epoch in gradient_descent(
            shards, num_features, True, exact.scaling(params.standardize), params
        )
    ]
    ours = mean_path(exact, params, params.epochs)
    assert ours.shape == (26, num_features + 1)
    np.testing.assert_allclose(ours[1:], theirs, rtol=1e-9, atol=1e-9)  # measured: 2e-13


def test_it_ends_where_nothing_is_left_of_the_way(shards_of: Shards) -> None:
    random = np.random.default_rng(8)
    X = random.standard_normal((200, 2))
    params = Train()
    exact = ExactReference.compute(
        shards_of(X, X @ [2.0, -3.0] + random.standard_normal(200)), ["x1", "x2"], True, params
    )
    path, end = mean_path(exact, params, 10**6), np.array([exact.solution.b, *exact.solution.theta])
    assert len(path) < 1000
    assert np.abs(path[-1] - end).max() < ARRIVED * np.abs(path[0] - end).max()


def test_a_column_that_was_dropped_stays_at_0(shards_of: Shards) -> None:
    random = np.random.default_rng(8)
    x = random.standard_normal(100)
    shards = shards_of(np.column_stack([x, 2 * x]), x + random.standard_normal(100))
    params = Train(collinear="drop")
    exact = ExactReference.compute(shards, ["x1", "x2"], True, params)
    assert (mean_path(exact, params, 50)[:, 2] == 0).all()


def test_a_rate_at_which_training_diverges_ends_the_path_before_infinity(shards_of: Shards) -> None:
    random = np.random.default_rng(8)
    X = 1e3 * random.standard_normal((100, 1))
    params = Train(lr=1.0, schedule="linear")  # not refused: a falling rate may still arrive
    exact = ExactReference.compute(
        shards_of(X, X[:, 0] + random.standard_normal(100)), ["x1"], True, params
    )
    path = mean_path(exact, params, 5000)
    assert len(path) > 10
    assert np.isfinite(path).all()
