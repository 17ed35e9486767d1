"""Coordinates in which the numeric columns of a compact design are well-conditioned.

Let R be the columns that are no eliminated levels, S their Schur complement with S⁻¹ = W·Wᵀ, and d
those of R that are no indicators of another category. Of V = W·O, where the columns of O are an
orthonormal basis of the rows d of W, S·V is 0 but for the rows d. So the coordinates q = Vᵀ(z − z̄),
for a row z of R and the means z̄ of its level, are orthonormal, and orthogonal to all indicators.
They take the place of the columns d: a design in q and the same indicators has the same fit, and is
as well-conditioned as the indicators alone. It takes no more sums than the first pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from linreg.arrays import Floats, Mask
from linreg.data.formula.compact_matrix import Indicators, Layout
from linreg.fit.exact.double_double.sum_numpy import two_sum


@dataclass(frozen=True)
class LevelCoordinates:
    """V, and what it makes of the means of the eliminated levels.

    There are as many coordinates as columns d, C with that of ones; 0 for a column that is dropped.

    is_dense   (K + 1,) which of [1 R] are the columns d
    of_rest    (2, K + 1, C) V in double-double, for columns divided by their powers of two
    of_levels  (2, L, C) R̄·V likewise
    """

    is_dense: Mask
    of_rest: Floats
    of_levels: Floats


@dataclass(frozen=True)
class Refinement:
    """A least squares solution in these coordinates and the indicators beside them.

    inverse_cholesky  (2, K + 1, K + 1) in double-double, of the coordinates and the indicators in
                      the order of the columns [1 R]; rows and columns of what is dropped are 0
    means             (2, L, K + 1) their means by level
    """

    coordinates: LevelCoordinates
    inverse_cholesky: Floats
    means: Floats


def level_coordinates(
    columns: Sequence[int], W: Floats, is_dense: Mask, means: Floats
) -> LevelCoordinates:
    """Return the coordinates of a solution with a category eliminated.

    columns   of [1 R] that are kept, p of them
    W         (2, p, p) with W·Wᵀ = S⁻¹, in double-double
    is_dense  (K + 1,) which of [1 R] are no indicators
    means     (2, L, K + 1) the means by level of [1 R], in double-double
    """
    kept = np.array(columns, np.int64)
    dense = is_dense[kept]
    basis = _orthonormal(W[0][dense]).T
    V = product(W, np.stack([basis, 0 * basis]))
    slots = (np.cumsum(is_dense) - 1)[kept[dense]]
    of_rest = np.zeros((2, len(is_dense), int(is_dense.sum())))
    of_rest[:, kept[:, None], slots] = V
    return LevelCoordinates(is_dense, of_rest, product(means, of_rest))


def coordinate_layout(layout: Layout) -> Layout:
    """Return the columns of a design in coordinates: one more than X has, for that of ones."""
    categories = tuple(Indicators(first + 1, size) for first, size in layout.categories)
    absorbed = tuple(factor._replace(first=factor.first + 1) for factor in layout.absorbed)
    return Layout(layout.num_features + 1, categories, absorbed)


def product(A: Floats, B: Floats, plus: Floats | float = 0.0) -> Floats:
    """Return A·B plus a matrix, all in double-double (2, …, …)."""
    from linreg.fit.exact.double_double import level_kernels

    total = np.zeros((2, A.shape[1], B.shape[2])) + plus
    level_kernels.add_products(np.ascontiguousarray(A), np.ascontiguousarray(B), total)
    return np.stack(two_sum(total[0], total[1]))


def _orthonormal(rows: Floats) -> Floats:
    """Return an orthonormal basis (k, p) of rows (k, p) of an upper triangle.

    By Gram and Schmidt from the last row on, twice, since rows may be nearly parallel. For a
    triangle it is the identity.
    """
    basis = np.zeros_like(rows)
    for i in reversed(range(len(rows))):
        row = rows[i] / np.abs(rows[i]).max()
        later = basis[i + 1 :]
        for _ in range(2):
            row = row - ((later * row).sum(axis=1)[:, None] * later).sum(axis=0)
        length = np.sqrt((row * row).sum())
        # A row of which rounding leaves nothing has no coordinate, and the solution no second pass.
        basis[i] = row / length if length else 0.0
    return basis
