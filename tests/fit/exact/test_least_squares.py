import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import statsmodels.api as sm
import torch
from hypothesis import given
from hypothesis import strategies as st

from linreg.errors import UserError
from tests.fit.exact.fits import Floats, exact_loss, exact_minimum, fit, rss_of


def drawn(n: int = 60, num_features: int = 3, seed: int = 1) -> tuple[Floats, Floats, Floats]:
    random = np.random.default_rng(seed)
    X = random.standard_normal((n, num_features)) + random.integers(-3, 4, num_features)
    y = 2.0 + X @ random.standard_normal(num_features) + random.standard_normal(n)
    return X, y, random.uniform(0.1, 3.0, n)


@pytest.mark.parametrize("l2", [0.0, 0.25])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("num_features", [1, 2, 5])
def test_every_bit_is_that_of_the_solution_in_fractions(
    num_features: int, intercept: bool, weighted: bool, l2: float
) -> None:
    X, y, w = drawn(40, num_features)
    found = fit(X, y, w if weighted else None, intercept, l2=l2)
    theta, b = exact_minimum(X, y, w if weighted else None, intercept, l2)
    assert [found.b, *found.theta] == [float(value) for value in [b, *theta]]
    rss = len(y) * exact_loss(X, y, w if weighted else None, theta, b)
    assert rss_of(found) == float(rss)


def test_a_polynomial_of_degree_10_keeps_14_digits() -> None:
    # The design of NIST's Filip, with a condition number of 3e19: the moments have 32 digits.
    # Measured: 5e-15.
    x = np.linspace(-8.8, -3.1, 82)
    X = np.column_stack([x**k for k in range(1, 11)])
    y = 0.8 + 0.1 * np.sin(x) + np.random.default_rng(1).normal(0, 0.003, 82)
    found = fit(X, y)
    theta, b = exact_minimum(X, y)
    pairs = zip([found.b, *found.theta.tolist()], [b, *theta], strict=True)
    assert max(abs(Fraction(ours) / exact - 1) for ours, exact in pairs) < 2e-14
    assert found.condition is not None
    assert found.condition > 1e19


@given(st.integers(0, 5), st.booleans(), st.integers(1, 30))
def test_the_gradient_of_the_penalised_loss_is_0(
    num_features: int, intercept: bool, seed: int
) -> None:
    """By autograd, with the meaning of SGD: weight_decay = 2·l2 on θ, and the mean over all
    rows.
    """
    if num_features + intercept == 0:
        return
    X, y, w = drawn(30, num_features, seed)
    l2 = 0.1
    found = fit(X, y, w, intercept, l2=l2)
    theta = torch.tensor(found.theta, requires_grad=True)
    b = torch.tensor(found.b, dtype=torch.float64, requires_grad=True)
    predicted = (torch.tensor(X) * theta).sum(dim=1) + b
    (torch.tensor(w) * (torch.tensor(y) - predicted) ** 2).mean().backward()
    assert theta.grad is not None
    assert b.grad is not None
    weight_decay = 2 * l2
    assert (theta.grad + weight_decay * theta.detach()).abs().sum() < 1e-12
    assert not intercept or abs(b.grad) < 1e-12


@pytest.mark.parametrize("intercept", [False, True])
def test_all_statistics_agree_with_statsmodels(intercept: bool) -> None:
    X, y, w = drawn(200, 4)
    found = fit(X, y, w, intercept)
    theirs = sm.WLS(y, sm.add_constant(X) if intercept else X, weights=w).fit()
    start = 0 if intercept else 1
    np.testing.assert_allclose([found.b, *found.theta][start:], theirs.params, rtol=1e-13)
    np.testing.assert_allclose(found.standard_errors[start:], theirs.bse, rtol=1e-13)
    np.testing.assert_allclose(
        found.unscaled_covariance(range(start, 5)),
        theirs.normalized_cov_params,
        rtol=1e-12,
        atol=1e-18,
    )
    assert found.sigma == pytest.approx(math.sqrt(theirs.scale), rel=1e-14, abs=0)
    assert float(found.tss) == pytest.approx(
        theirs.centered_tss if intercept else theirs.uncentered_tss, rel=1e-14, abs=0
    )
    assert (found.df, found.rank) == (theirs.df_resid, len(theirs.params))
    assert math.isnan(found.standard_errors[0]) != intercept


@pytest.mark.parametrize("num_features", [30, 100, 130])
def test_many_columns_agree_with_lstsq(num_features: int) -> None:
    X, y, _ = drawn(2 * num_features, num_features)
    found = fit(X, y)
    design = np.column_stack([np.ones(len(y)), X])
    # lstsq loses a condition number of about 1e4.
    np.testing.assert_allclose(
        [found.b, *found.theta], np.linalg.lstsq(design, y)[0], rtol=0, atol=1e-11
    )


@given(st.permutations(range(40)), st.booleans())
def test_the_order_of_the_rows_changes_no_bit(order: list[int], weighted: bool) -> None:
    X, y, w = drawn(40)
    found = fit(X[order], y[order], w[order] if weighted else None)
    expected = fit(X, y, w if weighted else None)
    assert (found.b, *found.theta, *found.standard_errors) == (
        expected.b,
        *expected.theta,
        *expected.standard_errors,
    )


@given(st.lists(st.integers(-300, 300), min_size=4, max_size=4))
def test_scaling_by_powers_of_two_scales_the_solution_exactly(exponents: list[int]) -> None:
    X, y, w = drawn(40)
    *of_X, of_y = exponents
    found, expected = fit(np.ldexp(X, of_X), np.ldexp(y, of_y), w), fit(X, y, w)
    np.testing.assert_array_equal(found.theta, np.ldexp(expected.theta, of_y - np.array(of_X)))
    np.testing.assert_array_equal(
        found.standard_errors[1:], np.ldexp(expected.standard_errors[1:], of_y - np.array(of_X))
    )
    assert found.b == math.ldexp(expected.b, of_y)
    assert found.condition == expected.condition


def test_weight_2_is_a_row_twice_but_for_the_number_of_rows() -> None:
    X, y, _ = drawn(50)
    w: Floats = 1.0 + np.arange(50) % np.float64(2)
    copies = np.repeat(np.arange(50), w.astype(int))
    weighted, repeated = fit(X, y, w), fit(X[copies], y[copies])
    np.testing.assert_array_equal(weighted.theta, repeated.theta)
    assert (weighted.b, rss_of(weighted)) == (repeated.b, rss_of(repeated))
    assert (weighted.df, repeated.df) == (46, 71)


def test_rows_of_weight_0_change_no_bit() -> None:
    X, y, w = drawn(50)
    w[::3] = 0.0
    found, expected = fit(X, y, w), fit(X[w > 0], y[w > 0], w[w > 0])
    np.testing.assert_array_equal(found.standard_errors, expected.standard_errors)
    np.testing.assert_array_equal(found.theta, expected.theta)
    assert (found.num_rows, found.df) == (50, expected.df)


def test_the_intercept_alone_is_the_mean() -> None:
    y = np.array([0.1, 0.2, 0.4])
    found = fit(np.empty((3, 0)), y)
    assert found.b == float(sum(map(Fraction, y.tolist()), Fraction(0)) / 3)
    assert found.standard_errors[0] == pytest.approx(y.std(ddof=1) / math.sqrt(3), rel=1e-15, abs=0)
    assert found.theta.shape == (0,)
    assert found.condition == pytest.approx(1)
    assert found.tss == found.rss


@pytest.mark.parametrize(
    ("factors", "dependency"),
    [
        ((0, 2, 0), "2·x1"),
        ((1, -1, 0), "1 − x1"),
        ((0, -1, 0), "−x1"),
        ((0, 1, 1), "x1 + x2"),
        ((-7, 1 / 3, -0.5), "−7 + 0.333333·x1 − 0.5·x2"),
        ((5, 0, 0), "5"),
        ((0, 0, 0), "0"),
        ((0, 0, 1e-200), "1e-200·x2"),
    ],
)
def test_collinear_columns_are_named_with_their_linear_dependency(
    factors: tuple[float, float, float], dependency: str
) -> None:
    X, y, _ = drawn(40, 2)
    X = np.column_stack([X, factors[0] + X[:, 0] * factors[1] + X[:, 1] * factors[2]])
    with pytest.raises(UserError) as caught:
        fit(X, y)
    assert "column x3" in str(caught.value)
    assert f"found x3 = {dependency}; leave it out" in str(caught.value)

    dropped, without = fit(X, y, collinear="drop"), fit(X[:, :2], y)
    assert dropped.dropped == {"x3": dependency}
    np.testing.assert_array_equal(dropped.theta, [*without.theta, 0.0])
    np.testing.assert_array_equal(dropped.standard_errors, [*without.standard_errors, math.nan])
    assert (dropped.df, dropped.rank, dropped.sigma) == (without.df, 3, without.sigma)
    assert dropped.kept.tolist() == [True, True, True, False]
    assert dropped.unscaled_covariance(range(4))[3].tolist() == [0.0] * 4


def test_a_dropped_column_depends_on_columns_that_are_kept() -> None:
    X, y, _ = drawn(40, 1)
    x = X[:, 0]
    found = fit(np.column_stack([x, 2 * x, 6 * x, x**2]), y, collinear="drop")
    assert found.dropped == {"x2": "2·x1", "x3": "6·x1"}
    assert found.theta[[0, 3]].tolist() == fit(np.column_stack([x, x**2]), y).theta.tolist()


def test_a_constant_column_is_estimated_without_intercept_or_with_ridge() -> None:
    X, y, _ = drawn(40, 1)
    beside = np.column_stack([X, np.full(40, 5.0)])
    assert fit(beside, y, intercept=False).theta[1] * 5 == pytest.approx(
        fit(X, y).b, rel=1e-14, abs=0
    )
    # All of the constant goes into the intercept, which has no penalty.
    assert abs(fit(beside, y, l2=0.1).theta[1]) < 1e-30


def test_nearly_collinear_columns_are_not_refused() -> None:
    X, y, _ = drawn(100, 1)
    other = X[:, 0] + 1e-9 * np.random.default_rng(2).standard_normal(100)
    X = np.column_stack([X, other])
    theta, _ = exact_minimum(X, y)
    np.testing.assert_allclose(fit(X, y).theta, [float(value) for value in theta], rtol=1e-12)


@pytest.mark.parametrize(
    ("w", "found"),
    [
        (None, "3 rows for 4 coefficients"),
        (np.array([1.0, 0, 1]), "2 rows with a weight above 0 for 4 coefficients"),
    ],
)
def test_fewer_rows_than_coefficients_are_refused(w: Floats | None, found: str) -> None:
    X, y, _ = drawn(3)
    with pytest.raises(UserError, match=f"as many as the coefficients; found {found}; add"):
        fit(X, y, w)
    assert fit(X, y, w, l2=0.01).theta.shape == (3,)


def test_no_rows_and_no_weights_are_refused() -> None:
    X, y, _ = drawn(8)
    with pytest.raises(UserError, match="found 0 rows for 4 coefficients"):
        fit(X[:0], y[:0], l2=1.0)
    with pytest.raises(UserError, match=r"model\.weights: are all zero"):
        fit(X, y, np.zeros(8))


def test_as_many_rows_as_coefficients_leave_no_degrees_of_freedom() -> None:
    X, y, _ = drawn(4)
    found = fit(X, y)
    assert (rss_of(found), found.df, found.sigma) == (0, 0, None)
    assert np.isnan(found.standard_errors).all()
    np.testing.assert_allclose(X @ found.theta + found.b, y, atol=1e-12)


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_a_perfect_fit_has_a_residual_of_exactly_0(offset: float) -> None:
    X, _, _ = drawn(50)
    # Rounding leaves residuals of 1e-17 of the terms.
    y = offset + X[:, 0] / 3 - 0.7 * X[:, 1]
    found = fit(X, y)
    assert (rss_of(found), found.sigma) == (0, 0)
    assert found.standard_errors.tolist() == [0.0] * 4


def test_residuals_of_1e_12_of_the_target_are_not_rounded_to_0() -> None:
    X, _, _ = drawn(50)
    noise = 1e-12 * np.random.default_rng(3).standard_normal(50)
    found = fit(X, X[:, 0] + noise)
    assert found.sigma == pytest.approx(1e-12, rel=0.3, abs=0)


def test_a_constant_target_has_a_total_sum_of_squares_of_0() -> None:
    X, _, _ = drawn(50)
    found = fit(X, np.full(50, 0.1))
    assert (rss_of(found), float(found.tss), found.b) == (0, 0, 0.1)
    assert abs(found.theta).max() < 1e-25


@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_values_near_the_limits_of_float64(size: float) -> None:
    X, y, _ = drawn(50)
    ours, plain = fit(X * size, y * size), fit(X, y)
    np.testing.assert_allclose(ours.theta, plain.theta, rtol=1e-12)
    assert ours.sigma is not None
    assert ours.sigma / size == pytest.approx(plain.sigma, rel=1e-12, abs=0)
    assert ours.rss is not None
    assert float(ours.rss / Decimal(size) ** 2) == pytest.approx(rss_of(plain), rel=1e-12)
    np.testing.assert_allclose(fit(X * size, y).theta * size, plain.theta, rtol=1e-12)


def test_a_coefficient_beyond_float64_is_refused() -> None:
    X, y, _ = drawn(50)
    with pytest.raises(
        UserError, match=r"the coefficient of x1 is too large for float64; found .*e\+599; change"
    ):
        fit(X * 1e-300, y * 1e300)
