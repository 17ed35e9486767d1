"""Contrasts: how the levels of a category become columns, other than one for each level.

The coding matrices are R's, and patsy's too: `contr.sum`, `contr.helmert`, `contr.poly` and, as
`Diff`, MASS's `contr.sdif`.
"""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np

from linreg.arrays import Floats
from linreg.data.formula.functions.learning import WHERE
from linreg.errors import UserError
from linreg.reductions.exact_sum import nearest_float

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
    return _MATRICES[contrast](num_levels)


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


def _sum(size: int) -> Floats:
    """Compare each level but the last with the mean of all."""
    return np.vstack([np.eye(size - 1), np.full((1, size - 1), -1.0)])


def _helmert(size: int) -> Floats:
    """Compare each level with the mean of those before it."""
    before = -np.triu(np.ones((size, size - 1)))
    before[np.arange(1, size), np.arange(size - 1)] = np.arange(1, size)
    return before


def _diff(size: int) -> Floats:
    """Compare each level with the one before it."""
    numbers = np.arange(1, size) - size * np.triu(np.ones((size, size - 1)))
    return np.asarray(numbers / size, dtype=np.float64)


def _poly(size: int) -> Floats:
    """Return polynomials of the levels' numbers that are orthonormal over them, rounded once."""
    x = [Fraction(2 * i - (size - 1), 2) for i in range(size)]
    columns = [[Fraction(1)] * size]
    for _ in range(size - 1):
        powers = [a * b for a, b in zip(columns[-1], x, strict=True)]
        # Those of lower degree are orthogonal to x times the last one already.
        for column in columns[-2:]:
            part = _dot(powers, column) / _dot(column, column)
            powers = [a - part * b for a, b in zip(powers, column, strict=True)]
        columns.append(powers)
    result = np.empty((size, size - 1))
    for k, column in enumerate(columns[1:]):
        square = _dot(column, column)
        lengths = [_root(cell * cell / square) for cell in column]
        result[:, k] = np.copysign(lengths, [float(cell > 0) - 0.5 for cell in column])
    return result


def _dot(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))


def _root(square: Fraction) -> float:
    """Return the square root of a fraction up to 1, to 200 bits and then rounded to float64."""
    scaled = (square.numerator << 400) // square.denominator
    return nearest_float(Fraction(math.isqrt(scaled), 1 << 200))


_MATRICES: dict[str, Callable[[int], Floats]] = {
    "sum": _sum,
    "helmert": _helmert,
    "diff": _diff,
    "poly": _poly,
}
