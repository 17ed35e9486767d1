"""The quartiles of the residuals, and what the likelihood needs of the weights of rows."""

import math
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import CompactMatrix, as_array
from linreg.data.formula.portable_math import log
from linreg.data.rows import Chunk, Rows
from linreg.evaluation.goodness_of_fit.order_statistics import Counted, quantiles
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.normal_equations.ldl import PRECISION
from linreg.fit.exact.projection import Projection
from linreg.process.workers import ALONE, Workers

HIGH_UNIT, LOW_UNIT = 32, 72
"""A logarithm is summed as an integer in units of 2^-32, and its remainder in units of 2^-72."""


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
    change a bit: order statistics are exact, and logarithms are summed as integers.
    """
    if solution.rss == 0:
        # A perfect fit, whose residuals are rounding errors.
        return RowSummary(ResidualQuantiles(0.0, 0.0, 0.0, 0.0, 0.0), Decimal(0))
    if solution.rss is None or solution.df == 0:
        return RowSummary(None, Decimal(0))
    own = [shards[index] for index in workers.own_range(len(shards))]
    num_rows = sum(rows.num_rows for rows in shards)
    kind = shards[0].weights_kind
    logarithms: list[int] = []

    def residuals() -> Iterator[Counted]:
        is_first_pass, total = not logarithms, 0
        for rows in own:
            for chunk in rows:
                counts = None if chunk.w is None else chunk.w[chunk.w > 0]
                if kind == "frequency":
                    yield Counted(residuals_of(solution, chunk, num_rows), counts)
                    continue
                if is_first_pass and counts is not None:
                    total += sum_of_logarithms(counts)
                scaled = residuals_of(solution, chunk, num_rows)
                yield Counted(scaled if counts is None else np.sqrt(counts) * scaled)
        logarithms.append(total)

    num_weighted = solution.df + solution.rank
    quartiles = quantiles([(each, 4) for each in range(5)], num_weighted, residuals, workers)
    found = ResidualQuantiles(*quartiles) if all(map(math.isfinite, quartiles)) else None
    if kind == "sampling":
        return RowSummary(found, None)
    total = Decimal(sum(workers.concatenate([logarithms[0]])))
    return RowSummary(found, PRECISION.divide(total, Decimal(2**LOW_UNIT)))


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


def sum_of_logarithms(weights: Floats) -> int:
    """Return Σ log w of weights (n,) above 0, n below 2^21, in units of 2^-LOW_UNIT.

    As a sum of integers it is the same in any order.
    """
    logarithms = log(weights)
    high = np.rint(np.ldexp(logarithms, HIGH_UNIT))
    low = np.rint(np.ldexp(logarithms - np.ldexp(high, -HIGH_UNIT), LOW_UNIT))
    return (int(high.astype(np.int64).sum()) << LOW_UNIT - HIGH_UNIT) + int(
        low.astype(np.int64).sum()
    )
