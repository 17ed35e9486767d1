"""Least squares and ridge as the estimators of a cross-validation."""

from collections.abc import Sequence

import numpy as np

from linreg.errors import UserError
from linreg.fit.cross_validation.cross_validation import (
    Coefficients,
    CrossValidation,
    Estimator,
    cross_validate,
)
from linreg.fit.cross_validation.fold_moments import FoldMoments
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.moment_sums.any_moments import AnyMoments
from linreg.fit.exact.reference import LEAST_DIGITS
from linreg.fit.exact.solver import solve

OTHER_FOLDS = "the rows that the fold's model is fitted to"


def least_squares(
    names: Sequence[str], intercept: bool, l2: float, whole: LeastSquares
) -> Estimator:
    """Return least squares with a ridge penalty as an estimator; names are those of θ.

    whole  the solution of all rows: the columns that it drops may be dropped in a fold as well

    It raises UserError like `solve`; for a column that can be estimated from all rows but not from
    these, such as that of a level which they lack; and for fewer than LEAST_DIGITS digits.
    """

    def estimate(moments: AnyMoments) -> Coefficients:
        solution = solve(moments, names, intercept, l2, "drop")
        require_columns_of(whole, solution)
        if solution.digits < LEAST_DIGITS:
            raise UserError(
                OTHER_FOLDS, f"leave a coefficient less than {LEAST_DIGITS} correct digits"
            )
        return Coefficients(solution.theta, solution.b)

    return estimate


def require_columns_of(whole: LeastSquares, fold: LeastSquares) -> None:
    """Raise UserError for a column that all rows determine, and those of a fold's model do not."""
    lost = np.flatnonzero(whole.kept & ~fold.kept)
    if not len(lost):
        return
    column = ["b", *fold.names][int(lost[0])]
    others = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
    raise UserError(
        f"column {column}{others}",
        f"cannot be estimated from {OTHER_FOLDS}",
        found=_dependency(column, fold),
    )


def _dependency(column: str, fold: LeastSquares) -> str:
    """Return what a column that a fold's fit drops is, in the rows that it is fitted to."""
    if column == "b" and column not in fold.dropped:
        # The levels of a category that was eliminated come before the column of ones.
        return "no row of the reference level of a category"
    return f"{column} = {fold.dropped.get(column, '0')}"


def cross_validate_least_squares(moments: FoldMoments, whole: LeastSquares) -> CrossValidation:
    """Cross-validate the least squares solution of all rows, with its penalty."""
    estimator = least_squares(whole.names, whole.intercept, whole.l2, whole)
    return cross_validate(moments, estimator, whole.penalized_as or "least squares")
