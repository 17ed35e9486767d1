"""The largest category eliminated from a Gram matrix, in which its own block is diagonal.

With E its indicators, R the other columns, and D = Eᵀ diag(w) E (+ n·l2), what is left is the Schur
complement Rᵀ diag(w) R − Bᵀ·D⁻¹·B, with B = Eᵀ diag(w) R. That is small, and least squares with it
gives the coefficients of R that it gives with all columns (R. Frisch and F. Waugh, Econometrica 1,
1933; M. Lovell, JASA 58, 1963).
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import Indicators
from linreg.fit.exact.double_double.sum_numpy import two_sum
from linreg.fit.exact.moment_sums.gram import MOMENT_ERROR, Gram
from linreg.fit.exact.moment_sums.level_moments import LevelMoments


@dataclass(frozen=True)
class Elimination:
    """A Gram matrix of [1 R y] without what the eliminated indicators explain.

    category  the eliminated columns of X, L of them
    rest      (K,) the other columns of X
    gram      of [1 R y], the Schur complement
    weights   (2, L) the diagonal of D in double-double: Σ w of the rows of each level, plus n·l2
    means     (2, L, K + 2) D⁻¹·B in double-double: without a penalty, the means by level of the
              columns of [1 R y] divided by their powers of two; 0 for a level without weight
    """

    category: Indicators
    rest: NDArray[np.int64]
    gram: Gram
    weights: Floats
    means: Floats


def eliminate(moments: LevelMoments, l2: float) -> Elimination:
    """Eliminate the category with the most columns, an absorbed one if there are any."""
    from linreg.fit.exact.double_double import level_kernels

    index = moments.layout.eliminated
    category = moments.layout.categories[index]
    is_eliminated = np.zeros(moments.num_features, np.bool_)
    is_eliminated[category.columns] = True
    rest = np.flatnonzero(~is_eliminated)

    S, exponents, cells = moments.products_of(rest)
    norms = np.sqrt(np.diagonal(S[0]))
    B, weights = moments.products_with_levels(index, rest, exponents)
    if l2:
        weights = _plus(weights, moments.num_rows * Fraction(l2))
    means = level_kernels.divide_rows(B, weights)
    level_kernels.subtract_products(S, B, means)
    # The products of sums by level have the errors of both of them, and of their own rounding.
    gram = Gram.from_lower(moments.num_rows, exponents, S, cells, norms, 4 * MOMENT_ERROR)
    return Elimination(category, rest, gram, weights, means)


def _plus(values: Floats, number: Fraction) -> Floats:
    """Return values (2, n) in double-double plus a number."""
    rounded = float(number)
    high, low = two_sum(values[0], np.full(values.shape[1], rounded))
    return np.stack(two_sum(high, low + (values[1] + float(number - Fraction(rounded)))))
