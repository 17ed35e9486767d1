"""The arithmetic of eliminating levels, against fractions."""

from fractions import Fraction
from typing import Any

import numpy as np

from linreg.arrays import Floats
from linreg.fit.exact.double_double import level_kernels
from linreg.fit.exact.double_double.level_kernels import LEVELS_PER_BLOCK, ROWS_PER_BLOCK

RANDOM = np.random.default_rng(1)


def double_doubles(*shape: int) -> Floats:
    """Numbers (2, …) in double-double, of very different sizes."""
    high = np.ldexp(RANDOM.normal(size=shape), RANDOM.integers(-20, 20, shape))
    return np.stack([high, high * RANDOM.uniform(-(2.0**-54), 2.0**-54, shape)])


def exact(values: Floats) -> Any:
    """The fractions that numbers in double-double are."""
    to_fractions = np.frompyfunc(Fraction, 1, 1)
    return to_fractions(values[0]) + to_fractions(values[1])


def test_quotients_have_100_bits() -> None:
    A, d = double_doubles(30, 4), double_doubles(30)
    d[:, 7] = 0.0
    found = exact(level_kernels.divide_rows(A, d))
    assert not found[7].any()
    for i in set(range(30)) - {7}:
        for j in range(4):
            expected = exact(A)[i, j] / exact(d)[i]
            assert abs(found[i, j] - expected) <= abs(expected) / 2**102


def test_products_are_added_to_100_bits() -> None:
    A, B, total = double_doubles(5, 40), double_doubles(40, 3), double_doubles(5, 3)
    A[:, :, 11] = 0.0
    expected = exact(total) + exact(A) @ exact(B)
    size = abs(exact(total)) + abs(exact(A)) @ abs(exact(B))
    level_kernels.add_products(A, B, total)
    assert (abs(exact(total) - expected) <= size / 2**98).all()


def test_products_are_subtracted_from_the_lower_triangle_to_100_bits() -> None:
    """Of more levels and rows than in a block."""
    num_levels, k = 2 * LEVELS_PER_BLOCK + 5, ROWS_PER_BLOCK + 3
    A, B, S = double_doubles(num_levels, k), double_doubles(num_levels, k), double_doubles(k, k)
    before = S.copy()
    level_kernels.subtract_products(S, A, B)
    above = np.triu_indices(k, 1)
    np.testing.assert_array_equal(S[:, *above], before[:, *above])
    for i, j in [(0, 0), (ROWS_PER_BLOCK - 1, 3), (k - 1, 0), (k - 1, k - 1), (ROWS_PER_BLOCK, 2)]:
        terms = [*(exact(A[:, :, i]) * exact(B[:, :, j])), exact(before)[i, j]]
        expected = terms[-1] - sum(terms[:-1])
        assert abs(exact(S)[i, j] - expected) <= sum(map(abs, terms)) / 2**98


def test_the_number_of_levels_costs_no_digits() -> None:
    """Measured: 2^-103 of the sum; 2^-93 if all remainders go into one number."""
    values = np.zeros((2, 100_000, 1))
    values[0, :, 0] = RANDOM.uniform(1.0, 2.0, 100_000)
    squares = [Fraction(value) ** 2 for value in values[0, :, 0].tolist()]
    S = np.zeros((2, 1, 1))
    S[0] = 240_000.0
    level_kernels.subtract_products(S, values, values)
    assert abs(exact(S)[0, 0] - (240_000 - sum(squares))) <= sum(squares) / 2**101


def test_sums_by_level_are_exact() -> None:
    """To 2^-150 of the largest term, which those of another sign cancel."""
    codes = RANDOM.integers(-1, 3, 400).astype(np.int32)
    X = np.asfortranarray(
        np.ldexp(RANDOM.normal(size=(400, 2)), RANDOM.integers(-30, 30, (400, 2)))
    )
    y, w = RANDOM.normal(size=400), RANDOM.random(400)
    for weights in (w, np.empty(0)):
        sums = np.zeros((3, 4, 3))
        factors = np.array([1.0, 2.0**-3, 1.0, 2.0**5, 2.0])
        level_kernels.add_rows_to_levels(codes, X, y, weights, factors, sums)
        Z = (np.column_stack([np.ones(400), X, y]) * factors[:-1]).tolist()
        for level in range(3):
            rows = np.flatnonzero(codes == level).tolist()
            for j in range(4):
                terms = [Fraction(Z[i][j]) for i in rows]
                if len(weights):
                    terms = [2 * Fraction(w[i]) * t for i, t in zip(rows, terms, strict=True)]
                found = sum(map(Fraction, sums[level, j].tolist()), Fraction(0))
                largest = max(abs(term) for term in terms)
                assert abs(found - sum(terms, Fraction(0))) <= largest / 2**150


def test_pairs_of_levels_have_the_weights_of_their_rows() -> None:
    a, b = RANDOM.integers(-1, 3, (2, 400)).astype(np.int32)
    w = RANDOM.integers(0, 5, 400).astype(float)
    for weights, factor, of_rows in ((w, 0.5, w / 2), (np.empty(0), 1.0, np.ones(400))):
        sums = np.zeros((3, 3, 3))
        level_kernels.add_rows_to_pairs(a, b, weights, factor, sums)
        for i in range(3):
            for j in range(3):
                assert sums[i, j].tolist() == [of_rows[(a == i) & (b == j)].sum(), 0, 0]
