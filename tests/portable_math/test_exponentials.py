import hashlib
import math
from collections.abc import Callable
from decimal import Context, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.arrays import Floats
from linreg.portable_math import exponentials
from linreg.portable_math.trigonometry import cosine, sine

MANY_DIGITS = Context(prec=50, Emin=-10_000, Emax=10_000)
TINY, HUGE = 5e-324, 1.7976931348623157e308
"""The smallest and the largest positive float64."""


def ulps(found: float, exact: Decimal) -> float:
    """The distance to the exact value in units of the last place of the float64 nearest to it."""
    return float(
        MANY_DIGITS.divide(
            abs(MANY_DIGITS.subtract(Decimal(found), exact)), Decimal(math.ulp(float(exact)))
        )
    )


def worst(
    function: Callable[[Floats], Floats], exact: Callable[[Decimal], Decimal], x: Floats
) -> float:
    """The largest error in ulps, by decimal arithmetic with 50 digits."""
    found = function(x).tolist()
    return max(ulps(y, exact(Decimal(value))) for value, y in zip(x.tolist(), found, strict=True))


def some(low: float, high: float, n: int = 1500) -> Floats:
    return np.random.default_rng(1).uniform(low, high, n)


# Measured with 80,000 values each: log 0.81, exp 0.84 ulp.


@pytest.mark.parametrize("around", [1.0, math.sqrt(0.5), math.sqrt(2), math.e, 2.0, 1e10, 1e-300])
def test_log_is_within_1_ulp(around: float) -> None:
    assert worst(exponentials.log, MANY_DIGITS.ln, around * some(0.9, 1.1)) < 1


def test_log_is_within_1_ulp_for_every_power_of_two_and_the_smallest_numbers() -> None:
    powers = np.array([math.ldexp(1, k) for k in range(-1074, 1024)])
    near_one = 1 + np.ldexp([-1.0, 1.0, 3.0], -52)
    x = np.concatenate([powers[powers != 1], near_one, TINY * np.arange(1, 100), [HUGE]])
    assert worst(exponentials.log, MANY_DIGITS.ln, x) < 1


def test_exp_is_within_1_ulp_and_for_subnormal_results_within_one_step() -> None:
    assert worst(exponentials.exp, MANY_DIGITS.exp, some(-708.3, 709.78)) < 1
    assert worst(exponentials.exp, MANY_DIGITS.exp, some(-1, 1)) < 1
    assert worst(exponentials.exp, MANY_DIGITS.exp, some(-745.1, -708.4)) <= 1


def test_log10_is_within_2_ulp() -> None:
    assert worst(exponentials.log10, MANY_DIGITS.log10, np.exp2(some(-1070, 1023))) <= 2
    assert worst(exponentials.log10, MANY_DIGITS.log10, some(0.5, 2)) <= 2


def test_log2_is_within_2_ulp_and_exact_for_powers_of_two() -> None:
    """Measured: 1.3 ulp."""

    def exact(x: Decimal) -> Decimal:
        return MANY_DIGITS.divide(MANY_DIGITS.ln(x), MANY_DIGITS.ln(Decimal(2)))

    assert worst(exponentials.log2, exact, np.exp2(some(-1070, 1023))) < 2
    assert worst(exponentials.log2, exact, some(0.5, 2)) < 2
    powers = np.arange(-1074, 1024)
    assert np.array_equal(exponentials.log2(np.ldexp(1.0, powers)), powers)


@pytest.mark.parametrize("scale", [1.0, 1e-5, 1e-300])
def test_log1p_and_expm1_keep_the_digits_of_small_numbers(scale: float) -> None:
    """Measured: 1.0 and 2.0 ulp."""
    x = scale * some(-0.99, 3)
    # The difference from the first terms of the series shows in no digit of these.
    digits = Context(prec=700, Emin=-10_000, Emax=10_000) if scale == 1e-300 else MANY_DIGITS
    few = x[:20] if scale == 1e-300 else x
    one = Decimal(1)
    log1p = worst(exponentials.log1p, lambda value: digits.ln(digits.add(one, value)), few)
    expm1 = worst(exponentials.expm1, lambda value: digits.subtract(digits.exp(value), one), few)
    assert log1p < 2
    assert expm1 < 3


def test_log1p_and_expm1_have_the_limits_of_ieee_754() -> None:
    x = np.array([-math.inf, -2.0, -1.0, 0.0, 1e308, math.inf, math.nan])
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(exponentials.log1p(x), np.log1p(x), rtol=1e-15)
        np.testing.assert_allclose(exponentials.expm1(x), np.expm1(x), rtol=1e-15)
        np.testing.assert_allclose(exponentials.log2(x), np.log2(x), rtol=1e-15)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (0.0, -math.inf),
        (-0.0, -math.inf),
        (1.0, 0.0),
        (math.inf, math.inf),
        (-TINY, math.nan),
        (-1.0, math.nan),
        (-math.inf, math.nan),
        (math.nan, math.nan),
    ],
)
def test_log_has_the_limits_of_ieee_754(x: float, y: float) -> None:
    for function in (exponentials.log, exponentials.log10):
        np.testing.assert_array_equal(function(np.array([x])), [y])


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (0.0, 1.0),
        (-0.0, 1.0),
        (TINY, 1.0),
        (-TINY, 1.0),
        (math.inf, math.inf),
        (-math.inf, 0.0),
        (math.nan, math.nan),
        (709.782712893384, 1.7976931348622732e308),
        (709.7827128933841, math.inf),
        (HUGE, math.inf),
        (-745.1332191019411, TINY),
        (-745.1332191019412, 0.0),
        (-HUGE, 0.0),
    ],
)
def test_exp_has_the_limits_of_ieee_754(x: float, y: float) -> None:
    np.testing.assert_array_equal(exponentials.exp(np.array([x])), [y])


@given(st.floats(allow_nan=False))
def test_exp_overflows_and_underflows_where_the_c_library_does(x: float) -> None:
    try:
        expected = math.exp(x)
    except OverflowError:
        expected = math.inf
    found = float(exponentials.exp(np.array([x]))[0])
    assert math.isinf(found) == math.isinf(expected)
    assert (found == 0) == (expected == 0)


@given(st.floats(min_value=-700, max_value=700))
def test_log_is_the_inverse_of_exp(x: float) -> None:
    # e^x is off by up to 1 ulp, relatively 2.2e-16, which log turns into an absolute error.
    assert float(exponentials.log(exponentials.exp(np.array([x])))[0]) == pytest.approx(
        x, rel=2.3e-16, abs=4.5e-16
    )


def test_the_functions_take_any_length_and_do_not_change_their_argument() -> None:
    for function in (exponentials.log, exponentials.exp, exponentials.log10):
        assert function(np.array([])).shape == (0,)
        x = np.linspace(0.1, 5, 1001)
        one_by_one = np.concatenate([function(x[i : i + 1]) for i in range(len(x))])
        before = x.copy()
        np.testing.assert_array_equal(function(x), one_by_one)
        np.testing.assert_array_equal(function(x[::2]), one_by_one[::2])
        np.testing.assert_array_equal(x, before)


def test_the_functions_have_the_same_bits_on_every_cpu() -> None:
    x = np.array([0.1, 0.7, 3.0, 1e100])
    assert [y.hex() for y in exponentials.log(x)] == [
        "-0x1.26bb1bbb55515p+1",
        "-0x1.6d3c324e13f50p-2",
        "0x1.193ea7aad030ap+0",
        "0x1.cc845b54b54f2p+7",
    ]
    assert [y.hex() for y in exponentials.exp(x[:3])] == [
        "0x1.1aec7b35a00d4p+0",
        "0x1.01c2a61268987p+1",
        "0x1.415e5bf6fb106p+4",
    ]
    hashed = hashlib.sha256()
    for function in (exponentials.log2, exponentials.log1p, exponentials.expm1, sine, cosine):
        values = function(np.linspace(-700, 700, 10_007))
        hashed.update(np.nan_to_num(values, nan=-1.0).tobytes())
    assert hashed.hexdigest() == "834adf383183442f9043ba905809969555f2c23a02b7a3e0c61c283d376f3971"
