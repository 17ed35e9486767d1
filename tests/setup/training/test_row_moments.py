"""The moments of rows against their definitions, known distributions, and numpy."""

import numpy as np
import pytest

from linreg.arrays import Floats
from linreg.data.rows import Chunk
from linreg.fit.coordinates.whitening import whitening
from linreg.setup.training.row_moments import RowMoments, row_moments
from tests.setup.training.previews import preview_of, solution_of


def moments_of(X: Floats, y: Floats, w: Floats | None = None) -> RowMoments:
    preview = preview_of(X, y, w)
    solution = solution_of(preview)
    found = row_moments(preview.read(), whitening(preview.moments, solution), solution)
    assert found is not None
    return found


@pytest.mark.parametrize("num_features", [1, 2, 8])
def test_of_normal_columns_and_noise_they_follow_from_their_number(num_features: int) -> None:
    """E‖u‖²e² = p·σ², E‖u‖⁴ / p = M + 2 + 1 / p·…: of u = [1 z], (1 + 3·M + M² + 2·M − M) / p."""
    random = np.random.default_rng(1)
    X = random.normal(3, 2, (40_000, num_features)) @ np.triu(np.ones((num_features,) * 2))
    y = X.sum(axis=1) + random.normal(size=40_000)
    found = moments_of(X, y)
    M, p = num_features, num_features + 1
    share = 1 / y.var()
    assert found.num_coefficients == p
    assert found.gradient_noise == pytest.approx(p * share, rel=0.03)
    # Of chi-squared with M degrees of freedom, E[(1 + c)²] = 1 + 2M + M² + 2M.
    assert found.mean_kurtosis == pytest.approx((1 + 4 * M + M * M) / p, rel=0.05)
    # E[(1 + c)·(vᵀz)²] = 1 + M + 2, more than for the 1: 1 + M.
    assert found.largest_kurtosis == pytest.approx(M + 3, rel=0.1)


def test_they_are_the_second_moments_of_the_gradients_of_rows() -> None:
    random = np.random.default_rng(2)
    X, w = random.standard_t(4, (300, 3)), random.uniform(0, 2, 300)
    y = X @ [1.0, -2, 0.5] + random.normal(size=300)
    preview = preview_of(X, y, w)
    solution = solution_of(preview)
    found = moments_of(X, y, w)
    chunk = Chunk(X, y, w)
    U, scaled, weights = whitening(preview.moments, solution).apply(chunk)
    assert weights is not None
    Z = np.column_stack([np.ones(300), np.asarray(U)])
    best = np.linalg.lstsq(Z * np.sqrt(weights)[:, None], scaled * np.sqrt(weights))[0]
    gradients = Z * (weights * (scaled - Z @ best))[:, None]
    assert np.abs(gradients.mean(axis=0)).max() < 1e-12
    assert found.gradient_noise == pytest.approx(np.square(gradients).sum(axis=1).mean())
    curvatures = [np.outer(z, z) * v for z, v in zip(Z, weights, strict=True)]
    fourth = np.mean([each @ each for each in curvatures], axis=0)
    assert found.mean_kurtosis == pytest.approx(np.trace(fourth) / 4)
    assert found.largest_kurtosis == pytest.approx(np.linalg.eigvalsh(fourth)[-1])


def test_the_kurtosis_of_a_rare_level_is_the_inverse_of_its_share() -> None:
    random = np.random.default_rng(3)
    rare = np.zeros(6000)
    rare[:6] = 1
    X = np.column_stack([random.normal(size=6000), random.permutation(rare)])
    found = moments_of(X, X[:, 0] + random.normal(size=6000))
    assert found.largest_kurtosis == pytest.approx(1000, rel=0.01)


def test_rows_beyond_float64_have_none() -> None:
    X = np.array([[1e107], [2e107], [-5e107], [1e107], [0.0]])
    y = np.array([1.0, 2.0, 3.0, 4.0, 2.0])
    preview = preview_of(X, y)
    solution = solution_of(preview)
    found = row_moments(preview.read(), whitening(preview.moments, solution), solution)
    assert found is not None, "whitened, they are like any others"
    far = [Chunk(X, y * 1e200)]
    assert row_moments(far, whitening(preview.moments, solution), solution) is None
