from collections.abc import Iterator
from decimal import Decimal, localcontext

import numpy as np
import pytest

from linreg.arrays import Floats
from linreg.fit.exact.ldl import (
    LDL,
    PIVOT_TOLERANCE,
    PRECISION,
    factorize,
    from_double_double,
    to_double_double,
)
from linreg.fit.exact.ldl_kernels import factorize_lower, invert_unit_lower
from tests.fit.exact.gram_matrices import KEPT, gram_of, nearly_collinear


@pytest.fixture(scope="module")
def gram() -> list[list[Decimal]]:
    return gram_of(nearly_collinear())


@pytest.fixture(scope="module")
def exact(gram: list[list[Decimal]]) -> LDL:
    """The factorization with 60 digits."""
    return factorize(gram)


def in_double_double(gram: list[list[Decimal]]) -> Floats:
    S = np.zeros((len(gram), len(gram), 2))
    with localcontext(PRECISION):
        for i, row in enumerate(gram):
            S[i, : i + 1] = [to_double_double(value) for value in row]
    return S


def relative_difference(parts: list[float], exact: Decimal) -> float:
    with localcontext(PRECISION):
        return float(abs(from_double_double(parts) / exact - 1))


def below_diagonal(size: int) -> Iterator[tuple[int, int]]:
    return ((i, j) for i in range(size) for j in range(i))


def test_the_factors_are_those_of_60_digits_less_the_condition_number(
    gram: list[list[Decimal]], exact: LDL
) -> None:
    """Measured: 1e-31 before the nearly collinear column, 9e-13 of its pivot of 1e-19."""
    L, kept = factorize_lower(in_double_double(gram), float(PIVOT_TOLERANCE))
    assert np.flatnonzero(kept).tolist() == KEPT
    for i, j in below_diagonal(4):
        assert relative_difference(L[i, j].tolist(), exact.upper[i][j]) < 1e-29
    for i in range(4):
        assert relative_difference(L[i, i].tolist(), exact.pivots[i]) < 1e-28
    for position, column in enumerate(KEPT):
        assert relative_difference(L[column, column].tolist(), exact.pivots[position]) < 1e-11


def test_rows_of_collinear_columns_hold_their_coefficients_before_substitution(
    gram: list[list[Decimal]],
) -> None:
    """Column 7 is twice column 3: its row of L is twice that of column 3."""
    L, kept = factorize_lower(in_double_double(gram), float(PIVOT_TOLERANCE))
    assert not kept[[7, 12]].any()
    np.testing.assert_array_equal(L[7, :3], 2 * L[3, :3])
    assert L[7, 3].tolist() == [2.0, 0.0]
    # A column that was left out explains none of those after it.
    assert not L[8:, 7].any()


def test_the_inverse_of_a_unit_triangle_is_that_of_60_digits(exact: LDL) -> None:
    """Measured: 1e-31 for the well-conditioned columns."""
    size = 4
    L = np.zeros((size, size, 2))
    with localcontext(PRECISION):
        for i, j in below_diagonal(size):
            L[i, j] = to_double_double(exact.upper[i][j])
    inverse = invert_unit_lower(L)
    W = exact.inverse_cholesky()
    for i in range(size):
        assert inverse[i, i].tolist() == [1.0, 0.0]
        for j in range(i):
            with localcontext(PRECISION):
                entry = W[i][j] / W[i][i]
            assert relative_difference(inverse[i, j].tolist(), entry) < 1e-29
    assert not inverse[np.triu_indices(size, 1)].any()
