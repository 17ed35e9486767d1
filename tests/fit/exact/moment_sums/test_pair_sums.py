"""Sums of many columns, of which rows are collected in tiles, against lanes and fractions."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from linreg.arrays import Floats
from linreg.fit.exact.double_double.sum_numpy import TILE
from linreg.fit.exact.moment_sums.moments import Moments
from linreg.fit.exact.moment_sums.pair_sums import WIDE, LaneSums, TileSums, pair_sums

NUM_ROWS = 2 * TILE + 100
NUM_FEATURES = WIDE - 2


def drawn() -> tuple[Floats, Floats, Floats]:
    """X (n, M) with columns of very different scales, y, and weights, some of them 0."""
    random = np.random.default_rng(1)
    X = random.normal(size=(NUM_ROWS, NUM_FEATURES)) * 10.0 ** random.integers(-6, 6, NUM_FEATURES)
    X += random.integers(0, 2, NUM_FEATURES) * 1000.0
    w = random.integers(0, 4, NUM_ROWS) * random.random(NUM_ROWS)
    return np.asfortranarray(X), random.normal(size=NUM_ROWS), w


X, y, W = drawn()


def moments_of(w: Floats | None, *cuts: int) -> Moments:
    moments = Moments.zero(NUM_FEATURES, NUM_ROWS)
    for start, end in pairwise([0, *cuts, NUM_ROWS]):
        moments.add(X[start:end], y[start:end], None if w is None else w[start:end])
    return moments


@pytest.fixture(scope="module", params=[None, W], ids=["", "weighted"])
def whole(request: pytest.FixtureRequest) -> tuple[Floats | None, Moments]:
    """Weights, and the moments of all rows at once."""
    return request.param, moments_of(request.param)


def test_many_columns_are_summed_in_tiles() -> None:
    assert isinstance(pair_sums(WIDE, 10**6), TileSums)
    assert isinstance(pair_sums(WIDE - 1, 10**6), LaneSums)


@pytest.mark.slow
def test_sums_agree_with_fractions_to_100_bits(whole: tuple[Floats | None, Moments]) -> None:
    w, moments = whole
    gram = moments.gram()
    weights = [Fraction(1)] * NUM_ROWS if w is None else [*map(Fraction, w.tolist())]
    Z = np.column_stack([np.ones(NUM_ROWS), X, y])
    for i, j in [(0, 0), (7, 0), (7, 7), (NUM_FEATURES, 15), (NUM_FEATURES + 1, 16)]:
        columns = [*map(Fraction, Z[:, i].tolist())], [*map(Fraction, Z[:, j].tolist())]
        terms = [weight * a * b for weight, a, b in zip(weights, *columns, strict=True)]
        assert abs(gram.entry(i, j) - sum(terms)) <= sum(map(abs, terms)) / 2**100


def test_sums_agree_with_those_in_lanes(
    whole: tuple[Floats | None, Moments], monkeypatch: pytest.MonkeyPatch
) -> None:
    w, moments = whole
    monkeypatch.setattr("linreg.fit.exact.moment_sums.pair_sums.WIDE", 10**6)
    expected = moments_of(w).gram()
    found = moments.gram()
    size = np.outer(found.norms, found.norms)
    high, low = found.double_doubles - expected.double_doubles
    assert (np.abs(high + low) <= size / 2**102).all()
    assert (found.num_rows, found.exponents.tolist()) == (NUM_ROWS, expected.exponents.tolist())


@pytest.mark.parametrize("cuts", [(1,), (TILE,), (TILE - 1, TILE + 1, 3000), range(500, 4100, 500)])
def test_the_lengths_of_chunks_do_not_change_a_bit(
    whole: tuple[Floats | None, Moments], cuts: tuple[int, ...]
) -> None:
    w, moments = whole
    np.testing.assert_array_equal(moments_of(w, *cuts).as_array(), moments.as_array())


def test_parts_merged_in_any_order_give_the_same_float64(
    whole: tuple[Floats | None, Moments],
) -> None:
    w, moments = whole
    edges = [slice(3000, NUM_ROWS), slice(0, 700), slice(700, 3000)]
    total = Moments.zero(NUM_FEATURES)
    for rows in edges:
        part = Moments.zero(NUM_FEATURES)
        part.add(X[rows], y[rows], None if w is None else w[rows])
        total = total.merged(part)
    np.testing.assert_array_equal(total.rounded(), moments.rounded())


def test_summing_goes_on_after_the_sums_were_read() -> None:
    moments = moments_of(None)
    before = moments.as_array()
    np.testing.assert_array_equal(moments.as_array(), before)
    moments.add(X[:50], y[:50])
    other = Moments.zero(NUM_FEATURES)
    other.add(np.concatenate([X, X[:50]]), np.concatenate([y, y[:50]]))
    np.testing.assert_array_equal(moments.as_array(), other.as_array())


@pytest.mark.parametrize("size", [1e-150, 1e150])
def test_rows_without_weights_have_weight_1_among_others(size: float) -> None:
    """Whether the weights begin within a tile or before it."""
    for cut in (TILE, TILE + 9):
        mixed = Moments.zero(NUM_FEATURES)
        mixed.add(X[:cut], y[:cut])
        mixed.add(X[cut:], y[cut:], size * W[cut:])
        w = np.concatenate([np.ones(cut), size * W[cut:]])
        np.testing.assert_array_equal(mixed.rounded(), moments_of(w).rounded())


def test_values_that_grow_are_scaled_whenever_they_come() -> None:
    grown = np.asfortranarray(X[:3000] * np.where(np.arange(3000) < 2500, 1e-200, 1e200)[:, None])
    found = [Moments.zero(NUM_FEATURES) for _ in range(2)]
    for start, end in [(0, 900), (900, 2500), (2500, 3000)]:
        found[0].add(grown[start:end], y[start:end])
    found[1].add(grown, y[:3000])
    a, b = (each.gram() for each in found)
    np.testing.assert_array_equal(a.double_doubles[0], b.double_doubles[0])
    np.testing.assert_array_equal(a.exponents, b.exponents)
