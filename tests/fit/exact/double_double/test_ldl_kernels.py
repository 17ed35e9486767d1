from collections.abc import Iterator
from decimal import Decimal, localcontext

import numpy as np
import pytest

from linreg.arrays import Floats, Mask
from linreg.fit.exact.double_double.ldl_kernels import factorize_lower, multiply_upper, substitute
from linreg.fit.exact.moment_sums.gram import MOMENT_ERROR
from linreg.fit.exact.normal_equations.ldl import (
    LDL,
    PRECISION,
    factorize,
    from_double_double,
    to_double_double,
)
from tests.fit.exact.normal_equations.gram_matrices import (
    KEPT,
    exact_cells,
    gram_of,
    nearly_collinear,
)


@pytest.fixture(scope="module")
def gram() -> list[list[Decimal]]:
    return gram_of(nearly_collinear())


@pytest.fixture(scope="module")
def exact(gram: list[list[Decimal]]) -> LDL:
    """The factorization with 60 digits."""
    return factorize(gram, exact_cells(gram))


def in_double_double(gram: list[list[Decimal]]) -> Floats:
    S = np.zeros((2, len(gram), len(gram)))
    with localcontext(PRECISION):
        for i, row in enumerate(gram):
            S[:, i, : i + 1] = np.transpose([to_double_double(value) for value in row])
    return S


def factorized(gram: list[list[Decimal]]) -> tuple[Floats, Floats, Mask]:
    return factorize_lower(in_double_double(gram), np.array(exact_cells(gram)), MOMENT_ERROR)


def relative_difference(parts: list[float], exact: Decimal) -> float:
    with localcontext(PRECISION):
        return float(abs(from_double_double(parts) / exact - 1))


def decimal(parts: Floats) -> Decimal:
    return from_double_double(parts.tolist())


def below_diagonal(size: int) -> Iterator[tuple[int, int]]:
    return ((i, j) for i in range(size) for j in range(i))


def test_the_factors_are_those_of_60_digits_less_the_condition_number(
    gram: list[list[Decimal]], exact: LDL
) -> None:
    """Measured: 1e-31 before the nearly collinear column, 9e-13 of its pivot of 1e-19."""
    L, _, kept = factorized(gram)
    assert np.flatnonzero(kept).tolist() == KEPT
    for i, j in below_diagonal(4):
        assert relative_difference(L[:, i, j].tolist(), exact.upper[i][j]) < 1e-29
    for i in range(4):
        assert relative_difference(L[:, i, i].tolist(), exact.pivots[i]) < 1e-28
    for position, column in enumerate(KEPT):
        assert relative_difference(L[:, column, column].tolist(), exact.pivots[position]) < 1e-11


def test_rows_of_collinear_columns_hold_their_coefficients_before_substitution(
    gram: list[list[Decimal]],
) -> None:
    """Column 7 is twice column 3: its row of L is twice that of column 3."""
    L, _, kept = factorized(gram)
    assert not kept[[7, 12]].any()
    np.testing.assert_array_equal(L[:, 7, :3], 2 * L[:, 3, :3])
    assert L[:, 7, 3].tolist() == [2.0, 0.0]
    # A column that was left out explains none of those after it.
    assert not L[:, 8:, 7].any()


def test_the_inverse_is_that_of_60_digits(gram: list[list[Decimal]], exact: LDL) -> None:
    """Measured: 1e-31 for the well-conditioned columns."""
    _, inverse, _ = factorized(gram)
    for i in range(4):
        assert inverse[:, i, i].tolist() == [1.0, 0.0]
        for j in range(i):
            assert relative_difference(inverse[:, i, j].tolist(), exact.inverse[i][j]) < 1e-29
    assert not np.triu(inverse, 1).any()


def triangles(size: int) -> Floats:
    """An upper triangular matrix in double-double."""
    high, low = np.random.default_rng(1).normal(size=(2, size, size))
    return np.stack([np.triu(high), np.triu(high * low) * 2.0**-54])


def test_products_of_triangles_have_30_digits() -> None:
    A = triangles(5)
    B = A[:, ::-1, ::-1].transpose(0, 2, 1).copy()
    found = multiply_upper(A, B)
    for i, j in below_diagonal(5):
        with localcontext(PRECISION):
            terms = [decimal(A[:, j, k]) * decimal(B[:, k, i]) for k in range(5)]
            error = abs(decimal(found[:, j, i]) - sum(terms))
            assert error <= Decimal(2) ** -100 * sum(map(abs, terms))
    assert not np.tril(found, -1).any()


def test_substitution_solves_with_30_digits() -> None:
    lower = triangles(6).transpose(0, 2, 1).copy()
    pivots = np.abs(np.diagonal(lower, axis1=1, axis2=2)[0]) + 1
    for i in range(6):
        lower[:, i, i] = pivots[i], 0.0
    expected = np.arange(6.0) - 2.5
    s = np.zeros((6, 2))
    with localcontext(PRECISION):
        L = [
            [Decimal(int(i == j)) if i <= j else decimal(lower[:, i, j]) for j in range(6)]
            for i in range(6)
        ]
        scaled = [
            Decimal(pivots[j]) * sum(L[i][j] * Decimal(expected[i]) for i in range(j, 6))
            for j in range(6)
        ]
        for i in range(6):
            s[i] = to_double_double(sum((L[i][j] * scaled[j] for j in range(i + 1)), Decimal(0)))
        products, beta = s.copy(), s.copy()
        substitute(lower, products, beta)
        for i in range(6):
            assert abs(decimal(products[i]) - scaled[i]) < Decimal("1e-28")
            assert abs(decimal(beta[i]) - Decimal(expected[i])) < Decimal("1e-28")
