import math
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from linreg.evaluation.distributions import (
    chi2_p_value,
    f_p_value,
    normal_quantile,
    t_critical_value,
    t_p_value,
)


@pytest.mark.parametrize("df", [1, 2, 7, 34, 1000, 10**5, 10**7, 10**9])
def test_student_t_agrees_with_scipy(df: int) -> None:
    # scipy's last digits are those of its C library: measured 2e-12 in the tails, 1e-13 elsewhere.
    for t in (0.0, 0.5, -1.0, 2.0, 6.0, 37.0):
        assert t_p_value(t, df) == pytest.approx(2 * stats.t.sf(abs(t), df), rel=1e-11, abs=0)
    for confidence in (0.01, 0.5, 0.9, 0.95, 0.999):
        assert t_critical_value(confidence, df) == pytest.approx(
            stats.t.isf((1 - confidence) / 2, df), rel=1e-11, abs=0
        )


@pytest.mark.slow
def test_threads_find_at_once_what_one_finds() -> None:
    wanted = [(0.95, df) for df in range(3, 60)]
    expected = [t_critical_value(*each) for each in wanted]
    quantiles = [normal_quantile(k / 100) for k in range(1, 100)]
    digits = mpmath.mp.dps
    for cached in (t_critical_value, normal_quantile):
        cached.cache_clear()
    with ThreadPoolExecutor(8) as threads:
        found = threads.map(lambda each: t_critical_value(*each), wanted)
        found_quantiles = threads.map(lambda k: normal_quantile(k / 100), range(1, 100))
        assert list(found) == expected
        assert list(found_quantiles) == quantiles
    # The precision that others use is not ours to change.
    assert mpmath.mp.dps == digits == 15


@given(st.floats(0.001, 0.999), st.integers(1, 10**6))
def test_the_critical_value_is_the_inverse_of_the_p_value(confidence: float, df: int) -> None:
    p = t_p_value(t_critical_value(confidence, df), df)
    assert p == pytest.approx(1 - confidence, rel=1e-12, abs=0)


def test_student_t_with_1_2_and_3_degrees_of_freedom_is_elementary() -> None:
    for t in (1e-8, 0.3, 1.0, 5.0, 1e6):
        cauchy = 2 / math.pi * math.atan(t)
        assert t_p_value(t, 1) == pytest.approx(1 - cauchy, rel=1e-14, abs=1e-16)
        assert t_p_value(t, 2) == pytest.approx(1 - t / math.sqrt(2 + t * t), abs=3e-16)
        z = t / math.sqrt(3)
        within = 2 / math.pi * (z / (1 + z * z) + math.atan(z))
        assert t_p_value(t, 3) == pytest.approx(1 - within, abs=5e-16)
    assert t_critical_value(0.5, 1) == 1.0
    assert t_critical_value(0.5, 2) == math.sqrt(2 / 3)
    assert t_p_value(1e200, 10**6) == 0.0


@pytest.mark.parametrize(("t", "df"), [(2.0, 5), (0.1, 30), (9.0, 12), (1.7, 1000)])
def test_student_t_is_the_integral_of_its_density_to_the_last_bit(t: float, df: int) -> None:
    with mpmath.workdps(40):
        factor = mpmath.gamma(mpmath.mpf(df + 1) / 2) / mpmath.gamma(mpmath.mpf(df) / 2)
        factor /= mpmath.sqrt(df * mpmath.pi)
        inside = mpmath.quad(
            lambda x: factor * (1 + x * x / df) ** (-mpmath.mpf(df + 1) / 2), [0, t / 2, t]
        )
        expected = float(1 - 2 * inside)
    assert t_p_value(t, df) == expected


@pytest.mark.parametrize(
    ("df1", "df2"), [(1, 1), (2, 10), (10, 3), (100, 50), (50, 10**6), (10**4, 10**4)]
)
def test_fisher_f_agrees_with_scipy(df1: int, df2: int) -> None:
    for f in (0.0, 0.1, 0.9, 1.0, 1.3, 8.0, 40.0):
        assert f_p_value(f, df1, df2) == pytest.approx(stats.f.sf(f, df1, df2), rel=1e-10, abs=0)


@pytest.mark.parametrize("df", [1, 2, 9, 150, 4000, 10**6])
def test_chi_squared_agrees_with_scipy(df: int) -> None:
    for ratio in (0.0, 0.2, 0.9, 1.0, 1.1, 3.0):
        x = ratio * df
        assert chi2_p_value(x, df) == pytest.approx(stats.chi2.sf(x, df), rel=1e-10, abs=1e-300)


def test_fisher_f_with_2_degrees_of_freedom_is_elementary() -> None:
    for f in (0.1, 1.0, 7.0):
        assert f_p_value(f, 2, 10) == float(1 / (1 + Fraction(f) * 2 / 10) ** 5)


def test_f_of_one_coefficient_is_the_square_of_t() -> None:
    for t, df in ((0.5, 1), (2.0, 9), (4.0, 77)):
        assert f_p_value(t * t, 1, df) == t_p_value(t, df)


def test_the_normal_quantile_agrees_with_scipy() -> None:
    assert normal_quantile(0.5) == 0.0
    for p in (1e-10, 0.025, 0.3, 0.8, 0.999):
        assert normal_quantile(p) == pytest.approx(stats.norm.ppf(p), rel=1e-13, abs=0)


@pytest.mark.parametrize("p", [1e-300, 1e-20, 3e-6, 0.01, 0.4999, 0.5, 0.6, 0.975, 1 - 1e-12])
def test_the_normal_quantile_is_the_inverse_of_the_distribution_to_the_last_bit(p: float) -> None:
    with mpmath.workdps(400):
        exact = mpmath.sqrt(2) * mpmath.erfinv(2 * mpmath.mpf(p) - 1)
    assert normal_quantile(p) == float(exact)


def test_the_last_bits_are_these_on_every_machine() -> None:
    found = [t_p_value(2.5, 17), t_critical_value(0.95, 34), f_p_value(3.5, 3, 20)]
    assert [value.hex() for value in found] == [
        "0x1.77fa14215f54fp-6",
        "0x1.0420968c7f61bp+1",
        "0x1.1a914823f8f40p-5",
    ]
