"""Covariances for rows that depend on each other: within clusters, or in the order of time.

V = A⁻¹·B·A⁻¹ with B = Σ k(g, h)·s_g·s_hᵀ over clusters g, h with the scores s = Σ w·r·x:

clusters      k is 1 for g = h and else 0 (K.-Y. Liang and S. Zeger, Biometrika 73, 1986)
two columns   V by A, plus V by B, less V by A and B at once (A. C. Cameron, J. Gelbach and D.
              Miller, J. Business & Economic Statistics 29, 2011)
HAC           clusters are the rows of one time, k = 1 − |g − h|/(L + 1) for up to L times between
              (W. Newey and K. West, Econometrica 55, 1987; for several rows of one time, J.
              Driscoll and A. Kraay, Review of Economics and Statistics 80, 1998)

Small samples have V multiplied by G/(G − 1)·(n − 1)/(n − p), each of the three by its own number of
clusters G, as Stata and R's sandwich do. Where every row has a time of its own, that is n/(n − p).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from linreg.arrays import Floats
from linreg.data.rows import Rows
from linreg.errors import UserError
from linreg.evaluation.coefficient_covariance import CoefficientCovariance, Exponents
from linreg.evaluation.covariance.cluster_sums import ClusterSums, Scores
from linreg.evaluation.covariance.clusters import Clusterings
from linreg.evaluation.covariance.lagged_products import level_products, smooth
from linreg.evaluation.covariance.level_meat import Meat, covariance_of, times, variances_of
from linreg.evaluation.covariance.nesting import Nesting
from linreg.evaluation.covariance.robust import known_covariance, known_errors
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.moment_sums.memory import NEGLIGIBLE, available_bytes
from linreg.fit.exact.moment_sums.moments import FLOAT64_ROUNDOFF
from linreg.process.workers import ALONE, Workers

BYTES_PER_SUM = 100
"""Of a cluster and a coordinate: the sums, those gathered, their rounded values and their lags."""
CORRECTION = "G/(G − 1) · (n − 1)/(n − p)"


@dataclass(frozen=True)
class _Part:
    """One of the matrices that add up to V.

    factor   with its sign
    meat     in coordinates
    errors   (K + 1,) bounds of the errors of the diagonal of `meat.products`, and of `meat.weights`
    """

    factor: float
    meat: Meat
    errors: Floats


def clustered_covariance(
    solution: LeastSquares,
    shards: Sequence[Rows],
    clusterings: Clusterings,
    kind: str,
    workers: Workers = ALONE,
    *,
    lags: int | None = None,
    small_sample: bool = True,
) -> CoefficientCovariance:
    """Read the rows of the fit once more, each process its own shards.

    kind  as the result names it
    lags  L of HAC, in times that follow one another in the rows; None for clusters

    There is no covariance from a single cluster. Raises UserError if the sums of the clusters do
    not fit into memory.
    """
    num_rows = sum(rows.num_rows for rows in shards)
    scores = Scores(solution, shards[0].layout, num_rows)
    _require_memory(kind, clusterings.sizes, scores.num_coordinates)
    sums = [
        ClusterSums(size, scores.num_coordinates, scores.num_levels) for size in clusterings.sizes
    ]
    nesting = Nesting(solution, clusterings.sizes[: len(clusterings.columns)])
    for number in workers.own_range(len(shards)):
        rows = shards[number]
        for index, chunk in zip(rows.own, rows, strict=True):
            codes = clusterings.codes(rows, index)
            scores.add(*chunk, codes, to=sums)
            nesting.add(chunk.X, chunk.w, codes)
    for each in sums:
        each.gathered(workers)
    nesting.gathered(workers)
    names = [*clusterings.columns, ",".join(clusterings.columns)][: len(sums)]
    # Times are no clusters: what is nested within them is counted.
    num_parameters = solution.rank if lags is not None else nesting.num_parameters
    return _covariance(
        solution, dict(zip(names, sums, strict=True)), kind, lags, small_sample, num_parameters
    )


def _covariance(
    solution: LeastSquares,
    sums: dict[str, ClusterSums],
    kind: str,
    lags: int | None,
    small_sample: bool,
    num_parameters: int,
) -> CoefficientCovariance:
    num_clusters = {name: int((each.num_rows > 0).sum()) for name, each in sums.items()}
    fewest = min(num_clusters.values())
    df = fewest - 1 if lags is None else min(fewest - 1, solution.df)
    size = len(solution.kept)
    if fewest < 2 or solution.df <= 0:
        problem = "there is a single cluster" if solution.df > 0 else None
        none = np.full(size, np.nan)
        return CoefficientCovariance(
            kind,
            df,
            none,
            lambda chosen, _=None: np.full((len(chosen), len(chosen)), np.nan),
            num_clusters=num_clusters,
            problem=problem,
        )
    n = solution.df + solution.rank
    factors = {
        name: G / (G - 1) * ((n - 1) / (n - num_parameters)) if small_sample else 1.0
        for name, G in num_clusters.items()
    }
    signs = (1.0, 1.0, -1.0)
    parts = [
        _part(each, sign * factors[name], lags or 0)
        for (name, each), sign in zip(sums.items(), signs, strict=False)
    ]
    variances, errors = (_of_coefficients(solution, parts, which) for which in ("meat", "errors"))
    # What is no more than the rounding of the scores is none.
    variances[np.abs(variances) <= errors] = 0.0
    is_negative = solution.kept & (variances < 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        roots = np.ldexp(np.sqrt(variances), solution.exponents[-1] - solution.exponents[:-1])
        relative = errors / (2 * variances)
    known = known_errors(solution, np.where(is_negative, np.nan, roots))
    is_positive = solution.kept & (variances > 0)

    def matrix(coefficients: Sequence[int], exponents: Exponents | None = None) -> Floats:
        def of_kept(chosen: Sequence[int]) -> Floats:
            return _matrix(solution, parts, chosen)

        return known_covariance(solution, of_kept, coefficients, exponents)

    return CoefficientCovariance(
        kind,
        df,
        known,
        matrix,
        float(relative[is_positive].max(initial=FLOAT64_ROUNDOFF)),
        CORRECTION if small_sample else None,
        factors if small_sample else {},
        num_clusters,
        "a variance of the two clusterings is negative" if is_negative.any() else None,
    )


def _part(sums: ClusterSums, factor: float, lags: int) -> _Part:
    """Return Σ k(g, h)·s_g·s_hᵀ in coordinates, and by level."""
    S = sums.scores
    smoothed = smooth(S, lags)
    products = np.array([(smoothed * row).sum(axis=1) for row in S])
    meat = Meat(products, *level_products(sums, smoothed, lags))
    # Each term of a sum is rounded once: with Cauchy and Schwarz, the error of all sums is at most
    # that of its largest cluster times the root of the sum of squares.
    rounding = FLOAT64_ROUNDOFF * (len(S) + 2)
    norms = np.sqrt(np.append(np.square(S).sum(axis=1), np.square(sums.of_pairs[2]).sum()))
    deviations = rounding * np.sqrt(sums.num_rows.max() * sums.squares)
    errors = abs(factor) * (lags + 1) * (2 * norms * deviations + np.square(deviations))
    return _Part(factor, meat, errors)


def _of_coefficients(solution: LeastSquares, parts: Sequence[_Part], which: str) -> Floats:
    """Return the variances (M + 1,) of scaled coefficients, or bounds of their errors."""
    total = np.zeros(len(solution.kept))
    for part in parts:
        if which == "errors":
            total += _error_bounds(solution, part.errors)
        elif solution.levels:
            total += part.factor * variances_of(solution, part.meat)
        else:
            total[solution.kept] += part.factor * np.diagonal(part.meat.products)
    return total


def _error_bounds(solution: LeastSquares, errors: Floats) -> Floats:
    """Return bounds (M + 1,) of the errors of variances, from those of the meat (K + 1,)."""
    result = np.zeros(len(solution.kept))
    levels = solution.levels
    if not levels:
        result[solution.kept] = errors[:-1]
        return result
    # Of a sum over coordinates, the norm of the errors is at most the sum of theirs.
    roots = np.sqrt(errors[:-1])[:, None]
    W, P = np.abs(solution.inverse_cholesky[0]), np.abs(levels.projections[0])
    result[np.concatenate([[0], levels.rest + 1])] = np.square(times(W, roots)[:, 0])
    of_levels = times(P, roots)[:, 0] + levels.own_variances * np.sqrt(errors[-1])
    result[levels.columns + 1] = np.square(of_levels)
    return result


def _matrix(solution: LeastSquares, parts: Sequence[_Part], chosen: Sequence[int]) -> Floats:
    total = np.zeros((len(chosen), len(chosen)))
    places = np.cumsum(solution.kept)[list(chosen)] - 1
    for part in parts:
        if solution.levels:
            total += part.factor * covariance_of(solution, part.meat, chosen)
        else:
            total += part.factor * part.meat.products[np.ix_(places, places)]
    # Summed in another order above than below the diagonal.
    return (total + total.T) / 2


def _require_memory(kind: str, sizes: Sequence[int], num_coordinates: int) -> None:
    """Raise UserError unless the sums of so many clusters fit into memory."""
    needed = BYTES_PER_SUM * sum(sizes) * (num_coordinates + 1)
    available = available_bytes()
    if needed <= NEGLIGIBLE or available is None or needed <= available:
        return
    raise UserError(
        f"params.yaml: evaluate.errors: {kind}",
        f"takes about {needed / 1e9:.0f} GB of memory, for {max(sizes):,} clusters or times of"
        f" {num_coordinates:,} coefficients",
        found=f"{available / 1e9:.0f} GB available",
        todo="take a machine with more memory, or a column with fewer values",
    )
