"""The largest category eliminated from a Gram matrix, in which its own block is diagonal.

With E its indicators, R the other columns, and D = Eᵀ diag(w) E (+ n·l2), what is left is the Schur
complement Rᵀ diag(w) R − Bᵀ·D⁻¹·B, with B = Eᵀ diag(w) R. That is small, and least squares with it
gives the coefficients of R that it gives with all columns (R. Frisch and F. Waugh, Econometrica 1,
1933; M. Lovell, JASA 58, 1963). Of two absorbed factors with very many levels each, E has the
indicators of both, and D is the sparse matrix of `joint_elimination`.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats, Mask
from linreg.fit.exact.double_double.sum_numpy import two_sum
from linreg.fit.exact.moment_sums.gram import MOMENT_ERROR, Gram
from linreg.fit.exact.moment_sums.joint_elimination import JointLevels
from linreg.fit.exact.moment_sums.level_moments import LevelMoments


@dataclass(frozen=True)
class Elimination:
    """A Gram matrix of [1 R y] without what the eliminated indicators explain.

    columns   (L,) the eliminated columns of X
    rest      (K,) the other columns of X
    gram      of [1 R y], the Schur complement
    weights   (2, L) the diagonal of D in double-double: Σ w of the rows of each level, plus n·l2
    means     (2, L, K + 2) D⁻¹·B in double-double, for the columns of [1 R y] divided by their
              powers of two: without a penalty their means by level, or their effects of the levels
              of two factors; 0 for a level without weight
    joint     two factors that were eliminated together; None for one
    """

    columns: NDArray[np.int64]
    rest: NDArray[np.int64]
    gram: Gram
    weights: Floats
    means: Floats
    joint: JointLevels | None = None

    @property
    def kept(self) -> Mask:
        """Which of the columns (L,) have a coefficient that rows determine."""
        has_weight: Mask = self.weights[0] > 0
        return self.joint.kept if self.joint else has_weight

    def products(self, coefficients: Floats) -> Floats:
        """Return D times coefficients (L,)."""
        if self.joint:
            return self.joint.times(coefficients)
        return np.asarray(self.weights[0] * coefficients)


def eliminate(moments: LevelMoments, l2: float) -> Elimination:
    """Eliminate the categories that the layout says; there is no penalty on two absorbed ones."""
    from linreg.fit.exact.double_double import level_kernels

    columns = moments.layout.eliminated_columns
    rest = np.delete(np.arange(moments.num_features), columns)

    S, exponents, cells = moments.products_of(rest)
    norms = np.sqrt(np.diagonal(S[0]))
    B, weights = moments.products_with_levels(rest, exponents)
    if l2:
        weights = _plus(weights, moments.num_rows * Fraction(l2))
    joint, error = moments.joint_levels(weights), 0.0
    if joint:
        means, error = joint.effects(B, norms)
    else:
        means = level_kernels.divide_rows(B, weights)
    level_kernels.subtract_products(S, B, means)
    # The products of sums by level have the errors of both of them, and of their own rounding.
    error += 4 * MOMENT_ERROR
    gram = Gram.from_lower(moments.num_rows, exponents, S, cells, norms, error)
    return Elimination(columns, rest, gram, weights, means, joint)


def _plus(values: Floats, number: Fraction) -> Floats:
    """Return values (2, n) in double-double plus a number."""
    rounded = float(number)
    high, low = two_sum(values[0], np.full(values.shape[1], rounded))
    return np.stack(two_sum(high, low + (values[1] + float(number - Fraction(rounded)))))
