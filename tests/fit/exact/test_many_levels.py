"""Absorbed factors of very many levels, as they are: sizes that no dense matrix has room for."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.sparse.linalg import splu

from linreg.arrays import Floats
from linreg.data.formula.design import Design
from tests.fit.exact.absorbed import reference, shards_of

Learn = Callable[..., Design]
NUM_ROWS = 60_000


def firms_and_products(levels: int) -> pd.DataFrame:
    random = np.random.default_rng(6)
    firm = random.integers(0, levels, NUM_ROWS)
    # A firm has products that are neighbours, so that the levels are linked loosely.
    product = (firm + random.integers(0, 40, NUM_ROWS)) % levels
    x1, x2 = random.normal(size=NUM_ROWS) + firm % 7, random.normal(size=NUM_ROWS) + product % 5
    noise = random.normal(size=NUM_ROWS)
    y = 1.5 * x1 - 0.4 * x2 + np.sin(firm) + np.cos(product) + noise
    names = {"firm": [f"f{each}" for each in firm], "product": [f"p{each}" for each in product]}
    return pd.DataFrame({"y": y, "x1": x1, "x2": x2, **names})


def residuals_of_factors(columns: Floats, frame: pd.DataFrame) -> Floats:
    """What the levels leave of columns (n, k), by a sparse LU of their normal equations."""
    codes = [frame[name].astype("category").cat.codes.to_numpy() for name in ("firm", "product")]
    rows = np.arange(len(frame))
    first, second = (sparse.csc_array((np.ones(len(rows)), (rows, each))) for each in codes)
    # The second factor without its first level, which the others determine.
    E = sparse.hstack([first, second[:, 1:]]).tocsc()
    effects = splu((E.T @ E).tocsc()).solve(E.T @ columns)
    return np.asarray(columns - E @ effects)


@pytest.mark.slow
def test_two_factors_of_thousands_of_levels_have_the_fit_of_a_sparse_factorization(
    tmp_path: Path, learn: Learn
) -> None:
    frame = firms_and_products(3000)
    found = reference(shards_of(tmp_path, learn, "y ~ x1 + x2 | firm + product", frame)).solution
    assert found.levels is not None
    assert found.levels.is_joint
    left = residuals_of_factors(frame[["y", "x1", "x2"]].to_numpy(), frame)
    y, X = left[:, 0], left[:, 1:]
    theta, rss, _, _ = np.linalg.lstsq(X, y)
    df = NUM_ROWS - 2 - (3000 + 3000 - 1)
    assert found.df == df
    errors = np.sqrt(rss[0] / df * np.diagonal(np.linalg.inv(X.T @ X)))
    np.testing.assert_allclose(found.theta[-2:], theta, rtol=1e-9)
    np.testing.assert_allclose(found.standard_errors[-2:], errors, rtol=1e-9)


@pytest.mark.slow
def test_nothing_makes_a_matrix_of_all_levels(tmp_path: Path, learn: Learn) -> None:
    """It would have 13 GB for the 28,000 levels of one factor."""
    frame = firms_and_products(30_000)
    found = reference(shards_of(tmp_path, learn, "y ~ x1 + x2 | firm", frame))
    found.write(tmp_path, "error")
    assert found.penalty_path() is None
    gap = found.loss.convergence(found.solution.theta, found.solution.b)["gap"]
    assert gap == pytest.approx(0.0, abs=1e-15)
    files = sum(path.stat().st_size for path in tmp_path.glob("*.safetensors"))
    assert files < 10e6
