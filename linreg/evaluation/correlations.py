"""Correlations of columns of X and y over the training rows, from their moments: no row is read."""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from linreg.arrays import Floats
from linreg.data.formula.design import Design
from linreg.fit.coordinates.scaling import CONSTANT
from linreg.fit.exact.moment_sums.any_moments import AnyMoments
from linreg.fit.exact.moment_sums.gram import Gram
from linreg.fit.exact.moment_sums.rounding import float_square_root, nearest_float

MAX_COLUMNS = 12
"""More columns than this make a matrix that nobody reads."""


class Correlations(NamedTuple):
    """Pearson's correlations, weighted if rows are.

    names     K columns of X in their order, and y
    matrix    (K + 1, K + 1); NaN for a constant column
    left_out  how many columns of X were candidates and are not among the K
    """

    names: tuple[str, ...]
    matrix: Floats
    left_out: int


def correlations_of(design: Design, moments: AnyMoments, target: str) -> Correlations:
    """Return those of the columns of X that are numbers, or the only one of a category, and y."""
    single = {term.names[0] for term in design.terms if len(term.names) == 1}
    dense = np.flatnonzero(design.layout.is_dense).tolist()
    # By their position in the Gram matrix, whose first column is that of ones.
    names = {1 + k: design.names[j] for k, j in enumerate(dense) if design.names[j] in single}
    return correlate(moments.totals(), list(names), list(names.values()), target)


def correlate(
    gram: Gram, columns: Sequence[int], names: Sequence[str], target: str
) -> Correlations:
    """Return the correlations of the columns that have the largest ones with y.

    columns  the candidates, by their position in [1 X y]
    names    of these
    """
    y = len(gram.exponents) - 1
    means = {j: gram.mean(j) for j in (*columns, y)}
    weight = gram.entry(0, 0)
    deviations = {}
    for j in (*columns, y):
        variance = gram.entry(j, j) / weight - means[j] * means[j]
        sd = float_square_root(max(Fraction(0), variance))
        deviations[j] = sd if CONSTANT * abs(nearest_float(means[j])) < sd < np.inf else 0.0

    def correlation(i: int, j: int) -> float:
        covariance = gram.entry(max(i, j), min(i, j)) / weight - means[i] * means[j]
        if not (deviations[i] and deviations[j]):
            return np.nan
        scale = Fraction(deviations[i]) * Fraction(deviations[j])
        return min(1.0, max(-1.0, nearest_float(covariance / scale)))

    with_y = {j: abs(correlation(j, y)) for j in columns}
    leading = sorted(columns, key=lambda j: -np.nan_to_num(with_y[j]))[:MAX_COLUMNS]
    shown = [*sorted(leading), y]
    by_column = dict(zip(columns, names, strict=True))
    matrix = np.array([[1.0 if i == j else correlation(i, j) for j in shown] for i in shown])
    labels = (*(by_column[j] for j in shown[:-1]), target)
    return Correlations(labels, matrix, len(columns) - len(leading))
