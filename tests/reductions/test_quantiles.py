"""Quantiles are exact, whatever the numbers, the pieces and the processes."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.arrays import Floats
from linreg.process.workers import ALONE, Workers
from linreg.reductions import quantiles
from linreg.reductions.quantiles import Quantiles

QUARTILES = [Fraction(k, 4) for k in range(5)]
TWELFTHS = [Fraction(k, 12) for k in range(13)]
RANDOM = np.random.default_rng(2)
VALUES = {
    "normal": RANDOM.normal(size=1001),
    "ties": RANDOM.integers(-3, 4, 500).astype(float),
    "wide": RANDOM.normal(size=400) * 10.0 ** RANDOM.integers(-300, 300, 400),
    "next to each other": 1 + np.arange(100)[::-1] * 2.0**-52,
    "one": np.array([4.5]),
    "none": np.array([]),
}


@pytest.fixture(autouse=True, scope="module")
def small_memory() -> Iterator[None]:
    """Few numbers are collected, so that they are divided again and again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quantiles, "MOST_COLLECTED", 3)
        patch.setattr(quantiles, "BITS_AT_A_TIME", 7)
        yield


def found_in(
    pieces: Sequence[Floats],
    counts: Sequence[Floats | None] | None = None,
    probabilities: Sequence[Fraction] = QUARTILES,
    workers: Workers = ALONE,
) -> tuple[list[float], int]:
    """The quantiles, and the number of passes that it took."""
    found, num_passes = Quantiles(probabilities), 1
    while True:
        for piece, count in zip(pieces, counts or [None] * len(pieces), strict=True):
            found.update(piece, count)
        if not found.merge(workers):
            return found.values, num_passes
        num_passes += 1


def in_pieces(values: Floats, length: int) -> list[Floats]:
    return [values[start : start + length] for start in range(0, len(values), length)]


def type_7(values: Floats, p: Fraction) -> float:
    in_order = [Fraction(each) for each in sorted(values.tolist())]
    low, part = divmod((len(in_order) - 1) * p, 1)
    high = min(low + 1, len(in_order) - 1)
    return float(in_order[low] + part * (in_order[high] - in_order[low]))


@given(
    st.lists(
        st.floats(allow_nan=False, allow_infinity=False)
        | st.sampled_from([0.0, -0.0, 1.0, -5e-324, 5e-324]),
        min_size=1,
        max_size=30,
    ),
    st.integers(1, 30),
)
def test_quartiles_are_those_of_type_7_rounded_once(values: list[float], length: int) -> None:
    numbers = np.array(values)
    found, _ = found_in(in_pieces(numbers, length))
    assert found == [type_7(numbers, p) for p in QUARTILES]


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_neither_the_pieces_nor_the_processes_change_a_bit(
    together: Callable[..., list[Any]], values: Floats
) -> None:
    expected = [type_7(values, p) for p in TWELFTHS] if len(values) else []
    for pieces in ([values], np.array_split(values, 3), [values[:0], values[::-1]]):
        assert found_in(pieces, None, TWELFTHS)[0] == expected

    def of_own(workers: Workers) -> list[float]:
        pieces = in_pieces(values, 7)[workers.rank :: workers.size]
        return found_in(pieces, None, TWELFTHS, workers)[0]

    assert together(3, of_own) == [expected] * 3
    if len(values):
        theirs = np.quantile(values, [float(p) for p in TWELFTHS])
        np.testing.assert_allclose(expected, theirs, 1e-12, 1e-300)


def test_zeros_have_no_sign() -> None:
    """Which of equal numbers is found would depend on the processes."""
    for values in ([-0.0, 0.0, -0.0], [0.0, -0.0, -0.0], [-0.0] * 5 + [0.0] * 5):
        assert [str(each) for each in found_in([np.array(values)])[0]] == ["0.0"] * 5


def test_infinite_numbers_have_their_ranks() -> None:
    found, _ = found_in([np.array([np.inf, 1.0, -np.inf, 2.0, 3.0])])
    assert found == [-np.inf, 1.0, 2.0, 3.0, np.inf]
    assert np.isnan(found_in([np.array([-np.inf, 1.0, 2.0])])[0][1])


def test_a_number_that_counts_several_times_is_as_many_numbers(
    together: Callable[..., list[Any]],
) -> None:
    values, counts = RANDOM.standard_normal(60).round(1), RANDOM.integers(1, 9, 60)
    expected, _ = found_in([np.repeat(values, counts)])

    def counted(workers: Workers) -> list[float]:
        pieces = np.array_split(np.arange(60), 7)[workers.rank :: workers.size]
        of_pieces = [counts[own].astype(float) for own in pieces]
        return found_in([values[own] for own in pieces], of_pieces, workers=workers)[0]

    assert together(2, counted) == [expected] * 2


def test_few_numbers_take_one_pass_and_many_a_second_one(
    monkeypatch: pytest.MonkeyPatch, together: Callable[..., list[Any]]
) -> None:
    """It is the number of all that decides, however they are distributed over processes."""
    monkeypatch.setattr(quantiles, "MOST_COLLECTED", 1000)
    monkeypatch.setattr(quantiles, "BITS_AT_A_TIME", 20)
    values = RANDOM.normal(size=1001)

    def num_passes(workers: Workers) -> int:
        return found_in([values[workers.rank :: workers.size]], workers=workers)[1]

    assert found_in([values[1:]])[1] == 1
    assert (num_passes(ALONE), together(2, num_passes)) == (2, [2, 2])
