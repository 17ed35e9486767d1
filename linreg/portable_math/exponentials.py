"""Logarithms and exponentials that give the same bits on every CPU.

numpy's own `log` and `exp` choose a vector routine by CPU, and the routines differ in the
last bit. The functions here use only operations that IEEE 754 rounds correctly, in a fixed order.
The approximations are those of FreeBSD's msun (e_log.c, e_exp.c; errors below 1 ulp).
"""

import numpy as np

from linreg.arrays import Floats

# ln 2 in two parts: the high one ends in 32 zero bits, so that k·_LN2_HIGH is exact.
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
# log10 2, split like ln 2.
_LOG10_2_HIGH = 3.01029995663611771306e-01
_LOG10_2_LOW = 3.69423907715893078616e-13
_ONE_OVER_LN10 = 4.34294481903251816668e-01
_ONE_OVER_LN2 = 1.44269504088896338700e00

_LOG = (
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
    1.818357216161805012e-01,
    1.531383769920937332e-01,
    1.479819860511658591e-01,
)
_EXP = (
    1.66666666666666019037e-01,
    -2.77777777770155933842e-03,
    6.61375632143793436117e-05,
    -1.65339022054652515390e-06,
    4.13813679705723846039e-08,
)


def log(x: Floats) -> Floats:
    """Return the natural logarithm; -inf at 0, NaN below."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        mantissa, exponent = np.frexp(x)
        small = mantissa < np.sqrt(0.5)
        mantissa = np.where(small, mantissa * 2, mantissa)
        k = (exponent - small).astype(np.float64)
        f = mantissa - 1
        s = f / (2 + f)
        half_square = 0.5 * f * f
        tail = s * (half_square + _polynomial(_LOG, s * s))
        result = k * _LN2_HIGH - ((half_square - (tail + k * _LN2_LOW)) - f)
        result = np.where(x == 0, -np.inf, result)
        result = np.where(x == np.inf, np.inf, result)
        return np.where(x < 0, np.nan, result)


def exp(x: Floats) -> Floats:
    """Return e to the power of x; inf above 709.78, 0 below -745.13."""
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        bounded = np.clip(x, -746.0, 710.0)
        k = np.rint(bounded / 0.6931471805599453)
        high = bounded - k * _LN2_HIGH
        low = k * _LN2_LOW
        r = high - low
        c = r - _polynomial(_EXP, r * r)
        y = 1 - ((low - (r * c) / (2 - c)) - high)
        # In two steps, as 2^1024 and 2^-1075 are out of range where the result is not.
        half = np.floor(k / 2).astype(np.int32)
        result: Floats = np.ldexp(np.ldexp(y, half), k.astype(np.int32) - half)
        return np.where(np.isnan(x), np.nan, result)


def log10(x: Floats) -> Floats:
    """Return the decimal logarithm; exact for powers of ten."""
    with np.errstate(invalid="ignore"):
        mantissa, exponent = np.frexp(x)
        # k and the logarithm of the rest have the same sign, so that nothing cancels.
        above_one = exponent > 0
        k = np.where(above_one, exponent - 1, exponent).astype(np.float64)
        rest = log(np.where(above_one, 2 * mantissa, mantissa)) * _ONE_OVER_LN10 + k * _LOG10_2_LOW
        return np.where(np.isinf(x), log(x), rest + k * _LOG10_2_HIGH)


def log2(x: Floats) -> Floats:
    """Return the binary logarithm; exact for powers of two."""
    with np.errstate(invalid="ignore"):
        mantissa, exponent = np.frexp(x)
        # In [√½, √2), so that nothing cancels.
        small = mantissa < np.sqrt(0.5)
        rest = log(np.where(small, 2 * mantissa, mantissa)) * _ONE_OVER_LN2
        return np.where(x > 0, rest + (exponent - small), log(x))


def log1p(x: Floats) -> Floats:
    """Return log(1 + x), exact to a few units in the last place for small x too (Kahan)."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        u = 1 + x
        # What rounding has taken from 1 + x.
        lost = np.where(np.abs(x) < 1, x - (u - 1), 1 - (u - x))
        return np.where(np.isfinite(u) & (u > 0), log(u) + lost / u, log(u))


def expm1(x: Floats) -> Floats:
    """Return exp(x) − 1, exact to a few units in the last place for small x too (Kahan)."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        u = exp(x)
        corrected = (u - 1) * x / log(u)
        is_plain = (u == 0) | np.isinf(u) | np.isnan(u)
        return np.where(u == 1, x, np.where(is_plain, u - 1, corrected))


def _polynomial(coefficients: tuple[float, ...], z: Floats) -> Floats:
    """Return z·(c₀ + z·(c₁ + …)), by Horner's rule."""
    result = np.zeros_like(z)
    for coefficient in reversed(coefficients):
        result = z * (coefficient + result)
    return result
