"""Polynomials fitted to tables on disk, and mpmath's exact answers for the powers of real x."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from mpmath import mp, mpf

from linreg.arrays import Floats
from linreg.data.formula.design import Design
from linreg.data.rows import Rows
from linreg.data.tables import parquet
from linreg.data.tables.parquet import write_table
from linreg.fit.exact.least_squares import LeastSquares

Learn = Callable[..., Design]


@dataclass(frozen=True)
class Polynomial:
    """The least squares fit of a polynomial: coefficients by degree, their errors, and σ."""

    coefficients: list[mpf]
    standard_errors: list[mpf]
    sigma: mpf
    r2: mpf


def powers_of(degree: int) -> str:
    return " + ".join(["x", *(f"I(x**{power})" for power in range(2, degree + 1))])


def drawn(low: float, high: float, degree: int, num_rows: int = 120, seed: int = 1) -> pa.Table:
    """x between two numbers, y of a smooth curve, and weights w, some of them 0."""
    random = np.random.default_rng(seed)
    x = random.uniform(low, high, num_rows)
    u = (2 * x - low - high) / (high - low)
    y = 1 + u - 2 * u**2 + np.cos(degree * u / 2) + random.normal(0, 0.1, num_rows)
    w = random.uniform(0.1, 2, num_rows) * (random.uniform(size=num_rows) > 0.2)
    return pa.table({"x": x, "y": y, "w": w})


def exact_polynomial(x: Floats, y: Floats, degree: int, w: Floats | None = None) -> Polynomial:
    """The normal equations at 120 digits, of sums of powers."""
    with mp.workdps(120):
        real_x, real_y = ([mpf(value) for value in values.tolist()] for values in (x, y))
        weights = [mpf(value) for value in (np.ones(len(x)) if w is None else w).tolist()]
        weighted = [weights]
        for _ in range(2 * degree):
            weighted.append([a * b for a, b in zip(weighted[-1], real_x, strict=True)])
        sums = [mp.fsum(values) for values in weighted]
        right = mp.matrix([mp.fdot(values, real_y) for values in weighted[: degree + 1]])
        size = range(degree + 1)
        inverse = mp.inverse(mp.matrix([[sums[i + j] for j in size] for i in size]))
        beta = inverse * right
        square = mp.fdot(weights, [each * each for each in real_y])
        rss = square - mp.fdot(beta, right)
        df = sum(each > 0 for each in weights) - degree - 1
        sigma = mp.sqrt(rss / df)
        errors = [sigma * mp.sqrt(inverse[k, k]) for k in size]
        return Polynomial(list(beta), errors, sigma, 1 - rss / (square - right[0] ** 2 / sums[0]))


def shards_of_table(
    folder: Path,
    learn: Learn,
    table: pa.Table,
    formula: str,
    num_shards: int = 1,
    rows_per_group: int = 131_072,
    **model: Any,
) -> list[Rows]:
    """The rows of a table as shards on disk; with `weights`, the column that has them."""
    design = learn(formula, table)
    design = replace(design, schema=replace(design.schema, **model))
    paths = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "ROWS_PER_GROUP", rows_per_group)
        for index, rows in enumerate(np.array_split(np.arange(len(table)), num_shards)):
            paths.append(folder / f"of-{num_shards}-{rows_per_group}-{index:05d}.parquet")
            write_table(paths[-1], table.schema, [table.take(rows)])
    return [Rows(path, design) for path in paths]


def least_digits(found: Sequence[float], exact: Sequence[mpf]) -> float:
    """How many digits the worst of some numbers has, up to 16."""
    with mp.workdps(50):
        errors = [abs(mpf(a) / b - 1) for a, b in zip(found, exact, strict=True)]
        return float(-mp.log10(max(*errors, mpf(10) ** -16)))


def digits_of(found: LeastSquares, exact: Polynomial) -> tuple[float, float, float]:
    """The digits of the coefficients, of their standard errors, and of σ."""
    assert found.sigma is not None
    return (
        least_digits([found.b, *found.theta.tolist()], exact.coefficients),
        least_digits(found.standard_errors.tolist(), exact.standard_errors),
        least_digits([found.sigma], [exact.sigma]),
    )
