"""The normal equations of the columns whose coefficients are not 0, their signs being known.

Where θ is not 0, the elastic net penalty has the gradient 2·l2·θ + l1·sign(θ). So the minimum
solves linear equations, with n·l2 on the diagonal, and n·l1/2·sign(θ) less on the right-hand side.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from operator import mul

import numpy as np

from linreg.fit.exact.moment_sums.gram import FRACTION_BITS, Gram
from linreg.fit.exact.normal_equations.equations import NormalEquations
from linreg.fit.exact.normal_equations.ldl import PRECISION, Vector

_UNIT = 2**FRACTION_BITS


class PenalizedEquations(NormalEquations):
    """(Zᵀ diag(w) Z + P) β = Zᵀ diag(w) y − h, for Z = [1 X] or, without an intercept, X.

    penalties, shifts  P and h of the columns of X, scaled as those of `gram` are
    """

    def __init__(
        self, gram: Gram, intercept: bool, penalties: Sequence[Decimal], shifts: Sequence[Decimal]
    ) -> None:
        super().__init__(gram, gram, intercept, l2=0.0)
        self.penalties = [Decimal(0), *penalties]
        self._shifts = [Decimal(0), *shifts]

    def right_side(self, columns: list[int]) -> Vector:
        """Return Zᵀ diag(w) y − h for some columns of [1 X y]."""
        products = super().right_side(columns)
        return [each - self._shifts[j] for each, j in zip(products, columns, strict=True)]

    def residual_sum_of_squares(
        self, columns: list[int], beta: Vector, explained: Decimal
    ) -> Decimal:
        """Return Σ w(y − ỹ)², scaled.

        explained  sᵀ·β, for the right-hand side s = Zᵀ diag(w) y − h. With it
                   Σ w(y − ỹ)² = Σ w·y² − sᵀβ − 2hᵀβ − βᵀPβ.
        """
        rss = super().residual_sum_of_squares(columns, beta, explained)
        for j, coefficient in zip(columns, beta, strict=True):
            rss -= 2 * self._shifts[j] * coefficient
        return rss


def of_columns(gram: Gram, columns: Sequence[int]) -> Gram:
    """Return the Gram matrix of some columns of [1 X y], in ascending order."""
    chosen, size = np.array(columns), len(gram.exponents)
    i, j = (chosen[each] for each in np.triu_indices(len(chosen)))
    pairs = i * size - i * (i + 1) // 2 + j
    return replace(
        gram,
        exponents=gram.exponents[chosen],
        parts=gram.parts[pairs],
        cells=gram.cells[chosen],
        norms=gram.norms[chosen],
    )


def scores(gram: Gram, columns: Sequence[int], beta: Vector) -> Vector:
    """Return Xᵀ diag(w) r (M,), scaled, of the residuals r of coefficients of some columns."""
    rows, target = gram.rows, len(gram.exponents) - 1
    whole = [int(value * _UNIT) for value in beta]
    result = []
    for j in range(1, target):
        entries = [rows[max(j, k)][min(j, k)] for k in columns]
        score = rows[target][j] * _UNIT - sum(map(mul, entries, whole))
        result.append(PRECISION.divide(Decimal(score), Decimal(_UNIT * _UNIT)))
    return result
