"""The compiled factorization against that of 60 digits."""

from decimal import Decimal, localcontext

import numpy as np
import pytest

from linreg.arrays import Floats
from linreg.fit.exact.normal_equations.compiled_ldl import CompiledLDL, factorize_compiled
from linreg.fit.exact.normal_equations.ldl import LDL, PRECISION, factorize, to_double_double
from tests.fit.exact.normal_equations.gram_matrices import (
    KEPT,
    exact_cells,
    gram_of,
    nearly_collinear,
)

GRAM = gram_of(nearly_collinear())
WELL_CONDITIONED = [[Decimal(1) / (1 + i - j) + (i == j) for j in range(i + 1)] for i in range(20)]


def compiled(gram: list[list[Decimal]], penalty: Decimal = Decimal(0)) -> CompiledLDL:
    S = np.zeros((2, len(gram), len(gram)))
    with localcontext(PRECISION):
        for i, row in enumerate(gram):
            S[:, i, : i + 1] = np.transpose([to_double_double(value) for value in row])
    return factorize_compiled(S, [penalty] * len(gram), exact_cells(gram))


def floats(gram: list[list[Decimal]]) -> Floats:
    size = len(gram)
    return np.array([[float(gram[max(i, j)][min(i, j)]) for j in range(size)] for i in range(size)])


def right_side(factors: CompiledLDL | LDL) -> list[Decimal]:
    return [Decimal(i * i - 20) for i in range(len(factors.kept))]


def test_the_same_columns_are_kept_with_the_same_dependencies() -> None:
    """Measured: 3e-13, as the condition number is 1e20."""
    found, exact = compiled(GRAM), factorize(GRAM, exact_cells(GRAM))
    assert found.kept == exact.kept == KEPT
    for ours, theirs in zip(found.dependencies, exact.dependencies, strict=True):
        assert ours.column == theirs.column
        for i, value in theirs.coefficients.items():
            assert abs(ours.coefficients[i] - value) < Decimal("1e-11")


def test_a_well_conditioned_system_is_solved_to_30_digits() -> None:
    """Measured: 3e-31."""
    found, exact = (
        compiled(WELL_CONDITIONED),
        factorize(WELL_CONDITIONED, exact_cells(WELL_CONDITIONED)),
    )
    (ours, form), (theirs, exact_form) = (each.solve(right_side(each)) for each in (found, exact))
    for a, b in zip(ours, theirs, strict=True):
        assert abs(a - b) < Decimal("1e-28")
    assert abs(form / exact_form - 1) < Decimal("1e-29")


def test_the_inverse_cholesky_factor_is_the_same() -> None:
    found, exact = (
        compiled(WELL_CONDITIONED),
        factorize(WELL_CONDITIONED, exact_cells(WELL_CONDITIONED)),
    )
    ours, theirs = found.inverse_cholesky(), exact.inverse_cholesky()
    assert np.abs((ours[0] - theirs[0]) + (ours[1] - theirs[1])).max() < 1e-29
    W = ours[0]
    np.testing.assert_allclose(W @ W.T @ floats(WELL_CONDITIONED), np.eye(20), atol=1e-13)


@pytest.mark.parametrize("factors", [compiled(GRAM), factorize(GRAM, exact_cells(GRAM))])
def test_another_column_is_a_combination_of_those_kept(factors: CompiledLDL | LDL) -> None:
    """That with the products of column 4, whose sum of squares is larger by 3."""
    with localcontext(PRECISION):
        products = [GRAM[max(4, i)][min(4, i)] for i in range(len(GRAM))]
        combination, unexplained = factors.combination(products, GRAM[4][4] + 3)
        assert abs(unexplained - 3) < Decimal("1e-8")
        for i, value in zip(factors.kept, combination, strict=True):
            assert abs(value + (i == 4)) < Decimal("1e-8")


def test_a_penalty_is_added_to_the_diagonal() -> None:
    with_penalty = [[*row[:-1], row[-1] + Decimal("0.1")] for row in WELL_CONDITIONED]
    np.testing.assert_array_equal(
        compiled(WELL_CONDITIONED, Decimal("0.1")).lower, compiled(with_penalty).lower
    )
