from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from linreg.data.formula.functions.exact_sum import ExactSum

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
