"""Compact design matrices against the same ones with all their zeros."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import (
    CompactMatrix,
    Indicators,
    Layout,
    as_array,
    with_zeros,
)
from linreg.fit.model import linear


@st.composite
def matrices(draw: st.DrawFn) -> tuple[CompactMatrix, Floats]:
    """A compact matrix, and the array that it stands for, made column by column."""
    num_rows = draw(st.integers(0, 20))
    random = np.random.default_rng(draw(st.integers(0, 1000)))
    categories, dense, codes = [], [], []
    columns: list[Floats] = []
    for size in draw(st.lists(st.sampled_from([0, 1, 2, 7]), min_size=1, max_size=5)):
        if size == 0:
            dense.append(random.normal(size=num_rows))
            columns.append(dense[-1])
        else:
            categories.append(Indicators(len(columns), size))
            codes.append(random.integers(-1, size, num_rows).astype(np.int32))
            columns += [(codes[-1] == level).astype(float) for level in range(size)]
    layout = Layout(len(columns), tuple(categories))
    X = np.asfortranarray(np.column_stack([np.empty((num_rows, 0)), *dense]))
    return CompactMatrix(layout, X, tuple(codes)), np.column_stack(columns)


@given(matrices())
def test_an_indicator_is_1_in_the_rows_of_its_level(both: tuple[CompactMatrix, Floats]) -> None:
    X, expected = both
    assert X.shape == expected.shape
    assert len(X) == len(expected)
    np.testing.assert_array_equal(X.to_array(), expected)
    assert X.to_array().flags.f_contiguous
    assert as_array(X).tobytes() == X.to_array().tobytes()
    assert as_array(expected) is expected


CHOICES: list[Callable[[Floats], Any]] = [
    lambda X: slice(len(X) // 3, None),
    lambda X: slice(1, len(X), 3),
    lambda X: slice(len(X), None),
    lambda X: np.arange(len(X))[::-1].copy(),
    lambda X: np.arange(len(X)) % 3 == 1,
]


@pytest.mark.parametrize("choose", CHOICES)
@given(matrices())
def test_rows_are_chosen_as_of_an_array(
    choose: Callable[[Floats], Any], both: tuple[CompactMatrix, Floats]
) -> None:
    X, expected = both
    rows = choose(expected)
    np.testing.assert_array_equal(X[rows].to_array(), expected[rows])
    assert X[rows].layout == X.layout


@given(matrices(), st.integers(0, 5))
def test_rows_are_set_to_zero_and_no_others(both: tuple[CompactMatrix, Floats], step: int) -> None:
    X, expected = both
    rows = np.arange(len(expected)) % 6 <= step
    for found in (with_zeros(X, rows), with_zeros(expected, rows)):
        array = as_array(found)
        assert not array[rows].any()
        np.testing.assert_array_equal(array[~rows], expected[~rows])
    np.testing.assert_array_equal(X.to_array(), expected)


@given(matrices(), st.integers(-300, 300))
def test_predictions_have_the_bits_of_those_from_an_array(
    both: tuple[CompactMatrix, Floats], exponent: int
) -> None:
    X, expected = both
    theta = np.random.default_rng(1).normal(0, 10.0**exponent, len(expected.T))
    assert linear(X, theta, 0.3).tobytes() == linear(expected, theta, 0.3).tobytes()


@given(matrices())
def test_the_layout_says_which_columns_are_indicators(both: tuple[CompactMatrix, Floats]) -> None:
    X, expected = both
    layout = X.layout
    np.testing.assert_array_equal(expected[:, layout.is_dense], X.dense)
    for category, codes in zip(layout.categories, X.codes, strict=True):
        np.testing.assert_array_equal(
            expected[:, category.columns], codes[:, None] == np.arange(category.size)
        )
    numbers = np.arange(float(layout.num_features))
    merged = layout.merged(numbers[layout.is_dense], numbers[~layout.is_dense])
    np.testing.assert_array_equal(merged, numbers)


@given(matrices())
def test_a_row_takes_the_memory_that_the_layout_says(both: tuple[CompactMatrix, Floats]) -> None:
    X, _ = both
    taken = X.dense.nbytes + sum(codes.nbytes for codes in X.codes)
    assert taken == len(X) * X.layout.bytes_per_row
