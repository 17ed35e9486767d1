import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.fit.exact.moment_sums.rounding import float_square_root, nearest_float


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float64_is_its_own_nearest(value: float) -> None:
    assert nearest_float(Fraction(value)) == value


def test_the_nearest_float_beyond_the_range_is_infinite() -> None:
    assert nearest_float(Fraction(10) ** 309) == math.inf
    assert nearest_float(-(Fraction(10) ** 309)) == -math.inf
    assert nearest_float(Fraction(1, 10**400)) == 0.0


@given(st.fractions(min_value=0), st.integers(-2000, 2000))
def test_the_square_root_of_a_square_of_any_size(root: Fraction, exponent: int) -> None:
    """To an ulp: the quotient and the root are rounded once each."""
    value = root * Fraction(2) ** exponent
    expected = nearest_float(value)
    if expected == math.inf:
        return
    assert float_square_root(value * value) == pytest.approx(expected, rel=3e-16, abs=1e-323)
