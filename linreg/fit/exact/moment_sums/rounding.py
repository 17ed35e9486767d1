"""Fractions as float64."""

import math
from fractions import Fraction


def nearest_float(value: Fraction) -> float:
    """Return the float64 nearest to a fraction; infinite beyond the range of float64."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def float_square_root(value: Fraction) -> float:
    """Return the square root of a fraction that may itself be beyond the range of float64."""
    # A power of 4 is taken out, so that what remains is near 1.
    shift = (value.numerator.bit_length() - value.denominator.bit_length()) // 2
    return math.ldexp(math.sqrt(value / Fraction(4) ** shift), shift)
