"""Rows of a compact design matrix and a least squares solution: residuals, leverages."""

import numpy as np

from linreg.arrays import Floats, read_only
from linreg.data.formula.compact_matrix import Codes, CompactMatrix, Layout
from linreg.fit.exact.double_double.remainders import summed_columns, with_remainders
from linreg.fit.exact.double_double.sum_numpy import MAX_PRODUCTS
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.normal_equations.coordinates import LevelCoordinates, coordinate_layout


class LevelProjection:
    """What a solution whose largest category was eliminated says of rows.

    A row's coordinates q = Wᵀ(z − z̄) are those of its columns around their means in its level, and
    its leverage is ‖q‖² + 1/D (`EliminatedLevels`). Where two factors were eliminated, z̄ is the sum
    of the effects of its two levels, and the leverage is not known: NaN.
    """

    def __init__(self, solution: LeastSquares, layout: Layout) -> None:
        levels = solution.levels
        assert levels is not None
        eliminated = layout.eliminated
        others = [k for k in range(len(layout.categories)) if k not in eliminated]
        self._others, self._eliminated = others, eliminated
        categories = [layout.categories[k] for k in [*others, *eliminated]]
        self._sizes = np.array([category.size for category in categories])
        # Where the levels of each begin among all eliminated ones.
        sizes = [layout.categories[k].size for k in eliminated]
        self._first_levels = np.concatenate([[0], np.cumsum(sizes[:-1])]).astype(np.int32)

        row_of_column = np.zeros(layout.num_features, np.int64)
        row_of_column[levels.rest] = np.arange(1, len(levels.rest) + 1)
        # Remainders of powers are columns too, with the coefficients of the powers.
        self._monomials = layout.dense_monomials
        columns = np.flatnonzero(layout.is_dense)
        dense = columns[summed_columns(len(columns), self._monomials)[1:] - 1]
        self._rows_of_dense = np.concatenate([[0], row_of_column[dense]])
        firsts = [category.first for category in categories[: len(others)]]
        self._rows_of_categories = row_of_column[np.array(firsts, np.int64)]
        self._exponents = solution.exponents[np.concatenate([[0], dense + 1, [-1]])]

        # Indicators come as 1, all other columns divided by their powers of two.
        self._indicator_exponents = np.zeros(len(levels.rest) + 1, np.int64)
        for category in categories[: len(others)]:
            exponents = solution.exponents[1:][category.columns]
            self._indicator_exponents[row_of_column[category.columns]] = exponents
        self._W = np.ldexp(solution.inverse_cholesky, -self._indicator_exponents[:, None])
        self._kept = [solution.kept[1:][category.columns] for category in layout.categories]
        self._own_leverages = np.where(levels.is_joint, np.nan, levels.own_variances)
        self._projections = levels.projections

        both = np.stack([np.concatenate([[solution.b], solution.theta]), solution.remainders])
        of_y = solution.exponents[-1]
        of_dense = np.concatenate([[0], dense + 1])
        self._coefficients = np.ldexp(both[:, of_dense], solution.exponents[of_dense] - of_y)
        of_levels = [both[:, 1:][:, category.columns] for category in categories]
        self._of_levels = np.ldexp(np.concatenate(of_levels, axis=1), -of_y)

    def in_coordinates(self, X: CompactMatrix, coordinates: LevelCoordinates) -> CompactMatrix:
        """Return rows in coordinates, and in the indicators that the solution keeps."""
        of_rest = np.ldexp(coordinates.of_rest, -self._indicator_exponents[:, None])
        dense = self._products(X, of_rest, coordinates.of_levels)
        codes = tuple(
            np.where((each >= 0) & kept[each], each, np.int32(-1))
            for each, kept in zip(X.codes, self._kept, strict=True)
        )
        return CompactMatrix(coordinate_layout(X.layout), dense, codes)

    def coordinates(self, X: CompactMatrix) -> Floats:
        """Return q = Wᵀ(z − z̄) (n, K + 1) of each row, in column-major order."""
        return self._products(X, self._W, self._projections)

    def _products(self, X: CompactMatrix, W: Floats, of_levels: Floats) -> Floats:
        """Return Wᵀz less what belongs to the level of each row (n, p), in column-major order.

        W          (2, K + 1, p) in double-double, for indicators of 1
        of_levels  (2, L, p)
        """
        from linreg.fit.exact.double_double import level_kernels

        out = np.empty((len(X), W.shape[2]), order="F")
        level_kernels.coordinates(
            read_only(with_remainders(X.dense, self._monomials, MAX_PRODUCTS)),
            self._codes(X),
            self._exponents,
            self._rows_of_dense,
            self._rows_of_categories,
            W,
            of_levels,
            out,
        )
        return out

    def level_of_rows(self, X: CompactMatrix) -> Codes:
        """Return the level (n,) of each row, of one eliminated category; −1 for none."""
        (eliminated,) = self._eliminated
        return X.codes[eliminated]

    def _codes(self, X: CompactMatrix) -> Codes:
        """Return the codes (n, categories) of rows, of the eliminated categories in the end.

        Those are levels among all that were eliminated.
        """
        of_eliminated = [
            np.where(X.codes[k] >= 0, X.codes[k] + first, np.int32(-1))
            for k, first in zip(self._eliminated, self._first_levels, strict=True)
        ]
        return np.stack([*(X.codes[k] for k in self._others), *of_eliminated], axis=1)

    def residuals_and_leverages(self, X: CompactMatrix, y: Floats) -> tuple[Floats, Floats]:
        """Return y − ỹ, divided by the power of two of y, and the leverages, both (n,)."""
        from linreg.fit.exact.double_double import level_kernels

        out = np.empty((2, len(y)))
        level_kernels.residuals_and_leverages(
            read_only(with_remainders(X.dense, self._monomials, MAX_PRODUCTS)),
            self._codes(X),
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
