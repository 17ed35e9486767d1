"""Robust standard errors of any solution, from one pass over the rows of the fit."""

from collections.abc import Sequence

from linreg.data.rows import Rows
from linreg.evaluation.robust import RobustStandardErrors
from linreg.fit.exact.least_squares import LeastSquares
from linreg.process.workers import ALONE, Workers


def robust_standard_errors(
    solution: LeastSquares, shards: Sequence[Rows], workers: Workers = ALONE
) -> RobustStandardErrors:
    """Read the rows of the fit, each process its own shards, which are added in their order."""
    if solution.levels:
        from linreg.evaluation.level_robust import LevelRobustStandardErrors

        return LevelRobustStandardErrors.of_shards(solution, shards, workers)
    return RobustStandardErrors.compute(solution, shards, workers)
