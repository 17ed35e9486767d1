"""Sine and cosine that give the same bits on every CPU.

An angle is reduced to [−π/4, π/4] by Cody and Waite's method (1980, Software Manual for the
Elementary Functions): the multiple of π/2 is subtracted in parts, of which all but the last are
exact. The approximations there are those of FreeBSD's msun (k_sin.c, k_cos.c).
"""

from fractions import Fraction
from functools import cache

import numpy as np

from linreg.arrays import Floats

_TWO_OVER_PI = 6.36619772367581382433e-01
# π/2 in parts of 33 bits, so that their products with an integer below 2^20 are exact.
_PI_2 = (
    1.57079632673412561417e00,
    6.07710050630396597660e-11,
    2.02226624871116645580e-21,
    8.47842766036889956997e-32,
)
_LARGEST = 2.0**20
"""Of the angles that the parts of π/2 are enough for."""
_SINE = (
    -1.66666666666666324348e-01,
    8.33333333332248946124e-03,
    -1.98412698298579493134e-04,
    2.75573137070700676789e-06,
    -2.50507602534068634195e-08,
    1.58969099521155010221e-10,
)
_COSINE = (
    4.16666666666666019037e-02,
    -1.38888888888741095749e-03,
    2.48015872894767294178e-05,
    -2.75573143513906633035e-07,
    2.08757232129817482790e-09,
    -1.13596475577881948265e-11,
)
# Of π/2: an angle of 2^1024 takes 1,024 of them, its rest is at least 2^-62 and has 106 digits.
_PLACES = 1220


def sine(x: Floats) -> Floats:
    """Return the sine of angles in radians; NaN for what is not finite."""
    return _circular(x, first_quadrant=0)


def cosine(x: Floats) -> Floats:
    """Return the cosine of angles in radians; NaN for what is not finite."""
    return _circular(x, first_quadrant=1)


def _circular(x: Floats, first_quadrant: int) -> Floats:
    x = np.asarray(x, dtype=np.float64)
    is_finite = np.isfinite(x)
    quadrant, high, low = _reduced(np.where(is_finite, x, 0.0))
    quadrant = (quadrant + first_quadrant) % 4
    value = np.where(quadrant % 2 == 0, _sine_near_0(high, low), _cosine_near_0(high, low))
    return np.where(is_finite, np.where(quadrant >= 2, -value, value), np.nan)


def _reduced(x: Floats) -> tuple[Floats, Floats, Floats]:
    """Return k modulo 4 and x − k·π/2 as high + low, in [−π/4, π/4]."""
    is_large = np.abs(x) > _LARGEST
    small = np.where(is_large, 0.0, x)
    k = np.rint(small * _TWO_OVER_PI)
    # The first difference is exact; each that follows loses a rounding, which `low` collects.
    high = small - k * _PI_2[0]
    low = np.zeros_like(high)
    for part in _PI_2[1:]:
        product = k * part
        difference = high - product
        low = low + ((high - difference) - product)
        high = difference
    total = high + low
    high, low = total, (high - total) + low
    for index in np.flatnonzero(is_large):
        k[index], high[index], low[index] = _reduced_exactly(float(x[index]))
    return k % 4, high, low


def _reduced_exactly(x: float) -> tuple[int, float, float]:
    half_pi = _half_pi()
    k = round(Fraction(x) / half_pi)
    rest = Fraction(x) - k * half_pi
    return k % 4, float(rest), float(rest - Fraction(float(rest)))


@cache
def _half_pi() -> Fraction:
    """Return π/2 by Machin's formula, π/4 = 4·atan(1/5) − atan(1/239)."""
    one = 1 << _PLACES

    def arctangent_of_inverse(n: int) -> int:
        terms = []
        power, divisor = one // n, 1
        while power:
            terms.append(power // divisor)
            power, divisor = power // (n * n), divisor + 2
        return sum(terms[0::2]) - sum(terms[1::2])

    return Fraction(2 * (4 * arctangent_of_inverse(5) - arctangent_of_inverse(239)), one)


def _sine_near_0(x: Floats, low: Floats) -> Floats:
    z = x * x
    v = z * x
    r = _SINE[1] + z * (_SINE[2] + z * (_SINE[3] + z * (_SINE[4] + z * _SINE[5])))
    return x - ((z * (0.5 * low - v * r) - low) - v * _SINE[0])


def _cosine_near_0(x: Floats, low: Floats) -> Floats:
    z = x * x
    r = np.zeros_like(z)
    for coefficient in reversed(_COSINE):
        r = z * (coefficient + r)
    half = 0.5 * z
    w = 1.0 - half
    return w + (((1.0 - w) - half) + (z * r - x * low))
