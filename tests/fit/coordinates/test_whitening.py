"""Whitened coordinates against numpy, the definition of a round bowl, and least squares."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from linreg.arrays import Floats
from linreg.data.rows import Chunk, Rows
from linreg.errors import UserError
from linreg.fit.compiled import engine as compiled
from linreg.fit.coordinates.choice import training_coordinates
from linreg.fit.coordinates.whitening import MOST_FEATURES, Whitening, whitening
from linreg.fit.exact.moment_sums.moments import Moments
from linreg.fit.exact.reference import ExactReference
from linreg.fit.sgd import autograd
from linreg.params.train import Train

Shards = Callable[..., list[Rows]]
ENGINES: dict[str, Any] = {
    "autograd": autograd.gradient_descent,
    "compiled": compiled.gradient_descent,
}


def drawn(
    num_rows: int = 120, num_features: int = 4, seed: int = 1
) -> tuple[Floats, Floats, Floats]:
    """Correlated columns in units from 1e-9 to 1e9, a target far from 0, and weights."""
    random = np.random.default_rng(seed)
    X = random.standard_normal((num_rows, num_features)) @ random.standard_normal(
        (num_features, num_features)
    )
    units = 10.0 ** random.uniform(-9, 9, num_features)
    y = 2.4e9 + 50 * (X.sum(axis=1) + random.standard_normal(num_rows))
    w = random.uniform(0, 3e6, num_rows) * (random.random(num_rows) < 0.9)
    return (X + 5) * units, y, w


def reference(
    X: Floats, y: Floats, w: Floats | None, *, intercept: bool = True, l2: float = 0.0
) -> ExactReference:
    moments = Moments.zero(X.shape[1])
    moments.add(X, y, w)
    names = [f"x{j + 1}" for j in range(X.shape[1])]
    return ExactReference.from_moments(moments, names, intercept, l2, "drop")


def whitened(exact: ExactReference) -> Whitening:
    return whitening(exact.moments, exact.solution)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("l2", [0.0, 1e-3])
def test_the_hessian_of_half_the_loss_is_the_identity(
    weighted: bool, intercept: bool, l2: float
) -> None:
    """Σ w u uᵀ / n with the penalty, u = [1 U], to rounding: measured 1e-13."""
    X, y, w = drawn()
    chosen = w if weighted else None
    coordinates = whitened(reference(X, y, chosen, intercept=intercept, l2=l2))
    U, scaled_y, scaled_w = coordinates.apply(Chunk(X, y, chosen))
    Z = np.column_stack([np.full(len(y), float(intercept)), np.asarray(U)])
    weights = np.ones(len(y)) if scaled_w is None else scaled_w
    H = (Z * weights[:, None]).T @ Z / len(y)
    H[1:, 1:] += coordinates.penalty(l2)
    np.testing.assert_allclose(H, np.diag([float(intercept), 1, 1, 1, 1]), atol=1e-11)
    assert weights.mean() == pytest.approx(1)
    if intercept:
        assert np.average(scaled_y, weights=weights) == pytest.approx(0, abs=1e-6)
        assert np.average(scaled_y**2, weights=weights) == pytest.approx(1)


def test_each_coordinate_is_a_column_less_its_regression_on_those_before_it() -> None:
    X, y, _ = drawn()
    U, _, _ = whitened(reference(X, y, None)).apply(Chunk(X, y))
    # Units in which lstsq works too.
    X = X / X.std(axis=0)
    for j in range(X.shape[1]):
        before = np.column_stack([np.ones(len(y)), X[:, :j]])
        residual = X[:, j] - before @ np.linalg.lstsq(before, X[:, j])[0]
        np.testing.assert_allclose(np.asarray(U)[:, j], residual / residual.std(), atol=1e-9)


@pytest.mark.parametrize("intercept", [False, True])
def test_coefficients_and_predictions_go_both_ways(intercept: bool) -> None:
    X, y, w = drawn()
    coordinates = whitened(reference(X, y, w, intercept=intercept))
    random = np.random.default_rng(3)
    b, theta = float(intercept) * 0.7, random.standard_normal(4)
    in_data, b_in_data = coordinates.unscale(theta, b)
    np.testing.assert_allclose(coordinates.scale(in_data, b_in_data), [b, *theta], rtol=1e-6)
    U, _, _ = coordinates.apply(Chunk(X, y, w))
    predicted = coordinates.y_mean + coordinates.y_scale * (b + np.asarray(U) @ theta)
    np.testing.assert_allclose(b_in_data + X @ in_data, predicted, rtol=1e-9)
    path = coordinates.unscale_path(np.array([[b, *theta], [0.0] * 5]))
    np.testing.assert_allclose(path[0], [b_in_data, *in_data], rtol=1e-9)
    assert path[1].tolist() == [coordinates.y_mean, 0, 0, 0, 0]


def test_the_penalty_is_that_of_theta_in_the_units_of_the_data() -> None:
    X, y, w = drawn()
    coordinates = whitened(reference(X, y, w, l2=1e-3))
    theta = np.random.default_rng(4).standard_normal(4)
    in_data, _ = coordinates.unscale(theta, 0.0)
    expected = 1e-3 * (in_data @ in_data) / coordinates.y_scale**2 / coordinates.mean_weight
    assert theta @ coordinates.penalty(1e-3) @ theta == pytest.approx(expected)


def test_a_nearly_collinear_column_keeps_its_direction() -> None:
    """x3 − x2 is 1e-13 of x2; in float64 its direction would be rounding. Exact in fractions."""
    random = np.random.default_rng(5)
    difference = random.integers(-8, 9, 200) * 2.0**-40
    x2 = random.integers(-1000, 1001, 200).astype(float)
    X = np.column_stack([x2, x2 + difference])
    y = x2 + random.standard_normal(200)
    coordinates = whitened(reference(X, y, None))
    assert coordinates.projection is not None
    U, _, _ = coordinates.apply(Chunk(X, y))
    before = np.column_stack([np.ones(200), x2])
    residual = difference - before @ np.linalg.lstsq(before, difference)[0]
    np.testing.assert_allclose(np.asarray(U)[:, 1], residual / residual.std(), atol=1e-9)


def test_a_dropped_column_is_0_and_has_a_coefficient_of_0() -> None:
    X, y, _ = drawn()
    X = np.column_stack([X[:, 0], 2 * X[:, 0], X[:, 1]])
    coordinates = whitened(reference(X, y, None))
    U, _, _ = coordinates.apply(Chunk(X, y))
    assert not np.asarray(U)[:, 1].any()
    theta, _ = coordinates.unscale(np.array([1.0, 5.0, 2.0]), 0.0)
    assert theta[1] == 0
    assert theta[0]
    assert theta[2]


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("num_shards", [1, 2])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("l2", [0.0, 1e-3])
@pytest.mark.parametrize("intercept", [False, True])
def test_full_batches_end_at_the_minimum(
    shards_of: Shards, name: str, num_shards: int, weighted: bool, l2: float, intercept: bool
) -> None:
    """Columns on scales 18 orders of magnitude apart: (b, θ) of least squares to 1e-9."""
    X, y, w = drawn()
    chosen = w if weighted else None
    exact = reference(X, y, chosen, intercept=intercept, l2=l2)
    params = Train(scale="whiten", lr=0.1, momentum=0.5, batch_size=120, epochs=150, l2=l2)
    params = params.model_copy(update={"dtype": "float64"})
    coordinates = training_coordinates(exact, "whiten")
    shards = shards_of(X, y, num_shards, w=chosen)
    *_, last = ENGINES[name](shards, 4, intercept, coordinates, params)
    gap = exact.loss.convergence(last.theta, last.b)["gap"]
    assert gap is not None
    assert gap < 1e-15
    np.testing.assert_allclose(last.theta, exact.solution.theta, rtol=1e-7)


def test_both_engines_take_the_same_steps(shards_of: Shards) -> None:
    X, y, w = drawn()
    exact = reference(X, y, w, l2=1e-3)
    params = Train(
        scale="whiten", lr=0.01, batch_size=16, epochs=3, l2=1e-3, dtype="float64", average=0.5
    )
    coordinates = training_coordinates(exact, "whiten")
    shards = shards_of(X, y, 2, w=w)
    ends = [list(each(shards, 4, True, coordinates, params)) for each in ENGINES.values()]
    for of_autograd, of_compiled in zip(*ends, strict=True):
        np.testing.assert_allclose(of_autograd.theta, of_compiled.theta, rtol=1e-8)
        assert of_autograd.b == pytest.approx(of_compiled.b, rel=1e-8)


def test_too_many_columns_are_refused_in_one_line() -> None:
    moments = Moments.zero(MOST_FEATURES + 1)
    X, y, _ = drawn()
    with pytest.raises(UserError, match=r"train\.scale: whiten is for at most 2,000 columns"):
        whitening(moments, reference(X, y, None).solution)
