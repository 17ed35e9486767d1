"""Student's t, Fisher's F and the normal distribution, rounded to float64.

mpmath computes in integers, so the digits are the same on every machine; those of the C library,
which scipy uses, are not. Of the incomplete beta function, which t and F need, there is an own
version, since mpmath.betainc does not converge for large degrees of freedom, such as F(1e4, 1e4).
"""

from functools import lru_cache
from statistics import NormalDist

import mpmath
from mpmath import mpf

DECIMAL_DIGITS = 30


def t_p_value(t: float, df: int) -> float:
    """Return P(|T| > |t|), the two-sided p-value, for Student's t with df ≥ 1."""
    with mpmath.workdps(DECIMAL_DIGITS):
        return float(_t_tails(mpf(t), df))


@lru_cache(maxsize=64)
def t_critical_value(confidence: float, df: int) -> float:
    """Return the t with P(|T| ≤ t) = confidence, for a confidence between 0 and 1 and df ≥ 1.

    By Newton's method on P(|T| > t). That function is convex, so that t only grows from 0 and never
    passes the solution.
    """
    with mpmath.workdps(DECIMAL_DIGITS):
        tails = 1 - mpf(confidence)
        a, half = mpf(df) / 2, mpf("0.5")
        # Of |T|: twice that of T.
        density_at_0 = 2 / (mpmath.sqrt(df) * mpmath.exp(_log_beta(half, a)))
        t = mpf(0)
        step = mpf(1)
        while step > t * mpf(10) ** -20:
            density = density_at_0 * mpmath.exp(-(a + half) * mpmath.log1p(t * t / df))
            step = (_t_tails(t, df) - tails) / density
            t += step
        return float(t)


def f_p_value(f: float, df1: int, df2: int) -> float:
    """Return P(F > f) for Fisher's F with df1 and df2 degrees of freedom."""
    with mpmath.workdps(DECIMAL_DIGITS):
        ratio = df1 * mpf(f)
        return float(
            _incomplete_beta(mpf(df2) / 2, mpf(df1) / 2, df2 / (df2 + ratio), ratio / (df2 + ratio))
        )


@lru_cache(maxsize=1024)
def normal_quantile(p: float) -> float:
    """Return the z with P(Z ≤ z) = p, for a p between 0 and 1.

    One step of Newton's method doubles the digits of Python's own quantile, which may differ in the
    last bits from machine to machine.
    """
    with mpmath.workdps(DECIMAL_DIGITS):
        tail = min(mpf(p), 1 - mpf(p))
        z = mpf(abs(NormalDist().inv_cdf(p)))
        density = mpmath.exp(-z * z / 2) / mpmath.sqrt(2 * mpmath.pi)
        z += (mpmath.erfc(z / mpmath.sqrt(2)) / 2 - tail) / density
        return float(z if p > 0.5 else -z)


def _t_tails(t: mpf, df: int) -> mpf:
    """Return P(|T| > |t|)."""
    square = t * t
    return _incomplete_beta(mpf(df) / 2, mpf("0.5"), df / (df + square), square / (df + square))


def _incomplete_beta(a: mpf, b: mpf, x: mpf, y: mpf) -> mpf:
    """Return the regularized incomplete beta function Iₓ(a, b), y = 1 − x given to all digits."""
    if x >= (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta_below_mean(b, a, y, x)
    return _incomplete_beta_below_mean(a, b, x, y)


def _incomplete_beta_below_mean(a: mpf, b: mpf, x: mpf, y: mpf) -> mpf:
    """Return Iₓ(a, b) by its continued fraction, which converges fast for x below the mean.

    8.17.22 of the NIST Digital Library of Mathematical Functions, evaluated from the front by
    Lentz's algorithm, in some 150 terms at most, for large degrees of freedom near the median.
    """
    if x == 0:
        return mpf(0)
    front = mpmath.exp(a * mpmath.log(x) + b * mpmath.log(y) - _log_beta(a, b)) / a
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


def _log_beta(a: mpf, b: mpf) -> mpf:
    return mpmath.loggamma(a) + mpmath.loggamma(b) - mpmath.loggamma(a + b)
