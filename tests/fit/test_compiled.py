from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from linreg.data.rows import Rows
from linreg.fit import autograd, compiled
from linreg.fit.history import Epoch
from linreg.fit.scaling import Scaling
from linreg.params import Train

Shards = Callable[..., list[Rows]]
Floats = NDArray[np.float64]


def data(num_rows: int, num_features: int, seed: int = 1) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(num_rows, num_features))
    return X, 0.7 + X @ rng.normal(size=num_features) + 0.3 * rng.normal(size=num_rows)


def train(engine: Any, shards: list[Rows], intercept: bool = True, **params: Any) -> list[Epoch]:
    num_features = shards[0].window(0).X.shape[1]
    scaling = params.pop("scaling", Scaling.none(num_features))
    defaults: dict[str, Any] = {"dtype": "float64", "lr": 0.02, "momentum": 0.9, "epochs": 3, "batch_size": 32}
    return list(engine.gradient_descent(shards, num_features, intercept, scaling, Train(**(defaults | params))))


def as_rows(epochs: list[Epoch]) -> Floats:
    return np.array([[epoch.number, epoch.step, epoch.lr, epoch.b, *epoch.theta] for epoch in epochs])


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
        as_rows(train(compiled, shards, **params)), as_rows(train(autograd, shards, **params)), rtol=1e-11, atol=1e-12
    )
