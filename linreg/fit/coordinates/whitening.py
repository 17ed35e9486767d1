"""Coordinates in which the loss is a round bowl, whatever the columns: as curved along each.

They are the rows in the basis that least squares has found for them. With W·Wᵀ = A⁻¹ (see
`LeastSquares.inverse_cholesky`; A is the weighted Gram matrix of [1 X] with the ridge penalty) and
q = Wᵀ[1 x], the sum of w·q·qᵀ over the rows and the penalty is the identity. W is the inverse of a
triangular factor, so that the j-th coordinate is column j less its regression on those before it,
with variance 1: "whitened" by the Cholesky factor of the covariance matrix (A. Kessy, A. Lewin, K.
Strimmer, Optimal whitening and decorrelation, The American Statistician 72, 2018).
"""

import math
from dataclasses import dataclass
from decimal import localcontext

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats, Mask
from linreg.data.formula.compact_matrix import as_array
from linreg.data.rows import Chunk
from linreg.errors import UserError
from linreg.fit.coordinates.scaling import target_scaling
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.moment_sums.any_moments import AnyMoments
from linreg.fit.exact.moment_sums.gram import Gram
from linreg.fit.exact.normal_equations.equations import NormalEquations
from linreg.fit.exact.normal_equations.ldl import PRECISION
from linreg.fit.exact.projection import WELL_CONDITIONED, Projection, slices

MOST_FEATURES = 2000
"""Columns of X that are whitened: there are as many multiplications a row as pairs of columns."""


@dataclass(frozen=True)
class Whitening:
    """A linear map of the rows [1 x] to coordinates u with a mean square of 1 and no correlations.

    Means are weighted where rows are, and weights are divided by their mean, so that the Hessian of
    half the loss, with its penalty, is the identity. A column that was dropped has u = 0.

    transform      (M + 1, M + 1) upper triangular: u = transformᵀ·[1 x]
    kept           (M + 1,) which of (b, θ) are estimated
    y_mean         trained is on (y − y_mean) / y_scale
    mean_weight    of the rows; 1 where they have none
    projection     the same map in double-double but for a factor, `unit`; None where float64 will
                   do
    """

    transform: Floats
    kept: Mask
    y_mean: float
    y_scale: float
    mean_weight: float
    unit: float
    projection: Projection | None

    def apply(self, chunk: Chunk) -> Chunk:
        """Return a chunk in these coordinates, X as an array (n, M)."""
        X = as_array(chunk.X)
        U = np.empty((X.shape[1], len(X)))
        for rows in slices(len(X), X.shape[1]):
            U[:, rows] = self._coordinates(X[rows])
        w = None if chunk.w is None else chunk.w / self.mean_weight
        return Chunk(U.T, (chunk.y - self.y_mean) / self.y_scale, w)

    def unscale(self, theta: Floats, b: float) -> tuple[Floats, float]:
        """Return θ (M,) and b in the units of the data, from those in these coordinates.

        From (ỹ − y_mean) / y_scale = (b, θ)·transformᵀ·[1 x]. Each is rounded once.
        """
        products = self.transform * np.concatenate([[b], theta]) * self.y_scale
        unscaled = np.array([math.fsum(row) for row in products[1:].tolist()])
        return unscaled, math.fsum([*products[0].tolist(), self.y_mean])

    def scale(self, theta: Floats, b: float) -> Floats:
        """Return (b, θ) (M + 1,) in these coordinates, from those in the units of the data."""
        scaled = np.concatenate([[b - self.y_mean], theta]) / self.y_scale
        result = np.zeros(len(scaled))
        # Of an upper triangular matrix the last row has one unknown.
        for j in np.flatnonzero(self.kept)[::-1].tolist():
            known = math.fsum((self.transform[j] * result).tolist())
            result[j] = (scaled[j] - known) / self.transform[j, j]
        return result

    def unscale_path(self, points: Floats) -> Floats:
        """Return points (n, M + 1) of (b, θ) in the units of the data, from these coordinates.

        It is `unscale` of many points at once, with rounding errors.
        """
        scaled = points * self.y_scale
        # Not a BLAS product, which rounds differently from CPU to CPU.
        path = np.stack([(scaled * row).sum(axis=1) for row in self.transform], axis=1)
        path[:, 0] += self.y_mean
        return path

    def penalty(self, l2: float) -> Floats:
        """Return l2·‖θ‖² as a quadratic form (M, M) in θ of these coordinates.

        It is relative to the squares of scaled y with the weights of these coordinates.
        """
        of_theta = self.transform[1:, 1:]
        # Not a BLAS product, which rounds differently from CPU to CPU.
        products = [(of_theta * column[:, None]).sum(axis=0) for column in of_theta.T]
        return l2 / self.mean_weight * np.array(products).reshape(of_theta.shape)

    def _coordinates(self, X: Floats) -> Floats:
        """Return u without that of the 1, (M, n)."""
        if self.projection:
            q, _ = self.projection.project(X)
            return q[1:] * self.unit
        U = np.empty(X.T.shape)
        for j, of_column in enumerate(self.transform.T[1:]):
            U[j] = of_column[0]
            for i in np.flatnonzero(of_column[1:]).tolist():
                U[j] += X[:, i] * of_column[1 + i]
        return U


def whitening(moments: AnyMoments, solution: LeastSquares) -> Whitening:
    """Return the whitening of the rows of a fit.

    Raises UserError for more than MOST_FEATURES columns.
    """
    if moments.num_features > MOST_FEATURES:
        raise UserError(
            "params.yaml: train.scale",
            f"whiten is for at most {MOST_FEATURES:,} columns",
            found=f"{moments.num_features:,}",
            todo="set train.solver: exact, or train.scale: standardize",
        )
    total = moments.totals()
    total_weight = float(total.entry(0, 0))
    unit = math.sqrt(total_weight)
    if solution.levels:
        W, exponents = _inverse_cholesky_of_all(moments, solution)
    else:
        W, exponents = solution.inverse_cholesky[0], solution.exponents[:-1]
    is_precise = solution.levels or (solution.condition or math.inf) <= WELL_CONDITIONED
    y_mean, y_scale = target_scaling(moments, solution.intercept)
    return Whitening(
        np.ldexp(W * unit, -exponents[:, None]),
        solution.kept,
        y_mean,
        y_scale,
        total_weight / moments.num_rows,
        unit,
        None if is_precise else Projection(solution, moments.num_rows),
    )


def _inverse_cholesky_of_all(
    moments: AnyMoments, solution: LeastSquares
) -> tuple[Floats, NDArray[np.int64]]:
    """Return W and the exponents, both of all columns, where the solution has eliminated levels."""
    gram = moments.gram()
    kept = np.flatnonzero(solution.kept)
    chosen = np.append(kept, len(gram.exponents) - 1)
    of_kept = Gram.from_lower(
        gram.num_rows,
        gram.exponents[chosen],
        gram.double_doubles[:, chosen[:, None], chosen],
        gram.cells[chosen],
        gram.norms[chosen],
    )
    with localcontext(PRECISION):
        equations = NormalEquations(of_kept, moments.totals(), solution.intercept, solution.l2)
        factors = equations.factorize().inverse_cholesky()[0]
    W = np.zeros((len(solution.kept), len(solution.kept)))
    W[np.ix_(kept, kept)] = factors
    return W, gram.exponents[:-1]
