from fractions import Fraction

import numpy as np

from linreg.arrays import Floats
from linreg.fit.exact.double_double import sum_kernels, sum_numpy
from linreg.fit.exact.double_double.sum_numpy import LANES

RANDOM = np.random.default_rng(1)


def sums() -> tuple[Floats, Floats]:
    return np.zeros(LANES), np.zeros(LANES)


def exact(hi: Floats, lo: Floats) -> list[Fraction]:
    return [Fraction(a) + Fraction(b) for a, b in zip(hi.tolist(), lo.tolist(), strict=True)]


def test_products_have_the_errors_of_dekkers_product() -> None:
    a, b = np.ldexp(RANDOM.normal(size=(2, 6400)), RANDOM.integers(-200, 200, (2, 6400)))
    errors = sum_numpy.product_error(a, b, a * b)
    for start in range(0, len(a), LANES):
        rows = slice(start, start + LANES)
        hi, lo = sums()
        sum_kernels.add_products(a[rows], b[rows], hi, lo)
        np.testing.assert_array_equal(hi, (a * b)[rows])
        np.testing.assert_array_equal(lo, errors[rows])


def test_lanes_sum_every_32nd_row_to_100_bits() -> None:
    a, b = np.ldexp(RANDOM.normal(size=(2, 640)), RANDOM.integers(-30, 30, (2, 640)))
    a_lo = a * 2.0**-55
    products, weighted, values = sums(), sums(), sums()
    sum_kernels.add_products(a, b, *products)
    sum_kernels.add_weighted_products(a, a_lo, b, *weighted)
    sum_kernels.add_values(a, a_lo, *values)
    x = [Fraction(v) for v in a.tolist()]
    x_lo = [Fraction(v) for v in a_lo.tolist()]
    z = [Fraction(v) for v in b.tolist()]
    for lane in range(LANES):
        rows = range(lane, 640, LANES)
        size = sum((abs(x[r] * z[r]) for r in rows), Fraction(0)) / 2**98
        assert abs(exact(*products)[lane] - sum(x[r] * z[r] for r in rows)) <= size
        expected = sum((x[r] + x_lo[r]) * z[r] for r in rows)
        assert abs(exact(*weighted)[lane] - expected) <= size
        size = sum((abs(x[r]) for r in rows), Fraction(0)) / 2**98
        assert abs(exact(*values)[lane] - sum(x[r] + x_lo[r] for r in rows)) <= size


def test_axpy_adds_the_product_of_two_double_doubles_to_100_bits() -> None:
    hi, lo = sums()
    expected = [Fraction(0)] * LANES
    absolute = [Fraction(0)] * LANES
    for factor in np.ldexp(RANDOM.normal(size=30), RANDOM.integers(-30, 30, 30)).tolist():
        x = RANDOM.normal(size=LANES)
        x_lo, factor_lo = x * 2.0**-55, factor * 2.0**-55
        sum_kernels.axpy(hi, lo, x, x_lo, factor, factor_lo)
        for i in range(LANES):
            term = Fraction(x[i]) + Fraction(x_lo[i])
            term *= Fraction(factor) + Fraction(factor_lo)
            expected[i] += term
            absolute[i] += abs(term)
    for i, found in enumerate(exact(hi, lo)):
        assert abs(found - expected[i]) <= absolute[i] / 2**98


def test_flushing_moves_the_lanes_into_the_totals() -> None:
    lanes = RANDOM.normal(size=(3, 2, LANES))
    lanes[:, 1] *= 2.0**-53
    expected = [sum(map(Fraction, pair.ravel().tolist()), Fraction(0)) for pair in lanes]
    for implementation in (sum_kernels, sum_numpy):
        left, total, of_fold = lanes.copy(), np.zeros((3, 3)), np.zeros((3, 3))
        of_fold[:, 0] = 3
        implementation.flush_lanes(left, total, of_fold)
        assert not left.any()
        for parts, value in zip(total.tolist(), expected, strict=True):
            assert abs(sum(map(Fraction, parts), Fraction(0)) - value) < Fraction(2) ** -150
        for parts, value in zip(of_fold.tolist(), expected, strict=True):
            assert abs(sum(map(Fraction, parts), Fraction(0)) - 3 - value) < Fraction(2) ** -145
