"""Design matrices in which a category with many levels takes one number a row."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats, Mask

WIDE = 128
"""Columns from which on a design matrix may be compact."""
MIN_INDICATORS = 32
"""Columns of a category from which on it is kept as codes there."""

MOST_PRODUCTS = 1 << 34
"""Products of columns by level up to which one absorbed factor is eliminated, and no second one.

Their sums take about a third of a minute. Beyond, two are eliminated jointly, which is an iteration
(`moment_sums/joint_elimination.py`): no leverage of a row follows from it.
"""

Codes = NDArray[np.int32]
"""The column of each row (n,) among the indicators of a category; −1 where all of them are 0."""


class Indicators(NamedTuple):
    """Consecutive columns of X, of which at most one is 1 in each row, and all others are 0."""

    first: int
    size: int

    @property
    def columns(self) -> slice:
        """Where they are in X."""
        return slice(self.first, self.first + self.size)


class AbsorbedFactor(NamedTuple):
    """A category that is estimated but not reported, such as the firm in `y ~ x | firm`.

    name        its column of the table
    num_levels  of the training rows
    first       its columns of X begin here
    size        so many they are: all levels but a reference level, if it has one
    """

    name: str
    num_levels: int
    first: int
    size: int

    @property
    def columns(self) -> slice:
        """Where they are in X."""
        return slice(self.first, self.first + self.size)


class Monomial(NamedTuple):
    """A column of X that is the product of other columns, some of them several times.

    column   its index
    factors  those of the other columns, in ascending order: 0, 0, 0 for the cube of column 0
    """

    column: int
    factors: tuple[int, ...]


class Layout(NamedTuple):
    """The columns of a design matrix: those of categories that are kept as codes, and all others.

    num_features  M
    categories    in the order of their columns
    absorbed      the absorbed factors: the first columns, each kept as codes
    monomials     the columns that are powers of others, in order; none is a category's
    """

    num_features: int
    categories: tuple[Indicators, ...] = ()
    absorbed: tuple[AbsorbedFactor, ...] = ()
    monomials: tuple[Monomial, ...] = ()

    @property
    def num_absorbed(self) -> int:
        """How many columns, the first ones, belong to absorbed factors."""
        return sum(factor.size for factor in self.absorbed)

    @property
    def eliminated(self) -> tuple[int, ...]:
        """The indices of the categories that least squares eliminates: one, or two jointly.

        It is that with the most columns, of those that are absorbed if there are any: the columns
        of the others are what may be collinear with them. Of two absorbed factors whose products
        by level would be more than MOST_PRODUCTS, it is both.
        """
        absorbed = {factor.first for factor in self.absorbed}
        candidates = [
            k
            for k, category in enumerate(self.categories)
            if not absorbed or category.first in absorbed
        ]
        by_size = sorted(candidates, key=lambda k: -self.categories[k].size)
        sizes = [self.categories[k].size for k in by_size]
        if absorbed and len(sizes) > 1 and sizes[0] * sizes[1] ** 2 > MOST_PRODUCTS:
            return tuple(sorted(by_size[:2]))
        return (by_size[0],)

    @property
    def eliminated_columns(self) -> NDArray[np.int64]:
        """The columns (L,) of X that belong to them, in ascending order; empty without any."""
        chosen = [self.categories[k] for k in self.eliminated] if self.categories else []
        columns = [np.arange(first, first + size, dtype=np.int64) for first, size in chosen]
        return np.concatenate([np.empty(0, np.int64), *columns])

    @property
    def is_dense(self) -> Mask:
        """Which columns (M,) are none of a category's."""
        is_dense = np.ones(self.num_features, np.bool_)
        for category in self.categories:
            is_dense[category.columns] = False
        return is_dense

    @property
    def dense_monomials(self) -> tuple[Monomial, ...]:
        """The monomials, with the indices that columns have among the dense ones."""
        places = (np.cumsum(self.is_dense) - 1).tolist()
        return tuple(
            Monomial(places[column], tuple(places[factor] for factor in factors))
            for column, factors in self.monomials
        )

    def merged(self, dense: Floats, indicators: Floats) -> Floats:
        """Return numbers (M,) of all columns, from those of the dense ones and the indicators."""
        result = np.empty(self.num_features)
        is_dense = self.is_dense
        result[is_dense], result[~is_dense] = dense, indicators
        return result

    @property
    def bytes_per_row(self) -> int:
        """The memory that a row of X takes."""
        num_indicators = sum(category.size for category in self.categories)
        return 8 * (self.num_features - num_indicators) + 4 * len(self.categories)


class CompactMatrix:
    """A design matrix X (n, M) without most of its zeros.

    dense   (n, K) the columns that are no indicators, in column-major order
    codes   of the categories of the layout
    """

    def __init__(self, layout: Layout, dense: Floats, codes: tuple[Codes, ...]) -> None:
        self.layout = layout
        self.dense = dense
        self.codes = codes

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of X, (n, M)."""
        return len(self.dense), self.layout.num_features

    def __len__(self) -> int:
        return len(self.dense)

    def __getitem__(self, rows: slice | NDArray[np.int64] | Mask) -> "CompactMatrix":
        codes = tuple(each[rows] for each in self.codes)
        return CompactMatrix(self.layout, self.dense[rows], codes)

    def products(self, theta: Floats) -> Iterator[Floats]:
        """Yield what the columns times θ (M,) contribute to X·θᵀ, in the order of the columns.

        That is a column each, and all indicators of a category as one, of which each row has one
        term at most.
        """
        dense = np.flatnonzero(self.layout.is_dense).tolist()
        terms = [(j, self.dense[:, k] * theta[j]) for k, j in enumerate(dense)]
        for category, codes in zip(self.layout.categories, self.codes, strict=True):
            # The last one is for the code −1.
            of_levels = np.append(theta[category.columns], 0.0)
            terms.append((category.first, of_levels[codes]))
        return (term for _, term in sorted(terms, key=lambda each: each[0]))

    def to_array(self) -> Floats:
        """Return X (n, M) with all its zeros, in column-major order."""
        X = np.zeros(self.shape, order="F")
        X[:, self.layout.is_dense] = self.dense
        for category, codes in zip(self.layout.categories, self.codes, strict=True):
            rows = np.flatnonzero(codes >= 0)
            X[rows, category.first + codes[rows]] = 1.0
        return X


DesignMatrix = Floats | CompactMatrix
"""X (n, M), as an array in column-major order or compact."""


def as_array(X: DesignMatrix) -> Floats:
    """Return X (n, M) as an array."""
    return X.to_array() if isinstance(X, CompactMatrix) else X


def with_zeros(X: DesignMatrix, rows: Mask) -> DesignMatrix:
    """Return X with zeros in some rows (n,), and no indicator of many levels there."""
    if isinstance(X, CompactMatrix):
        codes = tuple(np.where(rows, np.int32(-1), each) for each in X.codes)
        return CompactMatrix(X.layout, np.where(rows[:, None], 0.0, X.dense), codes)
    return np.where(rows[:, None], 0.0, X)
