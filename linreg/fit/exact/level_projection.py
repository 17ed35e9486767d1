"""Rows of a compact design matrix and a least squares solution: residuals, leverages."""

import numpy as np

from linreg.arrays import Floats, read_only
from linreg.data.formula.compact_matrix import CompactMatrix
from linreg.fit.exact.least_squares import LeastSquares


class LevelProjection:
    """What a solution whose largest category was eliminated says of rows.

    A row's coordinates q = Wᵀ(z − z̄) are those of its columns around their means in its level, and
    its leverage is ‖q‖² + 1/D (`EliminatedLevels`).
    """

    def __init__(self, solution: LeastSquares, X: CompactMatrix) -> None:
        levels = solution.levels
        assert levels is not None
        layout = X.layout
        eliminated = layout.categories.index(levels.category)
        others = [k for k in range(len(layout.categories)) if k != eliminated]
        self._order = [*others, eliminated]
        categories = [layout.categories[k] for k in self._order]
        self._sizes = np.array([category.size for category in categories])

        row_of_column = np.zeros(layout.num_features, np.int64)
        row_of_column[levels.rest] = np.arange(1, len(levels.rest) + 1)
        dense = np.flatnonzero(layout.is_dense)
        self._rows_of_dense = np.concatenate([[0], row_of_column[dense]])
        firsts = [category.first for category in categories[:-1]]
        self._rows_of_categories = row_of_column[np.array(firsts, np.int64)]
        self._exponents = solution.exponents[np.concatenate([[0], dense + 1, [-1]])]

        self._W = solution.inverse_cholesky.copy()
        for category in categories[:-1]:
            rows = row_of_column[category.columns]
            exponents = solution.exponents[1:][category.columns]
            self._W[:, rows] = np.ldexp(self._W[:, rows], -exponents[:, None])
        with np.errstate(divide="ignore"):
            self._own_leverages = np.where(levels.kept, 1 / levels.weights, 0.0)
        self._projections = levels.projections

        both = np.stack([np.concatenate([[solution.b], solution.theta]), solution.remainders])
        of_y = solution.exponents[-1]
        of_dense = np.concatenate([[0], dense + 1])
        self._coefficients = np.ldexp(both[:, of_dense], solution.exponents[of_dense] - of_y)
        of_levels = [both[:, 1:][:, category.columns] for category in categories]
        self._of_levels = np.ldexp(np.concatenate(of_levels, axis=1), -of_y)

    def residuals_and_leverages(self, X: CompactMatrix, y: Floats) -> tuple[Floats, Floats]:
        """Return y − ỹ, divided by the power of two of y, and the leverages, both (n,)."""
        from linreg.fit.exact.double_double import level_kernels

        out = np.empty((2, len(y)))
        level_kernels.residuals_and_leverages(
            read_only(np.asfortranarray(X.dense, np.float64)),
            np.stack([X.codes[k] for k in self._order], axis=1),
            read_only(np.ascontiguousarray(y, np.float64)),
            self._exponents,
            self._rows_of_dense,
            self._rows_of_categories,
            self._sizes,
            self._W,
            self._projections,
            self._own_leverages,
            self._coefficients,
            self._of_levels,
            out,
        )
        return out[0], out[1]
