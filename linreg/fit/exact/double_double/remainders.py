"""What rounding has left off the powers of a column, so that sums are of the true powers.

A design matrix has x² and x³ as float64, of which the last digits are lost; where powers are nearly
collinear, coefficients are made of these digits. From x itself the power follows in double-double,
by multiplying with x and carrying the rounding errors along (T. Dekker, Numer. Math. 18, 1971), and
so what the float64 is off by: its remainder, which sums, projections and residuals take as another
column with the same coefficient.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats, read_only
from linreg.data.formula.compact_matrix import Monomial
from linreg.fit.exact.double_double import sum_numpy

ROWS_AT_A_TIME = 8192
"""Rows whose intermediate results stay in a cache."""


def with_remainders(X: Floats, monomials: Sequence[Monomial], expected_rows: int = 0) -> Floats:
    """Return [L X] in column-major order, with L (n, R) the remainders of R monomials in X (n, M).

    expected_rows  the rows to come in all; it affects speed only

    A remainder is the exact product of the factors less the column, to 2^-100 of the column, where
    products are between `sum_numpy.SMALLEST` and LARGEST. Without monomials this is X.
    """
    X = np.asfortranarray(X, np.float64)
    if not monomials:
        return X
    multiply = sum_numpy.multiply
    if not sum_numpy.numpy_is_faster(max(len(X), expected_rows), X.shape[1] + 2):
        from linreg.fit.exact.double_double.product_kernels import multiply
    extended = np.empty((len(X), len(monomials) + X.shape[1]), order="F")
    extended[:, len(monomials) :] = X
    for start in range(0, len(X), ROWS_AT_A_TIME):
        rows = slice(start, start + ROWS_AT_A_TIME)
        products = _Products(X[rows], multiply)
        for k, (column, factors) in enumerate(monomials):
            extended[rows, k] = products.remainder(column, factors)
    return extended


def summed_columns(num_features: int, monomials: Sequence[Monomial]) -> NDArray[np.int64]:
    """Return for each column of [1 L X] (R + M + 1,) which one of [1 X] it is a part of."""
    return np.array(
        [0, *(each.column + 1 for each in monomials), *range(1, num_features + 1)], np.int64
    )


class _Products:
    """Products of some columns of X (n, M) in double-double, each multiplied once."""

    def __init__(self, X: Floats, multiply: Callable[..., None]) -> None:
        self._X, self._multiply = X, multiply
        self._found: dict[tuple[int, ...], tuple[Floats, Floats]] = {}

    def remainder(self, column: int, factors: tuple[int, ...]) -> Floats:
        """Return the product of some columns less another one, rounded; 0 beyond float64."""
        with np.errstate(over="ignore", invalid="ignore"):
            high, low = self._product(factors)
            remainder = (high - self._X[:, column]) + low
        return np.where(np.isfinite(remainder), remainder, 0.0)

    def _product(self, factors: tuple[int, ...]) -> tuple[Floats, Floats]:
        """Return a product, x³ as x²·x: where a design has x³, it has x² as a rule."""
        last = self._X[:, factors[-1]]
        if len(factors) == 1:
            return last, np.zeros(len(last))
        if factors not in self._found:
            high, low = self._product(factors[:-1])
            product, its_low = np.empty(len(last)), np.empty(len(last))
            self._multiply(*map(read_only, (high, low, last)), product, its_low)
            self._found[factors] = product, its_low
        return self._found[factors]
