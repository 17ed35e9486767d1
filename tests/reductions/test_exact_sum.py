import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.reductions.exact_sum import ExactSum, exact_sum

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(FINITE, max_size=40), st.integers(0, 40))
def test_it_is_the_sum_of_fractions_over_any_chunks(values: list[float], middle: int) -> None:
    total = ExactSum()
    total.add(np.array(values[:middle], float))
    total.add(np.array(values[middle:], float))
    assert total.value == sum(map(Fraction, values))


def test_a_million_equal_values_have_no_rounding() -> None:
    total = ExactSum()
    total.add(np.full(10**6, 0.1))
    assert total.value == 10**6 * Fraction(0.1)


def test_a_sum_is_rounded_once() -> None:
    values = [1e16, 1.0, 1e-3, -1e16, 0.1] * 3
    assert exact_sum(iter(values)) == float(sum(map(Fraction, values)))
    assert exact_sum([]) == 0


@pytest.mark.parametrize(
    "values", [[1.0, math.inf], [math.nan], [math.inf, -math.inf], [1e308, 1e308]]
)
def test_a_sum_beyond_float64_is_nan(values: list[float]) -> None:
    assert math.isnan(exact_sum(values))
