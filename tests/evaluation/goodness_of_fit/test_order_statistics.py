"""Order statistics are exact, whatever the numbers, the pieces and the processes."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.arrays import Floats
from linreg.evaluation.goodness_of_fit import order_statistics
from linreg.evaluation.goodness_of_fit.order_statistics import Counted, quantiles
from linreg.process.workers import ALONE, Workers

QUARTILES = [(each, 4) for each in range(5)]


@pytest.fixture(autouse=True, scope="module")
def small_memory() -> Iterator[None]:
    """Few numbers are collected, so that they are divided again and again."""
    before = order_statistics.MOST_COLLECTED, order_statistics.BITS_AT_A_TIME
    order_statistics.MOST_COLLECTED, order_statistics.BITS_AT_A_TIME = 3, 7
    yield
    order_statistics.MOST_COLLECTED, order_statistics.BITS_AT_A_TIME = before


def of_pieces(values: Floats, length: int, workers: Workers = ALONE) -> list[float]:
    own = np.array_split(values, workers.size)[workers.rank]
    pieces = [own[start : start + length] for start in range(0, len(own), length)]
    return quantiles(QUARTILES, len(values), lambda: map(Counted, pieces), workers)


@given(
    st.lists(
        st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300)
        | st.sampled_from([0.0, -0.0, 1.0, -5e-324, 5e-324]),
        min_size=1,
        max_size=30,
    ),
    st.integers(1, 30),
)
def test_quartiles_are_those_of_type_7(values: list[float], length: int) -> None:
    numbers = np.array(values)
    in_order = np.sort(numbers)
    found = of_pieces(numbers, length)
    for k, value in enumerate(found):
        rank, rest = divmod((len(values) - 1) * k, 4)
        low, high = in_order[rank], in_order[min(rank + 1, len(values) - 1)]
        assert value == low + (high - low) * (rest / 4)
    expected = np.quantile(numbers, [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-15 * abs(numbers).max() + 1e-323)


def test_zeros_have_no_sign() -> None:
    """Which of equal numbers is found would depend on the processes."""
    for values in ([-0.0, 0.0, -0.0], [0.0, -0.0, -0.0], [-0.0] * 5 + [0.0] * 5):
        numbers = np.array(values)
        pieces = partial(list, [Counted(numbers)])
        found = order_statistics.order_statistics([0, 2], len(numbers), pieces)
        assert [str(each) for each in found] == ["0.0"] * 2


def test_processes_find_the_same_bits(together: Callable[..., list[Any]]) -> None:
    values = np.random.default_rng(1).standard_normal(500)
    values[::3] = 0.125
    expected = of_pieces(values, 500)
    assert expected == np.quantile(values, [0, 0.25, 0.5, 0.75, 1]).tolist()
    found = together(3, lambda workers: of_pieces(values, 7, workers))
    assert found == [expected] * 3


def test_a_number_that_counts_several_times_is_as_many_numbers(
    together: Callable[..., list[Any]],
) -> None:
    rng = np.random.default_rng(2)
    values, counts = rng.standard_normal(60).round(1), rng.integers(1, 9, 60)
    expected = of_pieces(np.repeat(values, counts), 500)

    def counted(workers: Workers) -> list[float]:
        pieces = np.array_split(np.arange(60), 7)[workers.rank :: workers.size]
        numbers = [Counted(values[own], counts[own].astype(float)) for own in pieces]
        return quantiles(QUARTILES, int(counts.sum()), lambda: numbers, workers)

    assert together(2, counted) == [expected] * 2
