"""An elastic net as the estimator of a cross-validation, and the choice of its l1."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from linreg.arrays import Floats
from linreg.errors import UserError
from linreg.fit.cross_validation.cross_validation import Coefficients, Estimator, spread_of
from linreg.fit.cross_validation.fold_moments import FoldMoments
from linreg.fit.cross_validation.held_out_error import squared_error
from linreg.fit.cross_validation.least_squares import require_columns_of
from linreg.fit.exact.elastic_net import solve_penalized
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.moment_sums.any_moments import AnyMoments
from linreg.fit.exact.moment_sums.rounding import nearest_float
from linreg.fit.exact.penalized.path import MOST_COLUMNS, path_factors, path_of
from linreg.fit.exact.penalized.penalty import Penalty
from linreg.params.train import L1Rule

AUTO = "train.l1: auto"


@dataclass(frozen=True)
class L1Choice:
    """The l1 that cross-validation has chosen, and the errors that it has compared.

    rule            min: that of the least error; 1se: the largest whose error is within one
                    standard error of the least (L. Breiman, J. Friedman, R. Olshen and C. Stone,
                    Classification and Regression Trees, 1984)
    l1              the one that was chosen by the rule
    least           that of the least error
    grid            (points,) all l1 that were tried, falling
    mse             (points,) the mean over folds of the mean squared error on the fold
    standard_error  (points,) of that mean
    """

    rule: L1Rule
    l1: float
    least: float
    grid: Floats
    mse: Floats
    standard_error: Floats

    def as_data(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "l1": self.grid.tolist(),
            "mse": self.mse.tolist(),
            "standard_error": self.standard_error.tolist(),
            "least": self.least,
            "rule": self.rule,
            "chosen": self.l1,
        }

    def in_words(self) -> str:
        """Return the l1 and the rule as text."""
        rules = {"1se": "by one standard error", "min": "of the least error"}
        return f"l1 = {self.l1:.6g} {rules[self.rule]}"


def choose_l1(
    moments: FoldMoments,
    names: Sequence[str],
    intercept: bool,
    penalty: Penalty,
    rule: L1Rule = "1se",
) -> L1Choice:
    """Return the l1 by a rule, with the l2 and the scale of `penalty`.

    All folds are tried with the l1 of the path of all rows, as by cv.glmnet. Raises UserError where
    there is nothing to choose, and for more than MOST_COLUMNS columns.
    """
    unit = Penalty(1.0, penalty.l2, penalty.scale)
    todo = "set train.l1 to a number"
    if len(names) > MOST_COLUMNS:
        what = f"is for at most {MOST_COLUMNS} columns"
        raise UserError(AUTO, what, found=f"{len(names):,}", todo=todo)
    grid = path_factors(moments.total.gram(), intercept, unit)
    if grid is None:
        raise UserError(AUTO, "has nothing to choose: no column explains the target", todo=todo)
    errors = np.empty((moments.folds.count, len(grid)))
    for fold in range(len(errors)):
        trained_on, held_out = moments.trained_on(fold), moments.held_out(fold)
        if not (trained_on.num_weighted and held_out.num_weighted):
            what = "needs weights above 0 in every fold"
            raise UserError(AUTO, what, found=f"none in or outside of fold {fold + 1}", todo=todo)
        path = path_of(trained_on.gram(), tuple(names), intercept, unit, grid)
        for k, (theta, b) in enumerate(zip(path.theta, path.b.tolist(), strict=True)):
            error = squared_error(held_out, theta, b)
            errors[fold, k] = max(nearest_float(error.rss / error.weight), 0.0)
    spreads = [spread_of(of_point.tolist()) for of_point in errors.T]
    if any(spread.standard_error is None for spread in spreads):
        raise UserError(AUTO, "has errors beyond float64", todo="change the units of the target")
    mse, _, standard_error = (np.array(each, np.float64) for each in zip(*spreads, strict=True))
    best = int(np.argmin(mse))
    chosen = best
    if rule == "1se":
        chosen = int(np.flatnonzero(mse <= mse[best] + standard_error[best])[0])
    return L1Choice(rule, float(grid[chosen]), float(grid[best]), grid, mse, standard_error)


def elastic_net(whole: LeastSquares) -> Estimator:
    """Return the elastic net of a solution of all rows as an estimator.

    It raises UserError like `solve_penalized`, and for a column that all rows determine and those
    of a fold's model do not.
    """
    penalty = Penalty(whole.l1, whole.l2, whole.penalty_scale)

    def estimate(moments: AnyMoments) -> Coefficients:
        fit = solve_penalized(moments, whole.names, whole.intercept, penalty, "drop")
        require_columns_of(whole, fit.solution)
        return Coefficients(fit.solution.theta, fit.solution.b)

    return estimate
