"""A least squares solution, and what inference needs of it."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats, Mask
from linreg.data.formula.compact_matrix import AbsorbedFactor, Monomial
from linreg.fit.exact.normal_equations.eliminated_levels import EliminatedLevels
from linreg.fit.exact.penalized.penalty import Penalty, PenaltyScale

PenalizedFitName = Literal["ridge", "lasso", "elastic net"]
NoErrors = Literal[PenalizedFitName, "no degrees of freedom", "rounding"]

FEW_DIGITS = 8
"""With fewer correct digits the rows are read a second time; if that does not help, people see it.
"""


@dataclass(frozen=True)
class LeastSquares:
    """The least squares solution, and what inference needs of it.

    Vectors over (b, θ) have M + 1 entries, with or without an intercept.

    theta             θ (M,) float64; 0 if dropped
    b                 the intercept, 0 without
    names             of θ (M,)
    intercept         whether there is one
    l2                the ridge penalty
    l1, penalty_scale the rest of an elastic net penalty (`penalized.penalty.Penalty`)
    num_rows          n, weight 0 included
    rank              of the design matrix: the number of coefficients that are not dropped, or with
                      l1 not 0
    df                residual degrees of freedom: rows with a weight above 0, or the sum of
                      frequency weights, less the rank
    rss               residual sum of squares Σ w(y − ỹ)²; 0 for a perfect fit, all of whose
                      residuals are explained by the rounding of cells; None where it is no more
                      than rounding and cannot be told
    rss_bound         what rss may be at most, where it is None
    tss               total sum of squares: Σ w(y − ȳ)² with intercept, Σ w y² without
    tss_around_mean   Σ w(y − ȳ)² if the columns span a constant, with an intercept or without; else
                      None
    sigma             √(rss / df), the residual standard deviation; None when df is 0 or rss None
    condition         condition number ‖S‖₁·‖S⁻¹‖₁ of the Gram matrix S scaled to a diagonal of 1;
                      None beyond float64
    dropped           by the name of each dropped column its linear dependency (`2·x1`)
    kept              (M + 1,) which of (b, θ) were estimated: False if dropped, or no intercept
    inverse_cholesky  (2, M + 1, M + 1) W with W·Wᵀ = A⁻¹ in double-double (high, low), for
                      A = Zᵀ diag(w) Z + n·l2 of the columns [1 X] divided by 2^exponents; rows and
                      columns of what was not kept are 0
    exponents         (M + 2,) int, of [1 X y]
    remainders        (M + 1,) what is lacking from (b, theta): solution − float64
    standard_errors   (M + 1,) of (b, θ); NaN where there is none (dropped, penalty, df 0, rss None)
    relative_errors   (M + 1,) bounds of the relative errors of coefficient and standard error, the
                      larger one; NaN where not kept
    levels            where X is compact, those of the category that was eliminated; rows and
                      columns of inverse_cholesky, and the condition, are then of the other columns
    absorbed          the factors whose columns, the first ones, are estimated but not reported
    tss_within        where factors are absorbed, the residual sum of squares of y on them alone;
                      else None
    monomials         the columns of X whose exact powers this is the solution of
    """

    theta: Floats
    b: float
    names: tuple[str, ...]
    intercept: bool
    l2: float
    num_rows: int
    rank: int
    df: int
    rss: Decimal | None
    rss_bound: Decimal
    tss: Decimal
    tss_around_mean: Decimal | None
    sigma: float | None
    condition: float | None
    dropped: Mapping[str, str]
    kept: Mask
    inverse_cholesky: Floats
    exponents: NDArray[np.int64]
    remainders: Floats
    standard_errors: Floats
    relative_errors: Floats
    levels: EliminatedLevels | None = None
    l1: float = 0.0
    penalty_scale: PenaltyScale = "units"
    absorbed: tuple[AbsorbedFactor, ...] = ()
    tss_within: Decimal | None = None
    monomials: tuple[Monomial, ...] = ()

    @property
    def is_penalized(self) -> bool:
        """Whether there is a penalty: its bias is in no standard error, so that there are none."""
        return self.penalized_as is not None

    @property
    def penalized_as(self) -> PenalizedFitName | None:
        """What a fit with its penalty is called; None without one."""
        if self.l1:
            return "elastic net" if self.l2 else "lasso"
        return "ridge" if self.l2 else None

    @property
    def no_errors(self) -> NoErrors | None:
        """Why there are no standard errors, and nothing else that rests on σ; None if there are.

        "rounding" where the residuals are no more than that.
        """
        if self.penalized_as:
            return self.penalized_as
        if self.df <= 0:
            return "no degrees of freedom"
        return "rounding" if self.rss is None else None

    @property
    def has_elastic_net(self) -> bool:
        """Whether the penalty is more than that of a ridge regression in the units of the data."""
        return not Penalty(self.l1, self.l2, self.penalty_scale).is_ridge_in_units

    @property
    def num_absorbed(self) -> int:
        """How many columns, the first ones, belong to absorbed factors."""
        return sum(factor.size for factor in self.absorbed)

    @property
    def has_constant(self) -> bool:
        """Whether there is an intercept, or absorbed factors, which span it."""
        return self.intercept or bool(self.absorbed)

    @property
    def reported(self) -> Mask:
        """Which of (b, θ) (M + 1,) were estimated and are reported."""
        reported = self.kept.copy()
        reported[1 : 1 + self.num_absorbed] = False
        return reported

    @property
    def reported_names(self) -> tuple[str, ...]:
        """The names of the columns that belong to no absorbed factor: the last ones."""
        return self.names[self.num_absorbed :]

    def num_parameters(self, nested: Collection[str], num_levels: Mapping[str, int]) -> int:
        """Return how many parameters clustered standard errors count, as fixest does.

        nested      the names of the absorbed factors whose levels each lie within one cluster
        num_levels  of all absorbed factors, by name; levels of weight 0 do not count

        Their levels are not counted: K = k + max(1, Σ L − (f − 1)) for k coefficients and f other
        absorbed factors of L levels each (the help page of `ssc` in R's package fixest; A. C.
        Cameron and D. Miller, J. Human Resources 50, 2015, section III.B).
        """
        if not nested:
            return self.rank
        others = [factor.name for factor in self.absorbed if factor.name not in nested]
        levels = sum(num_levels[name] for name in others) - max(0, len(others) - 1)
        return int(self.reported.sum()) + max(1, levels)

    @property
    def digits(self) -> int:
        """The number of correct digits that every coefficient and standard error has, up to 15."""
        largest = float(np.max(self.relative_errors[self.kept], initial=1e-15))
        return max(0, math.floor(-math.log10(largest))) if largest < 1 else 0

    @property
    def needs_second_pass(self) -> bool:
        """Whether a second pass over the rows would say more: digits, or if the fit is perfect."""
        if self.is_penalized or self.df == 0:
            return False
        return self.digits < FEW_DIGITS or self.rss is None

    def unscaled_covariance(self, coefficients: Sequence[int]) -> Floats:
        """Return the rows and columns of A⁻¹ of some of (b, θ); infinite if too large.

        Times σ² it is their covariance.
        """
        chosen = list(coefficients)
        if self.levels:
            W, own = self.levels.inverse_cholesky_rows(self.inverse_cholesky[0], chosen)
        else:
            W, own = self.inverse_cholesky[0][chosen], np.zeros(len(chosen))
        # Not a BLAS product, which rounds differently from CPU to CPU.
        scaled = np.array([(W * row).sum(axis=1) for row in W]) + np.diag(own)
        exponents = self.exponents[chosen]
        with np.errstate(over="ignore"):
            inverse: Floats = np.ldexp(scaled, -(exponents[:, None] + exponents))
        return inverse
