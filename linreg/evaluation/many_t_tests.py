"""p-values of Student's t for many coefficients at once, in float64.

`distributions` takes milliseconds for each, correct to the last bit. These have 12 digits, and the
same bits on every CPU: all operations are correctly rounded, or those of `portable_math`.
"""

import numpy as np

from linreg.arrays import Floats
from linreg.evaluation.distributions import beta_function, t_p_value
from linreg.portable_math.exponentials import exp, log1p

MANY = 500
"""Coefficients from which on float64 is used."""
CONVERGED = 4e-16


def t_p_values(t: Floats, df: int) -> Floats:
    """Return P(|T| > |t|) (n,) for t (n,), the two-sided p-values, for Student's t with df ≥ 1."""
    if len(t) < MANY:
        return np.array([t_p_value(each, df) for each in t.tolist()])
    a = df / 2
    beta = beta_function(a, 0.5)
    with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
        z = np.square(t) / df
        x, y = 1 / (1 + z), z / (1 + z)
        front = exp(-a * log1p(z)) * np.sqrt(y) / beta
        is_tail = y > 1.5 / (a + 2.5)
        result = np.empty(len(t))
        result[is_tail] = front[is_tail] / _tail_fraction(a, x[is_tail], y[is_tail])
        center = ~is_tail
        result[center] = 1 - 2 * front[center] * _center_series(a, y[center])
    result[np.isinf(t)] = 0.0
    return result


def _tail_fraction(a: float, x: Floats, y: Floats) -> Floats:
    """Return the continued fraction below xᵃ√y / B(a, ½) in Iₓ(a, ½), for x + y = 1 (n,).

    A. DiDonato and A. Morris, ACM Trans. Math. Software 18, 1992, equation 9, with x replaced by
    1 − y where it cancels; evaluated by Lentz's algorithm.
    """
    b = 0.5
    linear = a * y - b * x + 1
    fraction = a * linear / (a + 1)
    c, d = fraction.copy(), np.zeros(len(x))
    left = np.arange(len(x))
    n = 1
    while len(left):
        at, rest = x[left], linear[left] + n * (1 + y[left])
        numerator = (a + n - 1) * (a + b + n - 1) * n * (b - n) * np.square(at / (a + 2 * n - 1))
        term = n + n * (b - n) * at / (a + 2 * n - 1) + (a + n) * rest / (a + 2 * n + 1)
        d[left] = 1 / (term + numerator * d[left])
        c[left] = term + numerator / c[left]
        change = c[left] * d[left]
        fraction[left] *= change
        left = left[np.abs(change - 1) > CONVERGED]
        n += 1
    return fraction


def _center_series(a: float, y: Floats) -> Floats:
    """Return the sum behind 2xᵃ√y / B(½, a) in I_y(½, a), for y (n,): 8.17.8 of the DLMF."""
    total, term = np.ones(len(y)), np.ones(len(y))
    n = 0
    while (term > CONVERGED * total).any():
        term = term * ((a + 0.5 + n) / (1.5 + n)) * y
        total += term
        n += 1
    return total
