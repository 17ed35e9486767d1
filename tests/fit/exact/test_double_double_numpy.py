import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.evaluation.robust import RobustStandardErrors, leverages
from linreg.fit.exact import double_double_kernels, double_double_numpy
from linreg.fit.exact.least_squares import solve
from linreg.fit.exact.moments import Moments


@given(
    lengths=st.lists(st.integers(1, 9000), min_size=1, max_size=4),
    num_features=st.integers(0, 5),
    weighted=st.booleans(),
    exponent=st.sampled_from([0, -40, 40, 255, -255, 600, -600]),
    seed=st.integers(0, 1000),
)
def test_numpy_adds_up_the_moments_to_the_bits_of_the_kernel(
    lengths: list[int], num_features: int, weighted: bool, exponent: int, seed: int
) -> None:
    found = []
    for few in (10**9, -1):
        draw = np.random.default_rng(seed)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(double_double_numpy, "MAX_PRODUCTS", few)
            of = Moments.zero(num_features)
            for length in lengths:
                X = np.ldexp(draw.normal(size=(length, num_features)) + 3, exponent)
                w = draw.uniform(0, 2, length) if weighted else None
                of.add(X, draw.normal(size=length), w)
            found.append(of.as_array().tobytes())
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
    rng = np.random.default_rng(seed)
    X = np.ldexp(rng.normal(size=(num_rows, num_features)) + 1, exponent)
    if collinear and num_features > 1:
        X[:, 1] = 2 * X[:, 0]
    y, w = rng.normal(size=num_rows), rng.uniform(0.1, 2, num_rows) if weighted else None
    of = Moments.zero(num_features)
    of.add(X, y, w)
    fit = solve(of, [f"x{j}" for j in range(num_features)], intercept, collinear="drop")
    found = []
    for few in (10**9, -1):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(double_double_numpy, "MAX_PRODUCTS", few)
            errors = RobustStandardErrors(fit)
            errors.add(X[:7], y[:7], None if w is None else w[:7])
            errors.add(X[7:], y[7:], None if w is None else w[7:])
            found.append((errors.standard_errors()[1].tobytes(), leverages(fit, X).tobytes()))
    assert found[0] == found[1]


def test_both_have_the_same_products_errors() -> None:
    rng = np.random.default_rng(1)
    a, b = np.ldexp(rng.normal(size=(2, 10_000)), rng.integers(-200, 200, (2, 10_000)))
    errors = double_double_numpy.product_error(a, b, a * b).tolist()
    hi, lo = np.zeros(32), np.zeros(32)
    for x, y, error in zip(a.tolist(), b.tolist(), errors, strict=True):
        hi[:], lo[:] = 0.0, 0.0
        double_double_kernels.add_products(
            np.array([x] + [0.0] * 31), np.array([y] + [0.0] * 31), hi, lo
        )
        assert (hi[0], lo[0]) == (x * y, error)
