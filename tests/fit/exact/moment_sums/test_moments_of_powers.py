"""Moments of columns that are powers of others, against the exact powers in fractions."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import CompactMatrix, Indicators, Layout, Monomial
from linreg.fit.exact.moment_sums.any_moments import moments_from_array
from linreg.fit.exact.moment_sums.gram import FRACTION_BITS
from linreg.fit.exact.moment_sums.level_moments import LevelMoments
from linreg.fit.exact.moment_sums.moments import Moments
from tests.fit.exact.moment_sums.test_moments import entries

MONOMIALS = (Monomial(1, (0, 0)), Monomial(2, (0,) * 3), Monomial(4, (0, 0, 3)))


def drawn(num_rows: int, exponent: int = 0, seed: int = 1) -> tuple[Floats, Floats, Floats]:
    """Columns x, x², x³, z and x²z, y, and weights, some of them 0."""
    random = np.random.default_rng(seed)
    x = np.ldexp(random.normal(size=num_rows) + random.choice([0, 1000]), exponent)
    z, y = random.normal(size=(2, num_rows))
    X = np.column_stack([x, x * x, x * x * x, z, x * x * z])
    return X, y, random.integers(0, 4, num_rows) * random.random(num_rows)


def moments_of(
    X: Floats, y: Floats, w: Floats | None = None, cuts: list[int] | None = None
) -> Moments:
    moments = Moments.zero(X.shape[1], monomials=MONOMIALS)
    for start, end in pairwise([0, *sorted(cuts or []), len(y)]):
        moments.add(X[start:end], y[start:end], None if w is None else w[start:end])
    return moments


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_they_are_those_of_exact_powers(weighted: bool, seed: int) -> None:
    """Measured: 2^-103 of the sum of absolute terms; of rounded powers it is 2^-53."""
    X, y, w = drawn(150, seed=seed)
    weights = w if weighted else np.ones(150)
    found = entries(moments_of(X, y, w if weighted else None))
    rows = []
    for (x, _, _, z, _), target in zip(X.tolist(), y.tolist(), strict=True):
        real, other = Fraction(x), Fraction(z)
        powers = [Fraction(1), real, real**2, real**3, other, real**2 * other]
        rows.append([*powers, Fraction(target)])
    for i in range(7):
        for j in range(i + 1):
            pairs = zip(weights.tolist(), rows, strict=True)
            terms = [Fraction(weight) * row[i] * row[j] for weight, row in pairs]
            assert abs(found[i][j] - sum(terms)) <= sum(map(abs, terms)) / 2**102


ROWS = drawn(900)


@settings(max_examples=20)
@given(st.lists(st.integers(0, 900), max_size=3), st.booleans())
def test_the_lengths_of_chunks_do_not_change_a_bit(cuts: list[int], weighted: bool) -> None:
    X, y, w = ROWS
    weights = w if weighted else None
    expected = moments_of(X, y, weights).as_array()
    np.testing.assert_array_equal(moments_of(X, y, weights, cuts).as_array(), expected)


def test_parts_that_are_merged_or_sent_have_the_same_gram_matrix() -> None:
    X, y, w = drawn(500)
    whole = moments_of(X, y, w)
    first, second = moments_of(X[:123], y[:123], w[:123]), moments_of(X[123:], y[123:], w[123:])
    sent = Moments.from_array(5, second.as_array(), MONOMIALS)
    for found in (first.merged(second), sent.merged(first)):
        np.testing.assert_array_equal(found.rounded(), whole.rounded())


@pytest.mark.parametrize("exponent", [-280, -90, 90, 280])
def test_scaling_by_powers_of_two_scales_the_moments_exactly(exponent: int) -> None:
    scaled, plain = (entries(moments_of(*drawn(60, each))) for each in (exponent, 0))
    degrees = [0, 1, 2, 3, 0, 2, 0]
    for i, row in enumerate(plain):
        for j, entry in enumerate(row):
            assert scaled[i][j] == entry * Fraction(2) ** (exponent * (degrees[i] + degrees[j]))


def test_many_columns_beside_them_change_nothing() -> None:
    """From 128 columns on the sums are those of tiles."""
    X, y, w = drawn(100)
    others = np.random.default_rng(2).normal(size=(100, 125))
    found = moments_of(np.column_stack([X, others]), y, w).gram()
    expected = moments_of(X, y, w).gram()
    for row, their_row in zip(found.rows[:6], expected.rows[:6], strict=True):
        for a, b in zip(row, their_row, strict=True):
            # The lengths of scaled columns are at most 2.
            assert abs(a - b) <= 4 * 2**FRACTION_BITS // 2**102


@pytest.mark.parametrize("weighted", [False, True])
def test_sums_by_level_are_those_of_indicators(weighted: bool) -> None:
    """Whatever columns the category has before the powers, and at any scale of them."""
    X, y, w = drawn(200, exponent=140)
    codes = np.random.default_rng(4).integers(-1, 4, 200).astype(np.int32)
    later = tuple(Monomial(j + 4, tuple(k + 4 for k in factors)) for j, factors in MONOMIALS)
    layout = Layout(9, (Indicators(0, 4),), (), later)
    compact = CompactMatrix(layout, np.asfortranarray(X), (codes,))
    weights = w if weighted else None
    by_level = LevelMoments(layout)
    for rows in (slice(0, 70), slice(70, 200)):
        by_level.add(compact[rows], y[rows], None if weights is None else weights[rows])
    sent = moments_from_array(layout, by_level.as_array())
    expected = Moments.zero(9, monomials=later)
    expected.add(compact.to_array(), y, weights)
    for found in (by_level, sent, by_level.merged(LevelMoments(layout))):
        assert (found.gram().exponents == expected.gram().exponents).all()
        for row, their_row in zip(found.gram().rows, expected.gram().rows, strict=True):
            for a, b in zip(row, their_row, strict=True):
                assert abs(a - b) <= 4 * 2**FRACTION_BITS // 2**102
