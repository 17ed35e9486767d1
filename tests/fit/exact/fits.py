"""Least squares fits of arrays, and independent answers to them in exact arithmetic."""

from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from linreg.data.rows import Chunk
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.moment_sums.moments import Moments
from linreg.fit.exact.second_pass import second_moments
from linreg.fit.exact.solver import solve

Floats = NDArray[np.float64]


def names_of(X: Floats) -> list[str]:
    return [f"x{j}" for j in range(1, X.shape[1] + 1)]


def moments_of(
    X: Floats, y: Floats, w: Floats | None = None, roundoffs: Floats | None = None
) -> Moments:
    moments = Moments.zero(X.shape[1], roundoffs=roundoffs)
    moments.add(X, y, w)
    return moments


def fit(
    X: Floats,
    y: Floats,
    w: Floats | None = None,
    intercept: bool = True,
    *,
    roundoffs: Floats | None = None,
    passes: Literal[1, 2] = 2,
    **options: Any,
) -> LeastSquares:
    """The solution, with a second pass over the rows if it needs one and may have it."""
    moments = moments_of(X, y, w, roundoffs)
    first = solve(moments, names_of(X), intercept, **options)
    if passes == 1 or not first.needs_second_pass:
        return first
    second = second_moments(first, moments, [Chunk(X, y, w)])
    return solve(moments, names_of(X), intercept, second=second, **options)


def rss_of(found: LeastSquares) -> float:
    """The residual sum of squares, which is known."""
    assert found.rss is not None
    return float(found.rss)


def exact_loss(
    X: Floats, y: Floats, w: Floats | None, theta: list[Fraction], b: Fraction, l2: float = 0.0
) -> Fraction:
    """(1/n) Σ w (y − ỹ)² + l2·‖θ‖², exactly."""
    weights = [1.0] * len(y) if w is None else w.tolist()
    total = Fraction(0)
    for row, target, weight in zip(X.tolist(), y.tolist(), weights, strict=True):
        error = Fraction(target) - b
        for x, coefficient in zip(row, theta, strict=True):
            error -= Fraction(x) * coefficient
        total += Fraction(weight) * error * error
    return total / len(y) + Fraction(l2) * sum((t * t for t in theta), Fraction(0))


def exact_minimum(
    X: Floats, y: Floats, w: Floats | None = None, intercept: bool = True, l2: float = 0.0
) -> tuple[list[Fraction], Fraction]:
    """θ* and b* by Gauss–Jordan elimination of the normal equations in fractions."""
    weights = [1.0] * len(y) if w is None else w.tolist()
    size = X.shape[1] + intercept
    equations = [[Fraction(0)] * (size + 1) for _ in range(size)]
    for row, target, weight in zip(X.tolist(), y.tolist(), weights, strict=True):
        z = [*([Fraction(1)] if intercept else []), *map(Fraction, row), Fraction(target)]
        for i in range(size):
            for j in range(size + 1):
                equations[i][j] += Fraction(weight) * z[i] * z[j]
    for i in range(int(intercept), size):
        equations[i][i] += len(y) * Fraction(l2)
    for i in range(size):
        pivot = equations[i][i]
        equations[i] = [value / pivot for value in equations[i]]
        for k in range(size):
            if k != i:
                factor = equations[k][i]
                equations[k] = [
                    a - factor * b for a, b in zip(equations[k], equations[i], strict=True)
                ]
    solution = [row[-1] for row in equations]
    return (solution[1:], solution[0]) if intercept else (solution, Fraction(0))
