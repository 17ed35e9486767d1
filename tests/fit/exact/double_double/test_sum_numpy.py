from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.evaluation.covariance.robust import RobustStandardErrors
from linreg.fit.exact.double_double.sum_numpy import (
    MAX_PRODUCTS,
    add_double_doubles,
    add_to_total,
    axpy,
    numpy_is_faster,
    product_error,
)
from linreg.fit.exact.moment_sums.moments import Moments
from linreg.fit.exact.projection import leverages
from tests.fit.exact.fits import Floats, fit

KERNELS = MAX_PRODUCTS
"""So many expected rows that the kernels are used."""


@given(
    lengths=st.lists(st.integers(1, 8900), min_size=1, max_size=4),
    num_features=st.integers(0, 5),
    weighted=st.booleans(),
    exponent=st.sampled_from([0, -40, 40, 255, -255, 600, -600]),
    seed=st.integers(0, 1000),
)
def test_numpy_adds_up_moments_to_the_bits_of_the_kernels(
    lengths: list[int], num_features: int, weighted: bool, exponent: int, seed: int
) -> None:
    found = []
    for expected_rows in (0, KERNELS):
        random = np.random.default_rng(seed)
        moments = Moments.zero(num_features, expected_rows)
        for length in lengths:
            X = np.ldexp(random.normal(size=(length, num_features)) + 3, exponent)
            w = np.ldexp(random.uniform(0, 2, length), exponent) if weighted else None
            moments.add(X, random.normal(size=length), w)
        found.append(moments.as_array().tobytes())
    assert found[0] == found[1]


@given(
    num_rows=st.integers(10, 300),
    num_features=st.integers(0, 4),
    weighted=st.booleans(),
    intercept=st.booleans(),
    exponent=st.sampled_from([0, -30, 300]),
    collinear=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_numpy_finds_robust_errors_and_leverages_to_the_bits_of_the_kernels(
    num_rows: int,
    num_features: int,
    weighted: bool,
    intercept: bool,
    exponent: int,
    collinear: bool,
    seed: int,
) -> None:
    if not num_features and not intercept:
        return
    random = np.random.default_rng(seed)
    X = np.ldexp(random.normal(size=(num_rows, num_features)) + 1, exponent)
    if collinear and num_features > 1:
        X[:, 1] = 2 * X[:, 0]
    y = random.normal(size=num_rows)
    w = random.uniform(0.1, 2, num_rows) if weighted else None
    solution = fit(X, y, w, intercept, collinear="drop")
    errors = []
    for expected_rows in (0, KERNELS):
        robust = RobustStandardErrors(solution, expected_rows)
        robust.add(X[:7], y[:7], None if w is None else w[:7])
        robust.add(X[7:], y[7:], None if w is None else w[7:])
        errors.append(robust.standard_errors()[1].tobytes())
    assert errors[0] == errors[1]
    few = leverages(solution, X)
    many = leverages(solution, np.tile(X, (MAX_PRODUCTS // num_rows // 3 + 1, 1)))
    assert few.tobytes() == many[:num_rows].tobytes()


def test_numpy_is_used_for_up_to_a_million_products() -> None:
    assert numpy_is_faster(100_000, 4)
    assert not numpy_is_faster(100_001, 4)
    assert numpy_is_faster(1_000_000, 1)


@given(st.floats(0.5, 1), st.floats(-1, -0.5), st.integers(-200, 200), st.integers(-200, 200))
def test_a_product_and_its_error_are_exact(a: float, b: float, m: int, n: int) -> None:
    x, y = np.ldexp([a], m), np.ldexp([b], n)
    product = x * y
    error = product_error(x, y, product)
    assert Fraction(product[0]) + Fraction(error[0]) == Fraction(x[0]) * Fraction(y[0])


TERMS = st.lists(st.tuples(st.floats(-1, 1), st.integers(-60, 60)), min_size=1, max_size=60)


@given(TERMS)
def test_totals_are_exact_to_150_bits_in_any_order(terms: list[tuple[float, int]]) -> None:
    values = [float(np.ldexp(value, exponent)) for value, exponent in terms]
    exact = sum(map(Fraction, values), Fraction(0))
    bound = sum(map(abs, map(Fraction, values)), Fraction(0)) / 2**150
    for order in (values, values[::-1], sorted(values)):
        total = np.zeros((1, 3))
        for value in order:
            add_to_total(total, np.array([value]))
        assert abs(sum(map(Fraction, total[0].tolist()), Fraction(0)) - exact) <= bound


@given(TERMS)
def test_double_doubles_are_added_to_100_bits(terms: list[tuple[float, int]]) -> None:
    total = np.zeros((2, 2))
    exact = absolute = Fraction(0)
    for value, exponent in terms:
        high = float(np.ldexp(value, exponent))
        low = high * 2.0**-54
        add_double_doubles(total, np.array([[high, low], [-high, -low]]))
        exact += Fraction(high) + Fraction(low)
        absolute += abs(Fraction(high))
    for row, sign in zip(total.tolist(), (1, -1), strict=True):
        assert abs(sign * (Fraction(row[0]) + Fraction(row[1])) - exact) <= absolute / 2**100


@pytest.mark.parametrize("low", [0.0, 2.0**-60])
def test_axpy_adds_a_multiple_to_100_bits(low: float) -> None:
    random = np.random.default_rng(1)
    hi, lo = np.zeros(50), np.zeros(50)
    exact = [Fraction(0)] * 50
    absolute = [Fraction(0)] * 50
    for factor in random.normal(size=30) * 2.0 ** random.integers(-30, 30, 30):
        x: Floats = random.normal(size=50)
        axpy(hi, lo, x, float(factor), float(factor) * low)
        for i, value in enumerate(x.tolist()):
            term = Fraction(value) * (Fraction(float(factor)) + Fraction(float(factor) * low))
            exact[i] += term
            absolute[i] += abs(term)
    for i in range(50):
        assert abs(Fraction(hi[i]) + Fraction(lo[i]) - exact[i]) <= absolute[i] / 2**98
