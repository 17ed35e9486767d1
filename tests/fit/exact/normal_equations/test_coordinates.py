"""Coordinates of rows: orthonormal, and orthogonal to the indicators of all categories."""

import numpy as np
import pytest

from linreg.data.formula.compact_matrix import CompactMatrix
from linreg.fit.exact.level_projection import LevelProjection
from linreg.fit.exact.normal_equations.coordinates import coordinate_layout
from tests.fit.exact.compact_rows import CompactRows, drawn, fit

LAYOUTS = [(12, 1), (1, 12, 1), (5, 1, 12, 1), (12, 1, 12, 1, 3)]


def in_coordinates(rows: CompactRows, distance: float) -> CompactMatrix:
    """The rows in the coordinates of their solution, with the numbers moved away from 0."""
    dense = np.asfortranarray(distance + np.ldexp(np.rint(np.ldexp(rows.X.dense, 8)), -8))
    far = rows.with_dense(dense)
    found = fit(far, passes=2)
    assert found.levels
    assert found.levels.refinement
    projection = LevelProjection(found, far.X.layout)
    return projection.in_coordinates(far.X, found.levels.refinement.coordinates)


@pytest.mark.slow
@pytest.mark.parametrize("sizes", LAYOUTS)
@pytest.mark.parametrize("weighted", [False, True])
def test_they_are_orthonormal_and_orthogonal_to_indicators(
    sizes: tuple[int, ...], weighted: bool
) -> None:
    """But for the errors of a first solution of few digits. Measured: 2e-5."""
    rows = drawn(300, *sizes, weighted=weighted)
    found = in_coordinates(rows, 2.0**43)
    w = np.ones(300) if rows.w is None else rows.w
    products = found.dense.T @ (found.dense * w[:, None])
    np.testing.assert_allclose(products, np.eye(found.dense.shape[1]), atol=1e-3)
    of_levels = found.to_array()[:, ~found.layout.is_dense].T @ (found.dense * w[:, None])
    assert np.abs(of_levels).max() < 1e-3
    assert found.layout == coordinate_layout(rows.X.layout)


def test_they_span_what_the_columns_span() -> None:
    rows = drawn(300, 5, 1, 12, 1)
    found = in_coordinates(rows, 2.0**43)
    X = np.column_stack([np.ones(300), rows.array])
    dense = np.flatnonzero(rows.X.layout.is_dense) + 1
    X[:, dense] = np.ldexp(np.rint(np.ldexp(rows.X.dense, 8)), -8)
    both = np.column_stack([X, found.to_array()])
    assert np.linalg.matrix_rank(X) == np.linalg.matrix_rank(both) == X.shape[1]
