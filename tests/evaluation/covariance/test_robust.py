import math
from collections.abc import Callable
from fractions import Fraction
from types import ModuleType

import mpmath
import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from linreg.data.rows import Rows
from linreg.evaluation.covariance import robust_kernels, robust_numpy
from linreg.evaluation.covariance.level_robust import robust_standard_errors
from linreg.evaluation.covariance.robust import RobustStandardErrors
from linreg.fit.exact.least_squares import LeastSquares
from tests.evaluation.noisy_rows import Floats, drawn
from tests.fit.exact.fits import fit

Shards = Callable[..., list[Rows]]
both_implementations = pytest.mark.parametrize("passes", [robust_numpy, robust_kernels])


def robust_errors(
    solution: LeastSquares, X: Floats, y: Floats, w: Floats | None = None, rows: int = 10**6
) -> tuple[str, Floats]:
    """The standard errors from chunks of so many rows."""
    errors = RobustStandardErrors(solution)
    for start in range(0, len(y), rows):
        chunk = slice(start, start + rows)
        errors.add(X[chunk], y[chunk], None if w is None else w[chunk])
    return errors.standard_errors()


@pytest.mark.parametrize("num_rows", [5, 6, 120])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
def test_hc3_agrees_with_statsmodels(intercept: bool, weighted: bool, num_rows: int) -> None:
    """Measured: 2e-14 for 120 rows; for 5, whose leverages come near to 1, 1e-10 of their gap."""
    X, y, w = drawn(num_rows)
    weights = w if weighted else None
    kind, errors = robust_errors(fit(X, y, weights, intercept), X, y, weights)
    design = sm.add_constant(X) if intercept else X
    theirs = sm.WLS(y, design, weights=w if weighted else 1.0).fit()
    assert kind == "HC3"
    assert math.isnan(errors[0]) != intercept
    expected = theirs.get_robustcov_results("HC3", use_t=True).bse
    np.testing.assert_allclose(errors[0 if intercept else 1 :], expected, rtol=1e-9)


def test_a_row_with_leverage_1_turns_hc3_into_hc1() -> None:
    X, y, _ = drawn()
    # One row alone has information about x3.
    X[:, 2] = 0.0
    X[7, 2] = 3.0
    kind, errors = robust_errors(fit(X, y), X, y)
    theirs = sm.OLS(y, sm.add_constant(X)).fit().get_robustcov_results("HC1")
    assert kind == "HC1"
    np.testing.assert_allclose(errors, theirs.bse, rtol=1e-11)


@pytest.mark.parametrize(("distance", "kind"), [(1e5, "HC3"), (1e6, "HC1")])
def test_a_leverage_is_1_from_1e_10_below_it_on(distance: float, kind: str) -> None:
    """A row at distance d has a leverage of about 1 − 10/d² here, by the formula for one column."""
    x = np.arange(10.0) - 4.5
    x[-1] = distance
    assert robust_errors(fit(x[:, None], np.sin(x)), x[:, None], np.sin(x))[0] == kind
    mean = x.mean()
    leverage = 1 / 10 + (distance - mean) ** 2 / ((x - mean) ** 2).sum()
    assert (1 - leverage < 1e-10) == (kind == "HC1")


@pytest.mark.slow
@given(st.integers(1, 200), st.booleans())
def test_the_lengths_of_chunks_do_not_change_a_bit(rows: int, weighted: bool) -> None:
    X, y, w = drawn()
    weights = w if weighted else None
    solution = fit(X, y, weights)
    kind, errors = robust_errors(solution, X, y, weights, rows)
    expected_kind, expected = robust_errors(solution, X, y, weights)
    assert kind == expected_kind
    np.testing.assert_array_equal(errors, expected)


def small_residuals(num_pairs: int, size: float) -> Floats:
    """±1 and pairs of ±size, whose squares are lost one by one when they are added to 2."""
    return np.array([1.0, -1.0] + [size, -size] * num_pairs)


def error_of_the_mean(y: Floats) -> float:
    """HC3 of the intercept of residuals with mean 0: all leverages are 1/n, all aᵢ are 1/n."""
    return math.sqrt(sum(Fraction(value) ** 2 for value in y.tolist())) / (len(y) - 1)


@pytest.mark.slow
@pytest.mark.parametrize("compiled", [False, True])
def test_many_small_residuals_count_beside_a_large_one(compiled: bool) -> None:
    """Sums that forget their rounding errors are 1e-13 too small here."""
    y = small_residuals(10_000, 5e-9)
    X = np.empty((len(y), 0))
    robust = RobustStandardErrors(fit(X, y), expected_rows=10**9 if compiled else 0)
    robust.add(X, y)
    _, errors = robust.standard_errors()
    assert errors[0] == pytest.approx(error_of_the_mean(y), rel=2e-15, abs=0)


@pytest.mark.slow
def test_shards_with_small_residuals_count_beside_one_with_a_large_one(shards_of: Shards) -> None:
    """Sums over shards that forget their rounding errors are 3.7e-15 too small here."""
    y = small_residuals(299, 5e-9)
    shards = shards_of(np.empty((len(y), 0)), y, 300)
    _, errors = robust_standard_errors(fit(np.empty((len(y), 0)), y), shards).standard_errors()
    assert errors[0] == pytest.approx(error_of_the_mean(y), rel=1e-15, abs=0)


@pytest.mark.slow
@both_implementations
@given(st.lists(st.tuples(*[st.floats(-1, 1)] * 2, st.integers(-40, 40)), min_size=1, max_size=40))
def test_squares_are_added_in_double_double(
    passes: ModuleType, rows: list[tuple[float, float, int]]
) -> None:
    values = np.array([[math.ldexp(factor, exponent), a] for factor, a, exponent in rows]).T
    factors, a = np.stack([values[0], -values[0] / 2]), np.ascontiguousarray(values[1:])
    sums = np.zeros((2, 2, 1, 1))
    passes.add_products(factors, a, sums)
    for kind in (0, 1):
        terms = [Fraction(v) for v in np.square(factors[kind] * a[0]).tolist()]
        high, low = map(Fraction, sums[kind, :, 0, 0].tolist())
        assert abs(high + low - sum(terms)) <= sum(terms) / 2**98


@pytest.mark.parametrize("distance", [10.0, 1e3, 3e4])
def test_robust_errors_have_the_digits_that_are_claimed(distance: float) -> None:
    """One row at so great a distance that its leverage is nearly 1, in 60 decimal digits."""
    x = np.arange(10.0) - 4.5
    x[-1] = distance
    y = np.sin(x)
    errors = RobustStandardErrors(fit(x[:, None], y))
    errors.add(x[:, None], y)
    kind, found = errors.standard_errors()
    assert kind == "HC3"
    with mpmath.workdps(60):
        rows = [mpmath.mpf(value) for value in x.tolist()]
        mean = sum(rows) / 10
        square = sum((each - mean) ** 2 for each in rows)
        targets = [mpmath.mpf(value) for value in y.tolist()]
        slope = sum((a - mean) * b for a, b in zip(rows, targets, strict=True)) / square
        intercept = sum(targets) / 10 - slope * mean
        total = mpmath.mpf(0)
        for a, b in zip(rows, targets, strict=True):
            leverage = mpmath.mpf(1) / 10 + (a - mean) ** 2 / square
            total += ((b - intercept - slope * a) / (1 - leverage) * (a - mean) / square) ** 2
        difference = abs(mpmath.mpf(float(found[1])) / mpmath.sqrt(total) - 1)
    assert difference <= errors.relative_error
    assert errors.relative_error < 1e-15 * distance**2
