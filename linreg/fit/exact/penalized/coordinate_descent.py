"""Cyclic coordinate descent for the elastic net, and the solution of a known support.

Each step minimizes over one coefficient, which soft thresholding does (J. Friedman, T. Hastie and
R. Tibshirani, Journal of Statistical Software 33(1), 2010). A sweep over all columns is followed by
sweeps over those that are not 0 (the active set) until these stand still. `units` of the arguments:
those of `Correlations`, in which the objective is
½·βᵀRβ − rᵀβ + ½·Σ squares·β² + Σ thresholds·|β|.
"""

import math

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.fit.kernels import inlined, strict

STANDSTILL = 1e-13
"""Steps that change no gradient by more than this, of correlations up to 1, are the last ones."""
MOST_ACTIVE_SWEEPS = 20
"""Between two sweeps over all columns, as slow coordinates would keep others waiting."""


@strict
def descend(
    R: Floats, r: Floats, thresholds: Floats, squares: Floats, beta: Floats, most_sweeps: int
) -> int:
    """Minimize over beta (M,), which holds the start; a coefficient with R = 0 stays as it is.

    Returns the number of sweeps taken, about `most_sweeps` at most.
    """
    q = r.copy()
    for k in range(len(beta)):
        if beta[k] != 0.0:
            for j in range(len(beta)):
                q[j] -= R[k, j] * beta[k]
    sweeps = 0
    while sweeps < most_sweeps:
        change = 0.0
        for j in range(len(beta)):
            change = max(change, _step(R, thresholds, squares, beta, q, j))
        sweeps += 1
        if change <= STANDSTILL:
            return sweeps
        active = np.flatnonzero(beta)
        for _ in range(MOST_ACTIVE_SWEEPS):
            change = 0.0
            for k in range(len(active)):
                j = int(active[k])
                change = max(change, _step(R, thresholds, squares, beta, q, j))
            sweeps += 1
            if change <= STANDSTILL:
                break
    return sweeps


@inlined
def _step(R: Floats, thresholds: Floats, squares: Floats, beta: Floats, q: Floats, j: int) -> float:
    """Minimize over one coefficient; returns by how much that changes its gradient.

    q  r − Rβ (M,), which is kept up to date
    """
    if R[j, j] == 0.0:
        return 0.0
    before = beta[j]
    at_zero = q[j] + R[j, j] * before
    excess = abs(at_zero) - thresholds[j]
    after = 0.0
    if excess > 0.0:
        after = math.copysign(excess, at_zero) / (R[j, j] + squares[j])
    if after == before:
        return 0.0
    beta[j] = after
    difference = after - before
    for k in range(len(beta)):
        q[k] -= R[j, k] * difference
    return float(abs(difference) * (R[j, j] + squares[j]))


@strict
def solve_support(
    R: Floats, r: Floats, thresholds: Floats, squares: Floats, beta: Floats
) -> Floats:
    """Return the minimum (M,) over the coefficients that are not 0 in beta, with their signs.

    By Cholesky factorization, and one step of refinement. What has no pivot stays as it is.
    """
    A = np.flatnonzero(beta)
    size = len(A)
    L = np.zeros((size, size))
    result = beta.copy()
    if not _factorize(R, squares, A, L):
        return result
    x = np.empty(size)
    for _ in range(2):
        for i in range(size):
            a = A[i]
            total = r[a] - math.copysign(thresholds[a], beta[a]) - squares[a] * result[a]
            for k in range(size):
                total -= R[a, A[k]] * result[A[k]]
            for k in range(i):
                total -= L[i, k] * x[k]
            x[i] = total / L[i, i]
        for i in range(size - 1, -1, -1):
            for k in range(i + 1, size):
                x[i] -= L[k, i] * x[k]
            x[i] /= L[i, i]
        for i in range(size):
            result[A[i]] += x[i]
    return result


@strict
def violation(R: Floats, r: Floats, thresholds: Floats, squares: Floats, beta: Floats) -> Floats:
    """Return by how much each coefficient (M,) violates the Karush–Kuhn–Tucker conditions.

    That is |gradient| of those that are not 0, and what |gradient| has above the threshold of the
    others.
    """
    result = np.zeros(len(beta))
    for j in range(len(beta)):
        if R[j, j] == 0.0:
            continue
        q = r[j] - squares[j] * beta[j]
        for k in range(len(beta)):
            q -= R[j, k] * beta[k]
        if beta[j] != 0.0:
            result[j] = abs(q - math.copysign(thresholds[j], beta[j]))
        else:
            result[j] = max(abs(q) - thresholds[j], 0.0)
    return result


@strict
def degrees_of_freedom(R: Floats, squares: Floats, beta: Floats) -> float:
    """Return the trace of R(R + diag(squares))⁻¹ over the coefficients that are not 0.

    It is their number, less Σ squares·(R + diag(squares))⁻¹ⱼⱼ; the inverse is L⁻ᵀL⁻¹ of a Cholesky
    factor L.
    """
    A = np.flatnonzero(beta)
    size = len(A)
    L = np.zeros((size, size))
    if not _factorize(R, squares, A, L):
        return float(size)
    result = float(size)
    column = np.empty(size)
    for j in range(size):
        if squares[A[j]] == 0.0:
            continue
        length = 0.0
        for i in range(j, size):
            value = 1.0 if i == j else 0.0
            for k in range(j, i):
                value -= L[i, k] * column[k]
            column[i] = value / L[i, i]
            length += column[i] * column[i]
        result -= squares[A[j]] * length
    return result


@strict
def _factorize(R: Floats, squares: Floats, A: NDArray[np.int64], L: Floats) -> bool:
    """Set the Cholesky factor L of R + diag(squares) for some columns; False without a pivot."""
    for i in range(len(A)):
        for j in range(i + 1):
            total = R[A[i], A[j]]
            if i == j:
                total += squares[A[i]]
            for k in range(j):
                total -= L[i, k] * L[j, k]
            if i > j:
                L[i, j] = total / L[j, j]
            elif total > 0.0:
                L[i, i] = math.sqrt(total)
            else:
                return False
    return True
