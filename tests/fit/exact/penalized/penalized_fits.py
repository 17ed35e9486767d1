"""Rows for elastic nets, fits of them, and their loss and its conditions in fractions."""

from fractions import Fraction
from typing import Any

import numpy as np

from linreg.arrays import Floats
from linreg.fit.exact.elastic_net import PenalizedFit, solve_penalized
from linreg.fit.exact.penalized.penalty import Penalty
from tests.fit.exact.fits import moments_of, names_of


def drawn(
    num_rows: int, num_features: int, seed: int = 1, *, noise: float = 3.0
) -> tuple[Floats, Floats, Floats]:
    """X with correlated columns in different units and far from 0, y from some of them, and w."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(num_rows, num_features)) + random.normal(size=(num_rows, 1))
    X = X * random.uniform(0.1, 10, num_features) + 5 * random.normal(size=num_features)
    theta = random.normal(size=num_features) * (random.uniform(size=num_features) < 0.5)
    y = 7 + X @ theta + noise * random.normal(size=num_rows)
    return X, y, random.uniform(0.1, 3.0, num_rows)


def penalized(
    X: Floats,
    y: Floats,
    w: Floats | None = None,
    intercept: bool = True,
    *,
    l1: float = 0.0,
    l2: float = 0.0,
    scale: Any = "units",
    **options: Any,
) -> PenalizedFit:
    moments = moments_of(X, y, w)
    return solve_penalized(moments, names_of(X), intercept, Penalty(l1, l2, scale), **options)


def fractions_of(fit: PenalizedFit) -> list[Fraction]:
    """b and θ with what float64 rounded off."""
    solution = fit.solution
    rounded = [solution.b, *solution.theta.tolist()]
    return [
        Fraction(a) + Fraction(r)
        for a, r in zip(rounded, solution.remainders.tolist(), strict=True)
    ]


def loss(
    X: Floats, y: Floats, w: Floats | None, coefficients: list[Fraction], l1: float, l2: float
) -> Fraction:
    """(1/n) Σ w(y − ỹ)² + l2·‖θ‖² + l1·‖θ‖₁, without rounding."""
    b, *theta = coefficients
    total = Fraction(0)
    for row, target, weight in zip(
        X.tolist(), y.tolist(), np.ones(len(y)) if w is None else w.tolist(), strict=True
    ):
        predicted = b + sum(t * Fraction(x) for t, x in zip(theta, row, strict=True))
        total += Fraction(weight) * (Fraction(target) - predicted) ** 2
    squares = sum((t * t for t in theta), Fraction(0))
    lengths = sum(map(abs, theta), Fraction(0))
    return total / len(y) + Fraction(l2) * squares + Fraction(l1) * lengths


def slopes(
    X: Floats, y: Floats, w: Floats | None, coefficients: list[Fraction], l2: float
) -> list[Fraction]:
    """Minus the gradient of the loss without l1, over b and θ, without rounding."""
    b, *theta = coefficients
    sums = [Fraction(0)] * len(coefficients)
    for row, target, weight in zip(
        X.tolist(), y.tolist(), np.ones(len(y)) if w is None else w.tolist(), strict=True
    ):
        z = [Fraction(1), *map(Fraction, row)]
        predicted = b + sum(t * x for t, x in zip(theta, z[1:], strict=True))
        residual = Fraction(weight) * (Fraction(target) - predicted)
        sums = [total + residual * x for total, x in zip(sums, z, strict=True)]
    of_mse = [2 * total / len(y) for total in sums]
    return [of_mse[0]] + [s - 2 * Fraction(l2) * t for s, t in zip(of_mse[1:], theta, strict=True)]
