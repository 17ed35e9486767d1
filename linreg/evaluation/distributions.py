"""Student's t, Fisher's F and the normal distribution, rounded to float64.

mpmath computes in integers, so the digits are the same on every machine; those of the C library,
which scipy uses, are not. Of the incomplete beta function, which t and F need, there is an own
version, since mpmath.betainc does not converge for large degrees of freedom, such as F(1e4, 1e4).

The precision of mpmath is a state that all threads share, and its functions change it while they
compute. So a context of our own is used, by one thread at a time.
"""

from functools import lru_cache
from statistics import NormalDist
from threading import Lock
from typing import Any

import mpmath

DECIMAL_DIGITS = 30
_MP = mpmath.MPContext()
_MP.dps = DECIMAL_DIGITS
_ONE_THREAD = Lock()
mpf = _MP.mpf
Number = Any
"""A number of `_MP`, whose type is made with the context."""


def t_p_value(t: float, df: int) -> float:
    """Return P(|T| > |t|), the two-sided p-value, for Student's t with df ≥ 1."""
    with _ONE_THREAD:
        return float(_t_tails(mpf(t), df))


@lru_cache(maxsize=64)
def t_critical_value(confidence: float, df: int) -> float:
    """Return the t with P(|T| ≤ t) = confidence, for a confidence between 0 and 1 and df ≥ 1.

    By Newton's method on P(|T| > t). That function is convex, so that t only grows from 0 and never
    passes the solution.
    """
    with _ONE_THREAD:
        tails = 1 - mpf(confidence)
        a, half = mpf(df) / 2, mpf("0.5")
        # Of |T|: twice that of T.
        density_at_0 = 2 / (_MP.sqrt(df) * _MP.exp(_log_beta(half, a)))
        t = mpf(0)
        step = mpf(1)
        while step > t * mpf(10) ** -20:
            density = density_at_0 * _MP.exp(-(a + half) * _MP.log1p(t * t / df))
            step = (_t_tails(t, df) - tails) / density
            t += step
        return float(t)


def f_p_value(f: float, df1: int, df2: int) -> float:
    """Return P(F > f) for Fisher's F with df1 and df2 degrees of freedom."""
    with _ONE_THREAD:
        ratio = df1 * mpf(f)
        return float(
            _incomplete_beta(mpf(df2) / 2, mpf(df1) / 2, df2 / (df2 + ratio), ratio / (df2 + ratio))
        )


def chi2_p_value(x: float, df: int) -> float:
    """Return P(X > x) for the χ² distribution with df ≥ 1 degrees of freedom."""
    with _ONE_THREAD:
        return float(_MP.gammainc(mpf(df) / 2, mpf(x) / 2, regularized=True))


@lru_cache(maxsize=1024)
def normal_quantile(p: float) -> float:
    """Return the z with P(Z ≤ z) = p, for a p between 0 and 1.

    One step of Newton's method doubles the digits of Python's own quantile, which may differ in the
    last bits from machine to machine.
    """
    with _ONE_THREAD:
        tail = min(mpf(p), 1 - mpf(p))
        z = mpf(abs(NormalDist().inv_cdf(p)))
        density = _MP.exp(-z * z / 2) / _MP.sqrt(2 * _MP.pi)
        z += (_MP.erfc(z / _MP.sqrt(2)) / 2 - tail) / density
        return float(z if p > 0.5 else -z)


def beta_function(a: float, b: float) -> float:
    """Return B(a, b) for a, b > 0."""
    with _ONE_THREAD:
        return float(_MP.beta(mpf(a), mpf(b)))


def _t_tails(t: Number, df: int) -> Number:
    """Return P(|T| > |t|)."""
    square = t * t
    return _incomplete_beta(mpf(df) / 2, mpf("0.5"), df / (df + square), square / (df + square))


def _incomplete_beta(a: Number, b: Number, x: Number, y: Number) -> Number:
    """Return the regularized incomplete beta function Iₓ(a, b), y = 1 − x given to all digits."""
    if x >= (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta_below_mean(b, a, y, x)
    return _incomplete_beta_below_mean(a, b, x, y)


def _incomplete_beta_below_mean(a: Number, b: Number, x: Number, y: Number) -> Number:
    """Return Iₓ(a, b) by its continued fraction, which converges fast for x below the mean.

    8.17.22 of the NIST Digital Library of Mathematical Functions, evaluated from the front by
    Lentz's algorithm, in some 150 terms at most, for large degrees of freedom near the median.
    """
    if x == 0:
        return mpf(0)
    front = _MP.exp(a * _MP.log(x) + b * _MP.log(y) - _log_beta(a, b)) / a
    c = mpf(1)
    d = 1 / (1 - (a + b) * x / (a + 1))
    fraction = d
    m = 1
    while True:
        before = fraction
        for coefficient in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / (1 + coefficient * d)
            c = 1 + coefficient / c
            fraction *= c * d
        if abs(fraction - before) <= abs(fraction) * mpf(10) ** (2 - DECIMAL_DIGITS):
            return front * fraction
        m += 1


def _log_beta(a: Number, b: Number) -> Number:
    return _MP.loggamma(a) + _MP.loggamma(b) - _MP.loggamma(a + b)
