"""Weights of pairs of levels, against sums in fractions."""

from fractions import Fraction

import numpy as np
import pytest

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import Codes
from linreg.fit.exact.moment_sums.paired_levels import PairedLevels

SIZES = (40, 30)
NONE = np.empty(0)


def drawn(num_rows: int, seed: int = 1) -> tuple[Codes, Codes, Floats]:
    """Codes of two categories, and weights of very different sizes."""
    random = np.random.default_rng(seed)
    first, second = (random.integers(-1, size, num_rows).astype(np.int32) for size in SIZES)
    return first, second, np.exp(random.uniform(-30, 30, num_rows))


def summed(codes: tuple[Codes, Codes], w: Floats, *cuts: int) -> PairedLevels:
    """The sums of rows that come in chunks."""
    result = PairedLevels(SIZES)
    rows = np.split(np.arange(len(codes[0])), cuts)
    for own in rows:
        result.add(codes[0][own], codes[1][own], w[own] if len(w) else w, 1.0)
    return result


@pytest.mark.parametrize("weighted", [False, True])
def test_weights_are_the_exact_sums_to_100_bits(weighted: bool) -> None:
    first, second, w = drawn(3000)
    links = summed((first, second), w if weighted else NONE, 7, 1000, 1001, 2900).links(3)
    expected: dict[tuple[int, int], Fraction] = {}
    for a, b, weight in zip(first.tolist(), second.tolist(), w.tolist(), strict=True):
        of_row = 8 * Fraction(weight) if weighted else 8
        expected[a, b] = expected.get((a, b), Fraction(0)) + of_row
    pairs = list(zip(links.first.tolist(), links.second.tolist(), strict=True))
    assert pairs == sorted(expected)
    for pair, high, low in zip(pairs, *links.weights.tolist(), strict=True):
        error = abs(Fraction(high) + Fraction(low) - expected[pair])
        assert error <= expected[pair] / 2**100


@pytest.mark.parametrize("weighted", [False, True])
def test_neither_chunks_nor_the_order_of_merging_change_a_bit(weighted: bool) -> None:
    first, second, w = drawn(2000)
    weights = w if weighted else NONE
    expected = summed((first, second), weights).as_array()
    cuts = [1, 2, 3, 500, 501, 1500]
    np.testing.assert_array_equal(summed((first, second), weights, *cuts).as_array(), expected)
    parts = [
        summed((first[rows], second[rows]), w[rows] if weighted else NONE)
        for rows in np.array_split(np.arange(2000), 5)
    ]
    for order in ([0, 1, 2, 3, 4], [4, 2, 0, 3, 1]):
        total = PairedLevels(SIZES)
        for k in order:
            total = total.merged(parts[k])
        np.testing.assert_array_equal(total.as_array(), expected)


@pytest.mark.parametrize("num_rows", [0, 500])
@pytest.mark.parametrize("weighted", [False, True])
def test_an_array_holds_all_there_is(num_rows: int, weighted: bool) -> None:
    first, second, w = drawn(num_rows)
    found = summed((first, second), w if weighted else NONE)
    before = np.arange(5.0)
    again, rest = PairedLevels(SIZES).split_off(np.concatenate([before, found.as_array()]))
    np.testing.assert_array_equal(rest, before)
    np.testing.assert_array_equal(again.as_array(), found.as_array())
    for one, other in zip(again.links(0), found.links(0), strict=True):
        np.testing.assert_array_equal(one, other)


def test_counts_of_rows_take_two_numbers_a_pair() -> None:
    first, second, _ = drawn(5000)
    found = summed((first, second), NONE)
    assert len(found.as_array()) == 2 * len(found.links(0).first) + 2
