"""The coefficients of a category that was eliminated, from those of the other columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats, Mask
from linreg.fit.exact.double_double.sum_numpy import two_sum
from linreg.fit.exact.moment_sums.elimination import Elimination
from linreg.fit.exact.normal_equations.coordinates import Refinement
from linreg.fit.exact.normal_equations.estimate import Estimate, ratio, times_transposed
from linreg.fit.exact.normal_equations.ldl import from_double_double, to_double_double


@dataclass(frozen=True)
class EliminatedLevels:
    """The levels of a category of which each row has one, in a least squares solution.

    With R the other columns, in units of their powers of two, and R̄ the means of their levels:
    A⁻¹ has the blocks S⁻¹ = W·Wᵀ for R, −R̄·S⁻¹, and D⁻¹ + R̄·S⁻¹·R̄ᵀ for the levels.

    means        (2, L, K + 1) R̄ = D⁻¹·B of the columns of [1 R] in double-double
    projections  (2, L, K + 1) R̄·W likewise
    beta         (2, L) their coefficients in double-double, in the unit of y
    variances    (L,) the diagonal of A⁻¹; 0 for a level without a weight, and less than it is for
                 those of two factors
    beta_errors, variance_errors  as in `Estimate`
    refinement   how a second pass over the rows has found them; None without
    """

    elimination: Elimination
    means: Floats
    projections: Floats
    beta: Floats
    variances: Floats
    beta_errors: Floats
    variance_errors: Floats
    refinement: Refinement | None = None

    @property
    def columns(self) -> NDArray[np.int64]:
        """The columns (L,) of X that they are, in ascending order."""
        return self.elimination.columns

    @property
    def is_joint(self) -> bool:
        """Whether they are those of two factors, of whose block in A⁻¹ nothing is known.

        Then there are neither standard errors of the levels nor leverages of rows.
        """
        return self.elimination.joint is not None

    @property
    def rest(self) -> NDArray[np.int64]:
        """The other columns (K,) of X."""
        return self.elimination.rest

    @property
    def weights(self) -> Floats:
        """D (L,): Σ w of the rows of each level, plus n·l2."""
        weights: Floats = self.elimination.weights[0]
        return weights

    @property
    def own_variances(self) -> Floats:
        """D⁻¹ (L,); 0 for a level without a weight."""
        return own_variances(self.elimination)

    @property
    def kept(self) -> Mask:
        """Which levels (L,) have a weight, and a coefficient that rows determine."""
        return self.elimination.kept

    def penalty(self, num_rows: int, l2: float) -> Decimal:
        """Return n·l2·Σ β² of the levels."""
        if not l2:
            return Decimal(0)
        squares = (from_double_double(beta) ** 2 for beta in self.beta.T.tolist())
        return num_rows * Decimal(l2) * sum(squares, Decimal(0))

    def inverse_cholesky_rows(
        self, W: Floats, coefficients: Sequence[int]
    ) -> tuple[Floats, Floats]:
        """Return rows V, and d, such that A⁻¹ of some of (b, θ) is V·Vᵀ + diag(d).

        W  (K + 1, K + 1) that of R
        """
        of_rest = {j: row for row, j in enumerate([0, *(self.rest + 1).tolist()])}
        rows, own = [], []
        for j in coefficients:
            level = int(np.searchsorted(self.columns, j - 1))
            rows.append(W[of_rest[j]] if j in of_rest else -self.projections[0, level])
            own.append(0.0 if j in of_rest else 1 / self.weights[level])
        return np.array(rows), np.array(own)

    def relative_errors(self, noise: float, rss_error: float) -> Floats:
        """Return bounds (L,) of the relative errors, as in `LeastSquares`.

        noise      the residual standard deviation, in the unit of y, or more
        rss_error  the relative error of rss
        """
        sizes = np.maximum(np.abs(self.beta[0]), noise * np.sqrt(self.variances))
        of_coefficients = ratio(self.beta_errors, sizes)
        largest = np.maximum(of_coefficients, (self.variance_errors + rss_error) / 2)
        return np.where(self.kept, largest, np.nan)


def eliminated_levels(
    elimination: Elimination, estimate: Estimate, error: float
) -> EliminatedLevels:
    """Return the levels, for the coefficients of the other columns.

    error  the largest error of an entry of S, as a part of the norms of its two columns
    """
    from linreg.fit.exact.double_double import level_kernels

    means, columns = elimination.means, estimate.columns
    num_levels, size = means.shape[1:]
    # Of [1 R y] those of R are subtracted from that of y.
    factors = np.zeros((2, size, 1))
    factors[0, -1] = 1.0
    factors[:, columns, 0] = -np.transpose([to_double_double(value) for value in estimate.beta])
    beta = np.zeros((2, num_levels, 1))
    level_kernels.add_products(means, factors, beta)
    beta = np.stack(two_sum(beta[0, :, 0], beta[1, :, 0]))

    of_columns = np.zeros((2, num_levels, len(columns)))
    level_kernels.add_products(np.ascontiguousarray(means[:, :, columns]), estimate.W, of_columns)
    projections = np.zeros((2, num_levels, size - 1))
    projections[:, :, columns] = np.stack(two_sum(of_columns[0], of_columns[1]))
    variances = own_variances(elimination) + np.square(projections[0]).sum(axis=1)
    terms, amplification = _amplified(elimination, estimate)
    return EliminatedLevels(
        elimination,
        np.ascontiguousarray(means[:, :, :-1]),
        projections,
        beta,
        variances,
        beta_errors=error * terms,
        variance_errors=ratio(error * np.square(amplification), variances),
    )


def own_variances(elimination: Elimination) -> Floats:
    """Return D⁻¹ (L,); 0 for a level without a weight."""
    weights = elimination.weights[0]
    with np.errstate(divide="ignore"):
        return np.where(weights > 0, 1 / weights, 0.0)


def _amplified(elimination: Elimination, estimate: Estimate) -> tuple[Floats, Floats]:
    """Return what multiplies the error of S in the coefficients of levels (L,), and in R̄·S⁻¹."""
    gram, columns = elimination.gram, estimate.columns
    from linreg.fit.exact.double_double import level_kernels

    means = elimination.means[0]
    own_terms, terms = np.abs(means[:, -1]), gram.norms[-1]
    for j, value in zip(columns, estimate.beta, strict=True):
        size = abs(float(value))
        own_terms += np.abs(means[:, j]) * size
        terms += gram.norms[j] * size
    # R̄·S⁻¹ amplifies the errors of S, which may cancel: R̄·(errors of β) would be far more.
    amplification = np.zeros(len(means))
    inverse = np.ascontiguousarray(times_transposed(estimate.W[0]))
    of_columns = np.ascontiguousarray(means[:, columns])
    level_kernels.add_absolute_products(of_columns, inverse, gram.norms[columns], amplification)
    return amplification * terms + own_terms, amplification
