"""Contrasts: how the levels of a category become columns, other than one for each level.

The coding matrices are R's, and patsy's too: `contr.sum`, `contr.helmert`, `contr.poly` and, as
`Diff`, MASS's `contr.sdif`.
"""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np

from linreg.arrays import Floats
from linreg.data.formula.functions.exact_sum import nearest_float
from linreg.data.formula.functions.learning import WHERE
from linreg.errors import UserError

TREATMENT = "treatment"
CONTRASTS = {
    "Treatment": TREATMENT,
    "contr.treatment": TREATMENT,
    "Sum": "sum",
    "contr.sum": "sum",
    "Helmert": "helmert",
    "contr.helmert": "helmert",
    "Poly": "poly",
    "contr.poly": "poly",
    "Diff": "diff",
    "contr.sdif": "diff",
}
"""By the name in a formula, patsy's or R's, what schema.json calls it."""

MOST_LEVELS_OF_POLY = 96
_POWERS = (".Linear", ".Quadratic", ".Cubic")


def coding_matrix(contrast: str, num_levels: int) -> Floats:
    """Return the coding (L, L − 1) of L levels by a contrast, which is not that of treatments.

    Raises UserError for polynomials of more levels than R has them for.
    """
    if contrast == "poly" and num_levels > MOST_LEVELS_OF_POLY:
        raise UserError(
            WHERE,
            f"contr.poly has at most {MOST_LEVELS_OF_POLY} levels",
            found=num_levels,
            todo="use the number itself, as in poly(x, 3)",
        )
    matrix: list[list[Fraction]] = _MATRICES[contrast](num_levels)
    if contrast == "poly" and num_levels > 1:
        return _normalized(matrix)
    return np.array([[nearest_float(cell) for cell in row] for row in matrix]).reshape(
        num_levels, num_levels - 1
    )


def column_names(label: str, contrast: str, levels: Sequence[object]) -> list[str]:
    """Return the names of the columns, as patsy has them."""
    match contrast:
        case "sum":
            return [f"{label}[S.{level}]" for level in levels[:-1]]
        case "helmert":
            return [f"{label}[H.{level}]" for level in levels[1:]]
        case "diff":
            return [f"{label}[D.{level}]" for level in levels[:-1]]
    powers = [*_POWERS, *(f"^{power}" for power in range(4, len(levels)))]
    return [f"{label}{power}" for power in powers[: len(levels) - 1]]


def _sum(size: int) -> list[list[Fraction]]:
    """Compare each level but the last with the mean of all."""
    identity = [[Fraction(i == j) for j in range(size - 1)] for i in range(size - 1)]
    return [*identity, [Fraction(-1)] * (size - 1)]


def _helmert(size: int) -> list[list[Fraction]]:
    """Compare each level with the mean of those before it."""

    def cell(i: int, j: int) -> Fraction:
        return Fraction(-1 if i <= j else j + 1 if i == j + 1 else 0)

    return [[cell(i, j) for j in range(size - 1)] for i in range(size)]


def _diff(size: int) -> list[list[Fraction]]:
    """Compare each level with the one before it."""

    def cell(i: int, j: int) -> Fraction:
        return Fraction(j + 1 - (size if i <= j else 0), size)

    return [[cell(i, j) for j in range(size - 1)] for i in range(size)]


def _poly(size: int) -> list[list[Fraction]]:
    """Return monic polynomials of the levels' numbers that are orthogonal over them, unscaled."""
    x = [Fraction(2 * i - (size - 1), 2) for i in range(size)]
    columns = [[Fraction(1)] * size]
    for _ in range(size - 1):
        powers = [a * b for a, b in zip(columns[-1], x, strict=True)]
        for column in columns[-2:]:
            part = _dot(powers, column) / _dot(column, column)
            powers = [a - part * b for a, b in zip(powers, column, strict=True)]
        columns.append(powers)
    return [list(row) for row in zip(*columns[1:], strict=True)]


def _dot(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))


def _normalized(matrix: Sequence[Sequence[Fraction]]) -> Floats:
    """Return columns divided by their lengths, rounded once."""
    columns = []
    for column in zip(*matrix, strict=True):
        square = _dot(column, column)
        lengths = [_root(cell * cell / square) for cell in column]
        columns.append(
            [math.copysign(size, cell) for size, cell in zip(lengths, column, strict=True)]
        )
    return np.array(columns).reshape(len(columns), len(matrix)).T.copy()


def _root(square: Fraction) -> float:
    """Return the square root of a fraction below 1, to 100 bits and then rounded to float64."""
    return nearest_float(
        Fraction(math.isqrt((square.numerator << 400) // square.denominator), 1 << 200)
    )


_MATRICES: dict[str, Callable[[int], list[list[Fraction]]]] = {
    "sum": _sum,
    "helmert": _helmert,
    "diff": _diff,
    "poly": _poly,
}
