"""Two factors of very many levels each, eliminated together.

The block M = [D₁ C; Cᵀ D₂] of their indicators in the Gram matrix is sparse, and so is never
factorized: M·X = B is solved by conjugate gradients in float64 and repeated corrections, whose
residuals are those of numbers in double-double (iterative refinement: N. Higham, Accuracy and
Stability of Numerical Algorithms, 2002, chapter 12). What the last correction leaves is certified
in the norm that counts, that of the moments.

The levels of both factors are the nodes of a graph in which a row links its two levels. In each
connected component the effects of one factor may be larger by a constant, and those of the other
smaller: M is singular, and so many coefficients are not determined (J. Abowd, R. Creecy and F.
Kramarz, LEHD Technical Paper 2002-06). The effect of one level of each is 0: in X that is the
reference level of a factor, which has no column, elsewhere the first level of the second factor.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats, Mask, read_only
from linreg.data.formula.compact_matrix import Codes
from linreg.errors import UserError
from linreg.fit.exact.double_double.sum_numpy import two_sum
from linreg.fit.exact.moment_sums.gram import MOMENT_ERROR
from linreg.fit.exact.moment_sums.paired_levels import Links

REDUCTION = 1e-10
"""The residual of a correction, as a part of what is to be corrected."""
MAX_STEPS = 20_000
"""Of conjugate gradients, in a correction."""
MAX_CORRECTIONS = 40
LARGEST_ERROR = 2.0**-60
"""Of the products of the columns of [1 R y] with the effects, as a part of their norms."""


@dataclass(frozen=True)
class JointLevels:
    """The indicators of two factors: L₁ columns of the first, L₂ of the second, L in all.

    weights  (2, L) D₁ and D₂ in double-double, Σ w of the rows of each level
    links    the pairs of levels that have rows; −1 is a reference level, which has no column
    sizes    L₁ and L₂
    """

    weights: Floats
    links: Links
    sizes: tuple[int, int]

    @cached_property
    def kept(self) -> Mask:
        """Which levels (L,) have a weight, and an effect that is not 0 by convention."""
        kept: Mask = self.weights[0] > 0
        kept[self._references[self._references >= 0]] = False
        return kept

    def effects(self, B: Floats, norms: Floats) -> tuple[Floats, float]:
        """Return X with M·X = B, both (2, L, k) in double-double, and a bound of its error.

        norms  (k,) those of the columns that B is the product of indicators with

        The bound is that of Bᵀ·X, as a part of the norms of its two columns. Raises UserError if it
        is more than LARGEST_ERROR.
        """
        X, largest = np.zeros_like(B), 0.0
        for column, norm in enumerate(norms.tolist()):
            if norm:
                X[:, :, column], error = self._solve(np.ascontiguousarray(B[:, :, column]), norm)
                largest = max(largest, error)
        if largest > LARGEST_ERROR:
            raise UserError(
                "the training rows",
                "link the levels of two absorbed factors too weakly for their effects to be found",
                found=f"an error of {largest:.1e} after {MAX_CORRECTIONS} corrections",
                todo="leave out the levels with hardly any rows (model.pool), or absorb one factor",
            )
        return self._with_references(X), largest

    def times(self, x: Floats) -> Floats:
        """Return M·x (L,)."""
        from linreg.fit.exact.double_double.link_kernels import subtract_product

        product = np.zeros((2, len(x)))
        subtract_product(*self._matrix, self.weights, np.stack([-x, 0 * x]), product)
        return np.asarray(product[0] + product[1])

    def _solve(self, b: Floats, norm: float) -> tuple[Floats, float]:
        """Return x (2, L), and the error of products with it."""
        from linreg.fit.exact.double_double.link_kernels import correction, subtract_product

        starts, seconds, pairs = self._matrix
        diagonal = read_only(np.ascontiguousarray(self.weights[0]))
        high = read_only(np.ascontiguousarray(pairs[0]))
        x, d = np.zeros_like(b), np.empty(b.shape[1])
        before, error = norm, np.inf
        for _ in range(MAX_CORRECTIONS):
            r = b.copy()
            subtract_product(starts, seconds, pairs, self.weights, x, r)
            residual = read_only(r[0].copy())
            correction(starts, seconds, high, diagonal, residual, REDUCTION, MAX_STEPS, d)
            # √(dᵀMd), the length of what the correction changes in the rows.
            length = float(np.sqrt(max((d * r[0]).sum(), 0.0)))
            # What is left is at most the part of it that a correction leaves of the one before.
            left = length * min(length / before, 1.0)
            if left / norm >= error:
                break
            error, before = left / norm, length
            s, low = two_sum(x[0], d)
            x = np.stack(two_sum(s, low + x[1]))
            if error <= MOMENT_ERROR:
                break
        return x, error

    def _with_references(self, X: Floats) -> Floats:
        """Return effects of which one is 0 in each connected component."""
        has_reference = self._references >= 0
        shift = np.where(has_reference[:, None], X[:, self._references], 0.0)
        sign = np.where(np.arange(X.shape[1]) < self.sizes[0], 1.0, -1.0)[:, None]
        high, low = two_sum(X[0], sign * shift[0])
        return np.stack(two_sum(high, low + (X[1] + sign * shift[1])))

    @cached_property
    def _matrix(self) -> tuple[NDArray[np.int64], Codes, Floats]:
        """C by levels of the first factor: see `link_kernels`."""
        first, second, weights = self.links
        inside = (first >= 0) & (second >= 0) & (weights[0] > 0)
        starts = np.searchsorted(first[inside], np.arange(self.sizes[0] + 1))
        return (
            read_only(starts.astype(np.int64)),
            read_only(second[inside]),
            read_only(np.ascontiguousarray(weights[:, inside])),
        )

    @cached_property
    def _references(self) -> NDArray[np.int64]:
        """The level (L,) whose effect is 0 in the component of each; −1 if it has no column."""
        from linreg.fit.exact.double_double.link_kernels import unite

        first, second, weights = self.links
        has_weight = weights[0] > 0
        # Node 0 is what has no column, of either factor.
        first_nodes, second_nodes = (
            read_only(np.where(codes >= 0, codes + offset, 0).astype(np.int32)[has_weight])
            for codes, offset in ((first, 1), (second, 1 + self.sizes[0]))
        )
        roots = np.arange(1 + sum(self.sizes), dtype=np.int32)
        unite(first_nodes, second_nodes, roots)
        of_second = np.arange(1 + self.sizes[0], len(roots))
        smallest = np.full(len(roots), len(roots))
        np.minimum.at(smallest, roots[of_second], of_second)
        # A level without rows has no other of its component.
        smallest[(smallest == len(roots)) | (np.arange(len(roots)) == 0)] = 0
        return smallest[roots[1:]] - 1
