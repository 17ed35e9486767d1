"""Student's t and Fisher's F from the incomplete beta function, and the normal distribution,
rounded to float64.

mpmath computes in integers, so the digits are the same on every machine; those of the C library,
which scipy uses, are not.
"""

from functools import lru_cache

import mpmath
from mpmath import mpf

DIGITS = 30
Number = int | float | mpf


def t_two_sided(t: float, df: int) -> float:
    """Return P(|T| > |t|) for Student's t with df ≥ 1 degrees of freedom."""
    with mpmath.workdps(DIGITS):
        square = mpf(t) ** 2
        return float(_beta(mpf(df) / 2, mpf("0.5"), df / (df + square), square / (df + square)))


@lru_cache(maxsize=64)
def t_quantile(confidence: float, df: int) -> float:
    """Return the t with P(|T| ≤ t) = confidence, for a confidence between 0 and 1.

    By Newton's method on P(|T| > t), which falls ever less steeply: from 0 it comes nearer without
    ever passing.
    """
    with mpmath.workdps(DIGITS):
        a, half, outside = mpf(df) / 2, mpf("0.5"), 1 - mpf(confidence)
        density_at_0 = 2 / (mpmath.sqrt(df) * mpmath.exp(_log_beta(half, a)))
        t, step = mpf(0), mpf(1)
        while step > t * mpf(10) ** -20:
            square = t * t
            density = density_at_0 * mpmath.exp(-(a + half) * mpmath.log1p(square / df))
            step = (_beta(a, half, df / (df + square), square / (df + square)) - outside) / density
            t += step
        return float(t)


def f_upper(f: float, df1: int, df2: int) -> float:
    """Return P(F > f) for Fisher's F with df1 and df2 degrees of freedom."""
    with mpmath.workdps(DIGITS):
        ratio = df1 * mpf(f)
        return float(_beta(mpf(df2) / 2, mpf(df1) / 2, df2 / (df2 + ratio), ratio / (df2 + ratio)))


@lru_cache(maxsize=1024)
def normal_quantile(p: float) -> float:
    """Return the z with P(Z ≤ z) = p, for a p between 0 and 1."""
    with mpmath.workdps(DIGITS):
        return float(mpmath.sqrt(2) * mpmath.erfinv(2 * mpf(p) - 1))


def _beta(a: mpf, b: mpf, x: mpf, y: mpf) -> mpf:
    """Return the regularised incomplete beta function Iₓ(a, b), with y = 1 − x given to all its
    digits.
    """
    if x >= (a + 1) / (a + b + 2):
        return 1 - _beta_below(b, a, y, x)
    return _beta_below(a, b, x, y)


def _beta_below(a: mpf, b: mpf, x: mpf, y: mpf) -> mpf:
    """For x below the mean: the continued fraction 8.17.22 of the Digital Library of Mathematical
    Functions.

    Evaluated from the front (Lentz); some 150 terms at most, in the middle of large degrees of
    freedom.
    """
    if x == 0:
        return mpf(0)
    front = mpmath.exp(a * mpmath.log(x) + b * mpmath.log(y) - _log_beta(a, b)) / a
    c, d = mpf(1), 1 / (1 - (a + b) * x / (a + 1))
    fraction, m = d, 1
    while True:
        before = fraction
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / (1 + step * d)
            c = 1 + step / c
            fraction *= c * d
        if abs(fraction - before) <= abs(fraction) * mpf(10) ** (2 - DIGITS):
            return front * fraction
        m += 1


def _log_beta(a: mpf, b: mpf) -> mpf:
    return mpmath.loggamma(a) + mpmath.loggamma(b) - mpmath.loggamma(a + b)
