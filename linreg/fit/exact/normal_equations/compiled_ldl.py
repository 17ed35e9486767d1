"""LDLᵀ factorization of a Gram matrix of many columns: in compiled code, at 32 digits.

See `ldl`, of which this is the same. The moments have no more than 32 digits either.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

import numpy as np

from linreg.arrays import Floats
from linreg.fit.exact.double_double import ldl_kernels
from linreg.fit.exact.moment_sums.gram import MOMENT_ERROR
from linreg.fit.exact.normal_equations.ldl import (
    PRECISION,
    ColumnRounding,
    LinearDependency,
    Vector,
    explained_by_rounding,
    from_double_double,
    to_double_double,
)


@dataclass(frozen=True)
class CompiledLDL:
    """S = L·D·Lᵀ of a Gram matrix, without the columns that depend on others: see `Factors`.

    lower    (2, p, p) L in double-double, high and low, with D in place of its diagonal
    inverse  (2, p, p) L⁻¹ likewise
    """

    kept: list[int]
    dependencies: list[LinearDependency]
    error: float
    lower: Floats
    inverse: Floats

    def solve(self, right: Sequence[Decimal]) -> tuple[Vector, Decimal]:
        """Return β with S·β = s, and sᵀ·S⁻¹·s, for s given by its entries in the kept columns."""
        p = len(self.kept)
        s = np.array([to_double_double(value) for value in right]).reshape(p, 2)
        beta, products = s.copy(), s.copy()
        ldl_kernels.substitute(self.lower, products, beta)
        with localcontext(PRECISION):
            form = Decimal(0)
            for i, product in enumerate(products.tolist()):
                of_s = from_double_double(product)
                form += of_s * of_s / from_double_double(self.lower[:, i, i].tolist())
            return [from_double_double(parts) for parts in beta.tolist()], form

    def inverse_cholesky(self) -> Floats:
        """Return W = (L⁻¹)ᵀ·D^(−1/2), so that W·Wᵀ = S⁻¹, as in `Factors`."""
        W = np.empty_like(self.inverse)
        for j in range(len(self.kept)):
            with localcontext(PRECISION):
                pivot = from_double_double(self.lower[:, j, j].tolist())
                scale = np.array(to_double_double(1 / pivot.sqrt()))
            W[0, :, j], W[1, :, j] = ldl_kernels.scaled(self.inverse[:, j], scale)
        return W

    def combination(self, products: Sequence[Decimal], square: Decimal) -> tuple[Vector, Decimal]:
        """Return −β and ‖r‖² of another column on those kept."""
        beta, form = self.solve([products[i] for i in self.kept])
        with localcontext(PRECISION):
            return [-value for value in beta], square - form

    def rounding(
        self, column: ColumnRounding, inverse: Vector, roundings: Sequence[ColumnRounding]
    ) -> float:
        """Return the ‖r‖² that rounding explains, of a column with its entries of −β."""
        return explained_by_rounding(column, inverse, [roundings[k] for k in self.kept], self.error)


def factorize_compiled(
    gram: Floats,
    penalties: Sequence[Decimal],
    roundings: Sequence[ColumnRounding],
    error: float = MOMENT_ERROR,
) -> CompiledLDL:
    """Factorize a Gram matrix (2, k, k) in double-double, high and low, plus a diagonal (k,).

    error  the largest error of an entry, as a part of the norms of its two columns
    """
    k = len(penalties)
    S = gram.copy()
    with localcontext(PRECISION):
        for j, penalty in enumerate(penalties):
            if penalty:
                entry = from_double_double(S[:, j, j].tolist())
                S[:, j, j] = to_double_double(entry + penalty)
    # Errors of 2^-104 in each of k steps, of random signs.
    error *= math.sqrt(k)
    lower, inverse, is_kept = ldl_kernels.factorize_lower(S, np.array(roundings), error)
    kept = np.flatnonzero(is_kept).tolist()
    dependencies = []
    for j in np.flatnonzero(~is_kept).tolist():
        before = [i for i in kept if i < j]
        values = map(from_double_double, inverse[:, j, before].T.tolist())
        coefficients = {i: -value for i, value in zip(before, values, strict=True)}
        dependencies.append(LinearDependency(j, coefficients))
    both = np.ix_([0, 1], kept, kept)
    return CompiledLDL(kept, dependencies, error, lower[both], inverse[both])
