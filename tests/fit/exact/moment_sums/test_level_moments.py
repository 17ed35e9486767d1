"""Sums by level against the moments of the same rows with all their zeros."""

from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.arrays import Floats
from linreg.errors import UserError
from linreg.fit.exact.moment_sums.any_moments import merged, moments_from_array, no_moments
from linreg.fit.exact.moment_sums.gram import MOMENT_ERROR, Gram
from linreg.fit.exact.moment_sums.level_moments import LevelMoments
from linreg.fit.exact.moment_sums.moments import Moments
from tests.fit.exact.compact_rows import CompactRows, dense_moments, drawn, layout_of, level_moments

SIZES = [(5,), (1, 5), (5, 1, 1, 3), (4, 1, 6, 3, 1)]
ROWS = drawn(300, 1, 4, 1, 3, weighted=True)


def assert_same_gram(found: Gram, expected: Gram) -> None:
    """The same float64, and remainders that differ by no more than the error of an entry."""
    assert found.num_rows == expected.num_rows
    np.testing.assert_array_equal(found.exponents, expected.exponents)
    high, low = found.double_doubles - expected.double_doubles
    assert not np.tril(high).any()
    assert (np.tril(np.abs(low)) <= MOMENT_ERROR * np.outer(found.norms, found.norms)).all()
    np.testing.assert_array_equal(found.norms, expected.norms)
    # The cells of an indicator are exact.
    assert (found.cells <= expected.cells).all()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("sizes", SIZES)
def test_the_gram_matrix_is_that_of_all_columns(sizes: tuple[int, ...], weighted: bool) -> None:
    rows = drawn(200, *sizes, weighted=weighted)
    found, expected = level_moments(rows), dense_moments(rows)
    assert_same_gram(found.gram(), expected.gram())
    assert found.num_features == expected.num_features
    assert (found.num_rows, found.num_weighted) == (expected.num_rows, expected.num_weighted)
    assert found.totals().mean(-1) == expected.totals().mean(-1)


@pytest.mark.parametrize("size", [1e-300, 1e-150, 1e150, 1e300])
def test_columns_of_any_size_keep_their_digits(size: float) -> None:
    rows = drawn(100, 1, 4, 1, 3, weighted=True)
    dense = np.asfortranarray(rows.X.dense * [size, 1.0])
    scaled = CompactRows(rows.with_dense(dense).X, rows.y / size, rows.w)
    assert_same_gram(level_moments(scaled).gram(), dense_moments(scaled).gram())


@pytest.mark.parametrize("size", [1e-150, 1e150])
def test_weights_of_any_size_keep_their_digits(size: float) -> None:
    assert ROWS.w is not None
    scaled = CompactRows(ROWS.X, ROWS.y, ROWS.w * size)
    assert_same_gram(level_moments(scaled).gram(), dense_moments(scaled).gram())


def test_a_column_may_have_tiny_and_huge_values() -> None:
    """Whichever comes first, and in whichever chunk."""
    rows = drawn(60, 1, 4, 3)
    exponents = np.random.default_rng(2).integers(-300, 300, 60)
    wide = rows.with_dense(np.asfortranarray(rows.X.dense * 10.0 ** exponents[:, None]))
    expected = dense_moments(wide).gram()
    for cuts in ([], [1, 2, 3], list(range(1, 60))):
        assert_same_gram(level_moments(wide, cuts).gram(), expected)


@given(st.lists(st.integers(0, 300), max_size=6), st.booleans())
def test_the_lengths_of_chunks_do_not_change_a_bit(cuts: list[int], weighted: bool) -> None:
    rows = ROWS if weighted else CompactRows(ROWS.X, ROWS.y)
    expected = level_moments(rows).as_array()
    np.testing.assert_array_equal(level_moments(rows, cuts).as_array(), expected)


@pytest.mark.slow
@given(st.lists(st.integers(0, 300), min_size=1, max_size=4), st.booleans(), st.randoms())
def test_parts_merged_in_any_order_give_the_same_float64(
    cuts: list[int], weighted: bool, random: Random
) -> None:
    rows = ROWS if weighted else CompactRows(ROWS.X, ROWS.y)
    parts = [level_moments(rows[a:b]) for a, b in pairwise([0, *sorted(cuts), 300])]
    random.shuffle(parts)
    total = LevelMoments(rows.X.layout)
    for part in parts:
        total = total.merged(part)
    found, expected = total.gram(), level_moments(rows).gram()
    np.testing.assert_array_equal(found.double_doubles[0], expected.double_doubles[0])
    assert total.num_rows == 300


@pytest.mark.parametrize("size", [1e-200, 1e-150, 1.0, 1e150, 1e200])
def test_rows_without_weights_have_weight_1_among_others(size: float) -> None:
    assert ROWS.w is not None
    w = ROWS.w * size
    first, last = CompactRows(ROWS.X[:90], ROWS.y[:90]), CompactRows(ROWS.X, ROWS.y, w)[90:]
    mixed, swapped = level_moments(first), level_moments(last)
    mixed.add(last.X, last.y, last.w)
    swapped.add(first.X, first.y)
    joined = level_moments(first).merged(level_moments(last))
    with_ones: Floats = np.where(np.arange(300) < 90, 1.0, w)
    expected = dense_moments(CompactRows(ROWS.X, ROWS.y, with_ones)).gram()
    for found in (mixed, swapped, joined):
        np.testing.assert_array_equal(found.gram().double_doubles[0], expected.double_doubles[0])


def test_moments_can_be_sent_to_another_process() -> None:
    values = level_moments(ROWS).as_array()
    sent = moments_from_array(ROWS.X.layout, values)
    assert isinstance(sent, LevelMoments)
    np.testing.assert_array_equal(sent.as_array(), values)
    assert_same_gram(sent.gram(), level_moments(ROWS).gram())
    sent.add(ROWS.X, ROWS.y)
    expected = merged(level_moments(ROWS), level_moments(CompactRows(ROWS.X, ROWS.y)))
    np.testing.assert_array_equal(sent.as_array(), expected.as_array())


def test_no_rows_add_nothing() -> None:
    moments, layout = level_moments(ROWS), ROWS.X.layout
    before = moments.as_array()
    nothing = ROWS[:0]
    moments.add(nothing.X, nothing.y, nothing.w)
    np.testing.assert_array_equal(moments.merged(LevelMoments(layout)).as_array(), before)
    np.testing.assert_array_equal(LevelMoments(layout).merged(moments).as_array(), before)


def test_the_memory_layout_of_rows_changes_no_bit() -> None:
    expected = level_moments(ROWS[::2]).as_array()
    for dense in (np.ascontiguousarray(ROWS.X.dense), np.repeat(ROWS.X.dense, 2, axis=1)[:, ::2]):
        np.testing.assert_array_equal(
            level_moments(ROWS.with_dense(dense)[::2]).as_array(), expected
        )


def test_weights_of_levels_are_the_sums_of_their_rows() -> None:
    moments = level_moments(ROWS)
    assert ROWS.w is not None
    for k, codes in enumerate(ROWS.X.codes):
        size = ROWS.X.layout.categories[k].size
        expected = np.bincount(codes[codes >= 0], ROWS.w[codes >= 0], size)
        np.testing.assert_allclose(moments.level_weights(k)[0], expected, rtol=1e-14)


def test_a_negative_weight_is_refused() -> None:
    with pytest.raises(UserError, match="weights: must not be negative; found -1"):
        level_moments(CompactRows(ROWS.X, ROWS.y, np.where(np.arange(300) == 7, -1.0, 1.0)))


def test_roundoffs_are_those_of_the_columns_that_are_no_indicators() -> None:
    """A column of float32 has cells that are known to 2^-24."""
    roundoffs = np.full(ROWS.X.layout.num_features + 1, 2.0**-53)
    roundoffs[5] = 2.0**-24
    found, expected = (
        no_moments(layout, roundoffs=roundoffs) for layout in (ROWS.X.layout, layout_of(*[1] * 9))
    )
    assert isinstance(expected, Moments)
    found.add(ROWS.X, ROWS.y)
    expected.add(ROWS.array, ROWS.y)
    cells = found.gram().cells
    np.testing.assert_array_equal(cells, expected.gram().cells)
    assert cells[6] > 1e-8
