"""The quartiles of the residuals, and what the likelihood needs of the weights of rows."""

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import CompactMatrix, as_array
from linreg.data.rows import Chunk, Rows
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.normal_equations.ldl import PRECISION
from linreg.fit.exact.projection import Projection
from linreg.portable_math.exponentials import log
from linreg.process.workers import ALONE, Workers
from linreg.reductions.exact_sum import ExactSum
from linreg.reductions.quantiles import Quantiles

QUARTILES = [Fraction(each, 4) for each in range(5)]


class ResidualQuantiles(NamedTuple):
    """Minimum, quartiles and maximum of √w·(y − ỹ), of the rows with a weight above 0.

    With frequency weights they are those of y − ỹ, each as often as its weight says.
    """

    min: float
    q1: float
    median: float
    q3: float
    max: float


class RowSummary(NamedTuple):
    """What the rows of a fit say that their moments do not.

    residuals    None where they are no more than rounding, beyond float64, or without degrees of
                 freedom in spite of a penalty
    log_weights  Σ log w over the rows with a weight above 0; 0 without weights, with frequencies,
                 and where the residuals are not needed to say what they are; None for sampling
                 weights, with which there is no likelihood
    """

    residuals: ResidualQuantiles | None
    log_weights: Decimal | None


def summarize_rows(
    solution: LeastSquares, shards: Sequence[Rows], workers: Workers = ALONE
) -> RowSummary:
    """Read the rows of the fit, each process its own shards.

    Two passes, or one up to MOST_COLLECTED rows. Neither the processes nor the lengths of chunks
    change a bit: order statistics and the sum of the logarithms are exact.
    """
    if solution.rss == 0:
        # A perfect fit, whose residuals are rounding errors.
        return RowSummary(ResidualQuantiles(0.0, 0.0, 0.0, 0.0, 0.0), Decimal(0))
    if solution.rss is None or solution.df == 0:
        return RowSummary(None, Decimal(0))
    own = [shards[index] for index in workers.own_range(len(shards))]
    num_rows = sum(rows.num_rows for rows in shards)
    kind = shards[0].weights_kind
    quantiles, logarithms = Quantiles(QUARTILES), ExactSum()
    is_first_pass = has_more = True
    while has_more:
        for rows in own:
            for chunk in rows:
                residuals = residuals_of(solution, chunk, num_rows)
                w = None if chunk.w is None else chunk.w[chunk.w > 0]
                if w is None or kind == "frequency":
                    quantiles.update(residuals, w)
                    continue
                quantiles.update(np.sqrt(w) * residuals)
                if is_first_pass:
                    logarithms.add(log(w))
        has_more = quantiles.merge(workers)
        is_first_pass = False
    quartiles = ResidualQuantiles(*quantiles.values)
    found = quartiles if all(map(math.isfinite, quartiles)) else None
    if kind == "sampling":
        return RowSummary(found, None)
    total = ExactSum(sum(workers.gather(logarithms.total))).value
    return RowSummary(found, PRECISION.divide(Decimal(total.numerator), total.denominator))


def residuals_of(solution: LeastSquares, chunk: Chunk, num_rows: int) -> Floats:
    """Return y − ỹ of the rows of a chunk with a weight above 0, in double-double first.

    num_rows  in all; it affects speed only
    """
    if isinstance(chunk.X, CompactMatrix) and solution.levels:
        from linreg.fit.exact.level_projection import LevelProjection

        projection = LevelProjection(solution, chunk.X.layout)
        scaled, _ = projection.residuals_and_leverages(chunk.X, chunk.y)
    else:
        scaled = Projection(solution, num_rows).residuals(as_array(chunk.X), chunk.y)
    with np.errstate(over="ignore"):
        residuals: Floats = np.ldexp(scaled, solution.exponents[-1])
    return residuals if chunk.w is None else residuals[chunk.w > 0]
