"""The expected path is that of full gradients, which torch takes when a batch holds all rows."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from linreg.data.rows import Rows
from linreg.fit.exact.reference import ExactReference
from linreg.fit.sgd.autograd import gradient_descent
from linreg.fit.sgd.expected_path import CONVERGED, expected_path
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

    expected = [
        np.array([epoch.b, *epoch.theta])
        for epoch in gradient_descent(
            shards, num_features, True, exact.scaling(params.standardize), params
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
