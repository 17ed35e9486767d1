import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.data.formula.compact_matrix import as_array
from linreg.data.rows import Chunk, Rows
from linreg.fit.coordinates.scaling import Scaling, z_score_scaling
from linreg.fit.exact.moment_sums.moments import Moments
from linreg.fit.exact.reference import compute_moments
from linreg.fit.model import linear

Shards = Callable[..., list[Rows]]
RNG = np.random.default_rng(2)
NUMBERS = st.floats(-100, 100)


@given(
    st.lists(st.tuples(NUMBERS, st.floats(0.01, 100), NUMBERS, NUMBERS), min_size=1, max_size=5),
    NUMBERS,
    st.floats(0.01, 100),
    NUMBERS,
)
def test_unscaled_coefficients_predict_as_the_scaled_ones(
    features: list[tuple[float, float, float, float]], y_mean: float, y_scale: float, b: float
) -> None:
    means, scales, theta, x = (np.array(each) for each in zip(*features, strict=True))
    scaling = Scaling(means, scales, y_mean, y_scale)
    scaled = scaling.apply(Chunk(x[None, :], np.array([0.0])))
    expected = linear(scaled.X, theta, b)[0] * y_scale + y_mean
    unscaled_theta, unscaled_b = scaling.unscale(theta, b)
    # Both are sums of products of this size: rounding is a few 1e-16 of it (measured 4e-16).
    size = (
        np.abs(theta * y_scale / scales * (np.abs(x) + np.abs(means))).sum()
        + abs(b * y_scale)
        + abs(y_mean)
        + 1
    )
    assert linear(x[None, :], unscaled_theta, unscaled_b)[0] == pytest.approx(
        expected, abs=2e-15 * size
    )


def test_the_identity_changes_no_bit() -> None:
    X, y, theta = RNG.normal(size=(5, 3)), RNG.normal(size=5), RNG.normal(size=3)
    scaling = Scaling.identity(3)
    chunk = Chunk(X, y)
    assert scaling.apply(chunk) is chunk
    unscaled, b = scaling.unscale(theta, 0.1)
    np.testing.assert_array_equal(unscaled, theta)
    assert b == 0.1


@pytest.mark.parametrize(
    "scaling",
    [
        Scaling(np.array([0.0, 0.5]), np.ones(2), 0.0, 1.0),
        Scaling(np.zeros(2), np.array([1.0, 2.0]), 0.0, 1.0),
        Scaling(np.zeros(2), np.ones(2), 0.5, 1.0),
        Scaling(np.zeros(2), np.ones(2), 0.0, 2.0),
        Scaling.identity(2).restricted_to(np.array([True, False])),
    ],
)
def test_a_scaling_that_differs_from_the_identity_in_one_number_is_applied(
    scaling: Scaling,
) -> None:
    X, y, w = RNG.normal(size=(5, 2)), RNG.normal(size=5), RNG.random(5)
    scaled = scaling.apply(Chunk(X, y, w))
    np.testing.assert_array_equal(scaled.X, (X - scaling.x_mean) / scaling.x_scale)
    np.testing.assert_array_equal(scaled.y, (y - scaling.y_mean) / scaling.y_scale)
    assert scaled.w is w


def test_unscaling_is_the_closed_form_rounded_at_each_step() -> None:
    """(b − Σ θⱼ x̄ⱼ / sⱼ)·s_y + ȳ with numbers for which float64 is exact."""
    scaling = Scaling(np.array([2.0, -3.0]), np.array([4.0, 0.5]), 7.0, 8.0)
    theta, b = scaling.unscale(np.array([3.0, 5.0]), 0.25)
    assert theta.tolist() == [3 * 8 / 4, 5 * 8 / 0.5]
    assert b == 0.25 * 8 + 7 - (6 * 2 - 80 * 3)


def test_the_intercept_is_unscaled_without_cancellation() -> None:
    """The sum of θⱼ·x̄ⱼ is rounded once: 1e16 + 1 − 1e16 is 1."""
    scaling = Scaling(np.array([1e16, 1.0, -1e16]), np.ones(3), 0.0, 1.0)
    assert scaling.unscale(np.ones(3), 5.0)[1] == 4.0


@pytest.mark.parametrize(("num_shards", "rows_per_group"), [(1, 1000), (3, 17), (7, 1)])
def test_z_scores_have_mean_and_standard_deviation_over_all_shards(
    shards_of: Shards, num_shards: int, rows_per_group: int
) -> None:
    X = RNG.normal(size=(100, 2)) * [5, 0.01] + [1e3, -2]
    y = RNG.normal(size=100) * 3 + 7
    scaling = z_score_scaling(
        compute_moments(shards_of(X, y, num_shards, rows_per_group), X.shape[1]), intercept=True
    )
    # numpy adds pairwise. Measured: 3e-16 for means, 4e-16 for deviations.
    np.testing.assert_allclose(scaling.x_mean, X.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(scaling.x_scale, X.std(axis=0), rtol=1e-13)
    assert scaling.y_mean == pytest.approx(y.mean(), rel=1e-14, abs=0)
    assert scaling.y_scale == pytest.approx(y.std(), rel=1e-13, abs=0)
    scaled = np.concatenate(
        [scaling.apply(chunk).X for shard in shards_of(X, y) for chunk in shard]
    )
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scaled.std(axis=0), 1, rtol=1e-12)


def test_without_intercept_nothing_is_centered_and_the_scale_is_the_rms(shards_of: Shards) -> None:
    X, y = RNG.normal(size=(50, 2)) + 4, RNG.normal(size=50) - 3
    scaling = z_score_scaling(compute_moments(shards_of(X, y, 2), X.shape[1]), intercept=False)
    assert scaling.x_mean.tolist() == [0, 0]
    assert scaling.y_mean == 0
    np.testing.assert_allclose(scaling.x_scale, np.sqrt(np.square(X).mean(axis=0)), rtol=1e-14)
    assert scaling.y_scale == pytest.approx(math.sqrt(np.square(y).mean()), rel=1e-14, abs=0)
    assert scaling.unscale(np.array([1.0, 1.0]), 0.0)[1] == 0


@pytest.mark.parametrize("value", [0.0, 0.1, -7.25, 1e-300, 1e9 + 0.1])
@pytest.mark.parametrize("intercept", [True, False])
def test_a_column_without_variance_keeps_its_unit(
    shards_of: Shards, value: float, intercept: bool
) -> None:
    """Without an intercept a constant is a feature like any other, unless it is zero."""
    X = np.column_stack([RNG.normal(size=30), np.full(30, value)])
    scale = z_score_scaling(
        compute_moments(shards_of(X, X[:, 0], 2), X.shape[1]), intercept
    ).x_scale[1]
    assert scale == pytest.approx(1.0 if intercept or value == 0 else abs(value), rel=1e-14, abs=0)


def test_a_dropped_column_is_0_in_training_and_has_a_coefficient_of_0() -> None:
    scaling = Scaling.identity(2).restricted_to(np.array([True, False]))
    scaled = scaling.apply(Chunk(np.array([[3.0, 4.0]]), np.array([5.0])))
    assert as_array(scaled.X).tolist() == [[3.0, 0.0]]
    assert scaling.unscale(np.array([1.5, 2.5]), 0.5)[0].tolist() == [1.5, 0.0]


def test_a_column_that_hardly_varies_is_scaled(shards_of: Shards) -> None:
    X = (1e6 + RNG.normal(size=40) * 1e-4)[:, None]
    scaling = z_score_scaling(compute_moments(shards_of(X, X[:, 0]), X.shape[1]), intercept=True)
    assert scaling.x_scale[0] == pytest.approx(X.std(), rel=1e-6, abs=0)


@pytest.mark.parametrize("value", [0.0, 3.5, 0.1])
def test_a_constant_target_is_fitted_by_b_alone(shards_of: Shards, value: float) -> None:
    X, y = RNG.normal(size=(30, 1)), np.full(30, value)
    scaling = z_score_scaling(compute_moments(shards_of(X, y), X.shape[1]), intercept=True)
    theta, b = scaling.unscale(np.array([0.0]), 0.0)
    assert theta.tolist() == [0.0]
    assert b == pytest.approx(value, rel=1e-15, abs=0)
    scaled = scaling.apply(Chunk(X, y))
    assert np.abs(scaled.y).max() < 1e-10


def test_without_features_the_target_is_scaled(shards_of: Shards) -> None:
    y = RNG.normal(size=20)
    scaling = z_score_scaling(compute_moments(shards_of(np.empty((20, 0)), y), 0), intercept=True)
    assert scaling.x_scale.shape == (0,)
    assert scaling.y_mean == pytest.approx(y.mean(), rel=1e-14, abs=0)


@pytest.mark.parametrize("size", [1e-200, 1e-160, 1.0, 1e160, 1e200, 1e300])
def test_a_variance_beyond_float64_has_a_standard_deviation(shards_of: Shards, size: float) -> None:
    X = RNG.normal(size=(200, 1))
    scale = z_score_scaling(compute_moments(shards_of(X * size, X[:, 0] * size), 1), True)
    assert scale.x_scale[0] == pytest.approx(X.std() * size, rel=1e-12, abs=0)
    assert scale.y_scale == pytest.approx(X.std() * size, rel=1e-12, abs=0)


@pytest.mark.parametrize("intercept", [False, True])
def test_weights_that_are_all_0_scale_nothing(intercept: bool) -> None:
    moments = Moments.zero(2)
    moments.add(RNG.normal(size=(5, 2)), RNG.normal(size=5), np.zeros(5))
    scaling = z_score_scaling(moments, intercept)
    assert (scaling.x_mean.tolist(), scaling.x_scale.tolist()) == ([0, 0], [1, 1])
    assert (scaling.y_mean, scaling.y_scale) == (0, 1)
