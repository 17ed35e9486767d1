"""The remainders of powers against products in fractions, and numpy against the kernel."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import Monomial
from linreg.fit.exact.double_double.remainders import with_remainders
from linreg.fit.exact.double_double.sum_numpy import MAX_PRODUCTS

KERNELS = MAX_PRODUCTS
MONOMIALS = (
    Monomial(2, (0, 0)),
    Monomial(3, (0,) * 3),
    Monomial(4, (0,) * 10),
    Monomial(5, (0, 0, 1)),
)


def rows(num_rows: int, exponent: int = 0, seed: int = 1) -> Floats:
    """Columns x, z, x², x³, x¹⁰ and x²z as a design multiplies them out."""
    random = np.random.default_rng(seed)
    x = np.ldexp(random.normal(3, 2, num_rows), exponent)
    z = random.normal(size=num_rows)
    powers = [x]
    with np.errstate(over="ignore", under="ignore"):
        for _ in range(9):
            powers.append(powers[-1] * x)
    X = np.column_stack([x, z, powers[1], powers[2], powers[9], x * x * z])
    return np.asfortranarray(X)


@pytest.mark.parametrize("expected_rows", [0, KERNELS])
def test_column_and_remainder_are_the_exact_product(expected_rows: int) -> None:
    """Measured: 2^-102 at most."""
    X = rows(300)
    extended = with_remainders(X, MONOMIALS, expected_rows)
    np.testing.assert_array_equal(extended[:, len(MONOMIALS) :], X)
    for k, (column, factors) in enumerate(MONOMIALS):
        for row, high, low in zip(X.tolist(), X[:, column], extended[:, k], strict=True):
            exact = Fraction(1)
            for factor in factors:
                exact *= Fraction(row[factor])
            assert abs(Fraction(float(high)) + Fraction(float(low)) - exact) <= abs(exact) / 2**100


@settings(max_examples=40)
@given(
    num_rows=st.integers(1, 3000),
    exponent=st.sampled_from([0, 20, -20, 100, -100, -110, 200, -300]),
    seed=st.integers(0, 1000),
)
def test_numpy_has_the_bits_of_the_kernel(num_rows: int, exponent: int, seed: int) -> None:
    X = rows(num_rows, exponent, seed)
    ours, kernel = (with_remainders(X, MONOMIALS, expected) for expected in (0, KERNELS))
    assert ours.tobytes() == kernel.tobytes()
    of_remainders = ours[:, : len(MONOMIALS)]
    assert np.isfinite(of_remainders).all()


@settings(max_examples=20)
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=3))
def test_chunks_change_no_bit(lengths: list[int]) -> None:
    X = rows(sum(lengths))
    parts = np.split(X, np.cumsum(lengths)[:-1])
    together = np.concatenate([with_remainders(part, MONOMIALS) for part in parts])
    np.testing.assert_array_equal(together, with_remainders(X, MONOMIALS))


def test_powers_of_small_integers_have_none() -> None:
    X = np.arange(-30.0, 31.0)[:, None] ** [1, 2, 3, 10]
    monomials = [Monomial(k, (0,) * power) for k, power in ((1, 2), (2, 3), (3, 10))]
    extended = with_remainders(np.asfortranarray(X), monomials)
    assert not extended[:, :3].any()
