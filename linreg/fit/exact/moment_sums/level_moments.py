"""Moments of compact design matrices: sums by the levels of categories in place of columns."""

from itertools import combinations
from typing import Self, cast

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats, read_only
from linreg.data.formula.compact_matrix import CompactMatrix, DesignMatrix, Layout
from linreg.fit.exact.double_double.remainders import with_remainders
from linreg.fit.exact.double_double.sum_numpy import MAX_PRODUCTS, add_to_total, normalized
from linreg.fit.exact.moment_sums.gram import Gram, square_root_exponents
from linreg.fit.exact.moment_sums.joint_elimination import JointLevels
from linreg.fit.exact.moment_sums.moments import Moments
from linreg.fit.exact.moment_sums.pair_sums import combined
from linreg.fit.exact.moment_sums.paired_levels import PairedLevels

BOTH = np.array([0, 1])
"""The parts of numbers in double-double."""


class LevelMoments:
    """The Gram matrix of [1 X y] for X with categories that are kept as codes.

    layout  the columns of X
    dense   the moments of [1 X y] for the columns of X that are no indicators

    The products of an indicator with another column are sums over the rows of its level. They are
    kept to 2^-159 (`sum_kernels.add_to_total`), so that neither chunks nor the order of merging
    changes a bit of float64.
    """

    def __init__(
        self, layout: Layout, expected_rows: int = 0, roundoffs: Floats | None = None
    ) -> None:
        self.layout = layout
        if roundoffs is not None:
            roundoffs = roundoffs[np.append(layout.is_dense, True)]
        num_dense = int(layout.is_dense.sum())
        # Kernels, which levels need anyway, also for few rows.
        monomials = layout.dense_monomials
        self.dense = Moments.zero(num_dense, max(expected_rows, MAX_PRODUCTS), roundoffs, monomials)
        sizes = [category.size for category in layout.categories]
        # Σ w·[1 X y] by category and level, and Σ w by pair of categories and of their levels.
        self._of_levels = [np.zeros((size, len(self.dense.columns), 3)) for size in sizes]
        pairs = combinations(range(len(sizes)), 2)
        self._pairs = [pair for pair in pairs if pair != layout.eliminated]
        self._of_pairs = [np.zeros((sizes[a], sizes[b], 3)) for a, b in self._pairs]
        eliminated = [sizes[k] for k in layout.eliminated]
        self._joint = PairedLevels((eliminated[0], eliminated[1])) if eliminated[1:] else None

    @property
    def num_features(self) -> int:
        """The columns of X."""
        return self.layout.num_features

    @property
    def num_rows(self) -> int:
        """The rows added, weight 0 included."""
        return self.dense.num_rows

    @property
    def is_nonzero(self) -> NDArray[np.bool_]:
        """Which columns (M,) of X have a cell that is not 0, as `Moments`; each level has a row."""
        result = np.ones(self.num_features, np.bool_)
        result[self.layout.is_dense] = self.dense.is_nonzero
        return result

    @property
    def inexact_roundoffs(self) -> Floats:
        """The unit roundoffs of y and of the columns of X that are no indicators, as `Moments`."""
        return self.dense.inexact_roundoffs

    @property
    def num_weighted(self) -> int:
        """How many of them have a weight above 0."""
        return self.dense.num_weighted

    def count_frequencies(self) -> None:
        """Let weights be frequencies, of which a row of weight w stands for w rows."""
        self.dense.count_frequencies()

    def add(
        self,
        X: DesignMatrix,
        y: Floats,
        w: Floats | None = None,
        of_fold: "LevelMoments | None" = None,
    ) -> None:
        """Add rows: X (n, M), y (n,), weights w (n,) or None for weight 1; all finite.

        of_fold  as in `Moments.add`; here only sums of columns that are no indicators are shared

        Raises UserError for a negative weight.
        """
        X = cast("CompactMatrix", X)
        before = self.dense.exponents
        self.dense.add(X.dense, y, w, of_fold.dense if of_fold else None)
        self._rescale(before)
        self._add_to_levels(X, y, w)
        if of_fold:
            of_fold._add_to_levels(X, y, w)

    @property
    def rows_per_block(self) -> int:
        """The rows that are summed up by themselves, as `Moments`."""
        return self.dense.rows_per_block

    def _add_to_levels(self, X: CompactMatrix, y: Floats, w: Floats | None) -> None:
        from linreg.fit.exact.double_double import level_kernels

        factors = self.dense.factors
        weights = read_only(np.empty(0) if w is None else np.ascontiguousarray(w, np.float64))
        if w is None and factors[-1] != 1.0:
            weights = read_only(np.ones(len(y)))
        dense = read_only(with_remainders(X.dense, self.dense.layout.monomials, MAX_PRODUCTS))
        target = read_only(np.ascontiguousarray(y, np.float64))
        codes = [read_only(np.ascontiguousarray(each)) for each in X.codes]
        for of_category, sums in zip(codes, self._of_levels, strict=True):
            level_kernels.add_rows_to_levels(of_category, dense, target, weights, factors, sums)
        for (a, b), sums in zip(self._pairs, self._of_pairs, strict=True):
            level_kernels.add_rows_to_pairs(codes[a], codes[b], weights, factors[-1], sums)
        if self._joint:
            a, b = self.layout.eliminated
            self._joint.add(codes[a], codes[b], weights, factors[-1])

    def merged(self, other: "LevelMoments") -> "LevelMoments":
        """Return the moments of the rows of both."""
        dense = self.dense.merged(other.dense)
        result = LevelMoments(self.layout)
        result.dense = dense
        for each in (self, other):
            rescaled = each._copy()
            rescaled.dense = dense
            rescaled._rescale(each.dense.exponents)
            for total, added in zip(result._sums, rescaled._sums, strict=True):
                for values in np.moveaxis(added, -1, 0):
                    add_to_total(total.reshape(-1, 3), values.ravel())
            if result._joint and rescaled._joint:
                result._joint = result._joint.merged(rescaled._joint)
        return result

    def as_array(self) -> Floats:
        """Return everything as one float64 array, to be sent to other processes.

        Its length is fixed but where two factors are eliminated: then it depends on the rows.
        """
        parts = [normalized(sums.reshape(-1, 3)).ravel() for sums in self._sums]
        parts += [self._joint.as_array()] if self._joint else []
        return np.concatenate([self.dense.as_array(), *parts])

    @classmethod
    def from_array(cls, layout: Layout, values: Floats) -> Self:
        """Return the moments that `as_array` was called on; further rows start a new count."""
        result = cls(layout)
        if result._joint:
            result._joint, values = result._joint.split_off(values)
        num_of_levels = sum(sums.size for sums in result._sums)
        end = len(values) - num_of_levels
        of_dense = result.dense.layout
        result.dense = Moments.from_array(of_dense.num_features, values[:end], of_dense.monomials)
        for sums in result._sums:
            sums[:] = values[end : end + sums.size].reshape(sums.shape)
            end += sums.size
        return result

    def totals(self) -> Gram:
        """Return a Gram matrix that holds the products of 1 and y in its first and last rows."""
        return self.dense.gram()

    def gram(self) -> Gram:
        """Return the Gram matrix of all columns, with its zeros."""
        products, exponents, cells = self.products_of(np.arange(self.num_features))
        norms = np.sqrt(np.diagonal(products[0]))
        return Gram.from_lower(self.num_rows, exponents, products, cells, norms)

    def level_weights(self, category: int) -> Floats:
        """Return Σ w by level of a category, in double-double (2, levels)."""
        weights: Floats = np.ldexp(
            self._level_sums(category)[:, :, 0], self.dense.gram().exponents[0]
        )
        return weights

    def products_of(self, columns: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int64], Floats]:
        """Return the lower triangle of the Gram matrix of [1 X y], for whole categories of X.

        columns  (K,) those of X that are no indicators, and those of some categories, in order

        Returns it in double-double (2, K + 2, K + 2), for columns divided by 2^exponents (K + 2,),
        the exponents, and the norms of the rounding of the cells.
        """
        dense, of_dense = self.dense.gram(), self._dense_in(columns)
        exponents, cells = np.zeros(len(columns) + 2, np.int64), np.zeros(len(columns) + 2)
        exponents[of_dense], cells[of_dense] = dense.exponents, dense.cells
        products = np.zeros((2, len(columns) + 2, len(columns) + 2))
        products[np.ix_(BOTH, of_dense, of_dense)] = dense.double_doubles
        chosen = self._categories_in(columns)
        for k, of_category in chosen.items():
            weights = self.level_weights(k)
            exponents[of_category] = square_root_exponents(weights[0], weights[1])
            products[:, of_category, of_category] = np.ldexp(weights, -2 * exponents[of_category])
        for k, of_category in chosen.items():
            scales = exponents[of_category][:, None]
            block = np.ldexp(self._level_sums(k), -scales)
            products[np.ix_(BOTH, of_category, of_dense)] = block
            products[np.ix_(BOTH, of_dense, of_category)] = block.transpose(0, 2, 1)
            for m, of_other in chosen.items():
                if m < k:
                    pairs = np.ldexp(self._pair_sums(k, m), -scales - exponents[of_other])
                    products[np.ix_(BOTH, of_category, of_other)] = pairs
        return np.tril(products), exponents, cells

    def products_with_levels(
        self, columns: NDArray[np.int64], exponents: NDArray[np.int64]
    ) -> tuple[Floats, Floats]:
        """Return the products of the eliminated indicators with other columns, and their weights.

        columns, exponents  as in `products_of`

        Both are in double-double: (2, L, K + 2) and (2, L).
        """
        of_categories = []
        for category in self.layout.eliminated:
            products = np.zeros((2, self.layout.categories[category].size, len(columns) + 2))
            products[:, :, self._dense_in(columns)] = self._level_sums(category)
            for k, of_category in self._categories_in(columns).items():
                pairs = self._pair_sums(category, k)
                products[:, :, of_category] = np.ldexp(pairs, -exponents[of_category])
            of_categories.append(products)
        weights = [self.level_weights(category) for category in self.layout.eliminated]
        return np.concatenate(of_categories, axis=1), np.concatenate(weights, axis=1)

    def joint_levels(self, weights: Floats) -> JointLevels | None:
        """Return the two factors to be eliminated together, given `weights`; None for one."""
        exponent = int(self.dense.exponents[-1])
        joint = self._joint
        return JointLevels(weights, joint.links(exponent), joint.sizes) if joint else None

    def _dense_in(self, columns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where 1, the columns that are no indicators, and y are among [1 X y]."""
        dense = np.flatnonzero(self.layout.is_dense)
        return np.concatenate([[0], np.searchsorted(columns, dense) + 1, [len(columns) + 1]])

    def _categories_in(self, columns: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
        """Return where the columns of categories are among [1 X y], by the number of each."""
        chosen = {}
        for k, category in enumerate(self.layout.categories):
            first = int(np.searchsorted(columns, category.first))
            if first < len(columns) and columns[first] == category.first:
                chosen[k] = np.arange(first + 1, first + category.size + 1)
        return chosen

    def _level_sums(self, category: int) -> Floats:
        """Return Σ w·[1 X y] by level of a category, in double-double (2, levels, columns).

        [1 X y] has the columns of X that are no indicators, each divided by its power of two.
        """
        exponents = self.dense.exponents
        shift = exponents[:-1] + exponents[-1] - self.dense.gram().exponents
        sums = self._of_levels[category]
        if self.dense.layout.monomials:
            sums = combined(sums.transpose(1, 0, 2), self.dense.columns).transpose(1, 0, 2)
        return _double_doubles(sums, shift[:, None])

    def _pair_sums(self, a: int, b: int) -> Floats:
        """Return Σ w by the levels of two categories, in double-double."""
        if a > b:
            return self._pair_sums(b, a).transpose(0, 2, 1)
        sums = self._of_pairs[self._pairs.index((a, b))]
        return _double_doubles(sums, self.dense.exponents[-1])

    @property
    def _sums(self) -> list[Floats]:
        return [*self._of_levels, *self._of_pairs]

    def _copy(self) -> "LevelMoments":
        copy = LevelMoments(self.layout)
        copy._of_levels = [sums.copy() for sums in self._of_levels]
        copy._of_pairs = [sums.copy() for sums in self._of_pairs]
        copy._joint = self._joint
        return copy

    def _rescale(self, before: NDArray[np.int64]) -> None:
        """Scale the sums so far, which are in units of columns and weights divided by 2^before."""
        shift = before - self.dense.exponents
        if shift.any():
            for sums in self._of_levels:
                of_columns = shift[:-1][self.dense.columns] + shift[-1]
                np.ldexp(sums, of_columns[:, None], out=sums)
            for sums in self._of_pairs:
                np.ldexp(sums, shift[-1], out=sums)
            if self._joint:
                self._joint = self._joint.scaled(int(shift[-1]))


def _double_doubles(sums: Floats, exponents: NDArray[np.int64] | np.int64) -> Floats:
    """Return sums of three float64 (…, 3), times 2^exponents, in double-double (2, …)."""
    parts = np.ldexp(normalized(sums.reshape(-1, 3)).reshape(sums.shape), exponents)
    return np.ascontiguousarray(np.moveaxis(parts[..., :2], -1, 0))
