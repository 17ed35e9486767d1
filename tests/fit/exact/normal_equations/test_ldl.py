from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.fit.exact.moment_sums.gram import MOMENT_ERROR
from linreg.fit.exact.normal_equations.ldl import (
    PRECISION,
    ColumnRounding,
    factorize,
    from_double_double,
    times_power_of_two,
    to_double_double,
)
from tests.fit.exact.normal_equations.gram_matrices import (
    KEPT,
    exact_cells,
    gram_of,
    nearly_collinear,
)


def full(gram: list[list[Decimal]], kept: list[int]) -> list[list[Decimal]]:
    """The symmetric matrix of the kept rows and columns."""
    return [[gram[max(i, j)][min(i, j)] for j in kept] for i in kept]


def product(A: list[list[Decimal]], B: list[list[Decimal]]) -> list[list[Decimal]]:
    columns = list(zip(*B, strict=True))
    return [
        [sum((a * b for a, b in zip(row, column, strict=True)), Decimal(0)) for column in columns]
        for row in A
    ]


def largest_difference(A: list[list[Decimal]], B: list[list[Decimal]]) -> Decimal:
    differences = [
        abs(a - b) for of_a, of_b in zip(A, B, strict=True) for a, b in zip(of_a, of_b, strict=True)
    ]
    return max(differences)


def test_the_factors_multiply_to_the_gram_matrix() -> None:
    """Measured: 1e-57."""
    gram = gram_of(nearly_collinear())
    factors = factorize(gram, exact_cells(gram))
    assert factors.kept == KEPT
    p = len(KEPT)
    with localcontext(PRECISION):
        U = [
            [factors.upper[j][i] if i < j else Decimal(int(i == j)) for j in range(p)]
            for i in range(p)
        ]
        D = [[factors.pivots[i] if i == j else Decimal(0) for j in range(p)] for i in range(p)]
        transposed = [list(column) for column in zip(*U, strict=True)]
        S = full(gram, KEPT)
        assert largest_difference(product(product(transposed, D), U), S) < Decimal("1e-54")


def test_the_inverse_cholesky_factor_inverts_the_gram_matrix() -> None:
    """S·W·Wᵀ = I to the 32 digits of W, of which a condition number of 1e20 takes its half."""
    gram = gram_of(nearly_collinear())
    factors = factorize(gram, exact_cells(gram))
    found = factors.inverse_cholesky()
    p = len(KEPT)
    assert not np.tril(found, -1).any()
    with localcontext(PRECISION):
        W = [[from_double_double(found[:, i, j].tolist()) for j in range(p)] for i in range(p)]
        transposed = [list(column) for column in zip(*W, strict=True)]
        identity = [[Decimal(int(i == j)) for j in range(p)] for i in range(p)]
        inverse = product(product(full(gram, KEPT), W), transposed)
        assert largest_difference(inverse, identity) < Decimal("1e-12")


def test_solving_inverts_multiplication() -> None:
    gram = gram_of(nearly_collinear())
    factors = factorize(gram, exact_cells(gram))
    expected = [Decimal(i * i - 20) for i in range(len(KEPT))]
    with localcontext(PRECISION):
        right = [row[0] for row in product(full(gram, KEPT), [[value] for value in expected])]
        beta, form = factors.solve(right)
        differences = [abs(a - b) for a, b in zip(beta, expected, strict=True)]
        quadratic = sum((a * b for a, b in zip(expected, right, strict=True)), Decimal(0))
        assert max(differences) < Decimal("1e-35")
        # βᵀSβ, by S·β = right.
        assert abs(form - quadratic) < Decimal("1e-50") * abs(quadratic)


def test_linear_dependencies_have_the_coefficients_of_earlier_columns() -> None:
    """Measured: 1e-38, as the condition number is 1e20."""
    gram = gram_of(nearly_collinear())
    dependencies = factorize(gram, exact_cells(gram)).dependencies
    assert [each.column for each in dependencies] == [7, 12]
    expected = [{3: Decimal(2)}, {0: Decimal(1), 2: Decimal("-0.25")}]
    for dependency, coefficients in zip(dependencies, expected, strict=True):
        assert set(dependency.coefficients) == {i for i in KEPT if i < dependency.column}
        for i, value in dependency.coefficients.items():
            assert abs(value - coefficients.get(i, Decimal(0))) < Decimal("1e-35")


@pytest.mark.parametrize("cells", [0.0, 2.0**-53, 2.0**-24])
@pytest.mark.parametrize("factor", [1.0, 100.0])
def test_a_column_is_collinear_if_rounding_may_be_all_of_its_residual(
    cells: float, factor: float
) -> None:
    """The second column is z = βx + r; x of norm 2 weighs β in what rounding explains."""
    cells_of_z = 3 * factor * cells
    explained = (cells_of_z + factor * 2 * cells) ** 2
    explained += MOMENT_ERROR * (3 * factor + factor * 2) ** 2
    for remainder, kept in (("1.001", [0, 1]), ("0.999", [0])):
        with localcontext(PRECISION):
            beta = Decimal(factor)
            pivot = Decimal(explained) * Decimal(remainder)
            gram = [[Decimal(4)], [4 * beta, 4 * beta * beta + pivot]]
            roundings = [ColumnRounding(2 * cells, 2.0), ColumnRounding(cells_of_z, 3 * factor)]
            factors = factorize(gram, roundings)
        assert factors.kept == kept
        assert len(factors.dependencies) == 2 - len(kept)


def test_a_column_of_zeros_depends_on_none() -> None:
    gram = [[Decimal(0)], [Decimal(0), Decimal(2)], [Decimal(0), Decimal(0), Decimal(0)]]
    factors = factorize(gram, exact_cells(gram))
    assert factors.kept == [1]
    assert [each.coefficients for each in factors.dependencies] == [{}, {1: Decimal(0)}]


def test_no_columns_have_an_empty_factorization() -> None:
    factors = factorize([], [])
    assert not factors.kept
    assert factors.inverse_cholesky().shape == (2, 0, 0)
    assert factors.solve([]) == ([], Decimal(0))


@given(st.fractions(), st.integers(-1000, 1000))
def test_a_fraction_times_a_power_of_two_is_rounded_once(value: Fraction, exponent: int) -> None:
    found = times_power_of_two(value, exponent)
    exact = value * Fraction(2) ** exponent
    assert abs(Fraction(found) - exact) <= abs(exact) * Fraction(10) ** -59 / 2


@given(st.fractions(max_denominator=10**40))
def test_a_double_double_has_32_digits(fraction: Fraction) -> None:
    value = times_power_of_two(fraction, 0)
    with localcontext(PRECISION):
        parts = to_double_double(value)
        assert parts[0] == float(value)
        assert abs(from_double_double(parts) - value) <= abs(value) * Decimal(2) ** -106
