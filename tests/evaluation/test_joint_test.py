"""Wald tests of several coefficients, against statsmodels and exact arithmetic."""

import math
from fractions import Fraction

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from linreg.arrays import Floats
from linreg.evaluation.coefficient_covariance import classical_covariance
from linreg.evaluation.covariance.robust import HCKind, RobustStandardErrors
from linreg.evaluation.inference import infer
from linreg.evaluation.joint_test import joint_test, restricted
from tests.evaluation.noisy_rows import drawn
from tests.fit.exact.fits import fit

X, Y, W = drawn(120, 4)
DESIGN = sm.add_constant(X)


def robust_of(kind: HCKind, w: Floats | None = None) -> RobustStandardErrors:
    robust = RobustStandardErrors(fit(X, Y, w), len(Y), kind)
    robust.add(X, Y, w)
    return robust


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["HC0", "HC1", "HC2", "HC3"])
def test_robust_covariances_and_joint_tests_agree_with_statsmodels(
    kind: HCKind, weighted: bool
) -> None:
    w = W if weighted else None
    robust = robust_of(kind, w)
    theirs = sm.WLS(Y, DESIGN, weights=W if weighted else 1.0).fit()
    theirs = theirs.get_robustcov_results(kind, use_t=True)
    np.testing.assert_allclose(robust.matrix(range(5)), theirs.cov_params(), rtol=1e-10)
    solution = fit(X, Y, w)
    estimates = np.array([solution.b, *solution.theta])
    R, r = np.array([[0, 1, -1, 0, 0], [0, 0, 1, 2, 0.0]]), np.array([0.1, -0.2])
    found = joint_test(*restricted(estimates, robust.matrix(range(5)), R, r), solution.df)
    expected = theirs.f_test((R, r))
    assert found is not None
    assert found.f == pytest.approx(float(expected.fvalue), rel=1e-9)
    assert found.p == pytest.approx(float(expected.pvalue), rel=1e-9)
    assert (found.df1, found.df2) == (2, 115)
    table = infer(solution, 0.95, robust.covariance())
    assert table.robust_f == pytest.approx(float(theirs.fvalue), rel=1e-9)
    assert table.robust_f_p == pytest.approx(float(theirs.f_pvalue), rel=1e-8)


def test_the_classical_joint_test_of_all_is_the_f_test_of_the_regression() -> None:
    solution = fit(X, Y)
    covariance = classical_covariance(solution)
    found = joint_test(solution.theta, covariance.matrix([1, 2, 3, 4]), covariance.df)
    table = infer(solution, 0.95)
    assert found is not None
    assert found.f == pytest.approx(table.f, rel=1e-13)
    assert found.p == pytest.approx(table.f_p, rel=1e-11)


def test_units_of_any_size_change_nothing() -> None:
    """Against Cramer's rule in fractions."""
    estimates, V = np.array([1.5, -0.25]), np.array([[2.0, 0.75], [0.75, 0.5]])
    a, b, c = Fraction(2), Fraction(3, 4), Fraction(1, 2)
    x, y = Fraction(3, 2), Fraction(-1, 4)
    wald = (c * x * x - 2 * b * x * y + a * y * y) / (a * c - b * b)
    for exponents in ([0, 0], [400, -400], [-900, 300]):
        scale = np.array(exponents)
        scaled = np.ldexp(V, np.add.outer(scale, scale) // 2)
        found = joint_test(np.ldexp(estimates, scale // 2), scaled, 7)
        assert found is not None
        assert found.f == pytest.approx(float(wald / 2), rel=1e-15)
        assert found.p == pytest.approx(stats.f.sf(float(wald / 2), 2, 7), rel=1e-13)


@pytest.mark.parametrize(
    ("V", "df"),
    [
        ([[1.0, 1.0], [1.0, 1.0]], 5),
        ([[1.0, 1.0], [1.0, 1.0 + 1e-15]], 5),
        ([[1.0, 2.0], [2.0, 1.0]], 5),
        ([[0.0, 0.0], [0.0, 1.0]], 5),
        ([[math.nan, 0.0], [0.0, 1.0]], 5),
        ([[1.0, 0.0], [0.0, 1.0]], 0),
    ],
)
def test_there_is_no_test_without_a_definite_covariance(V: list[list[float]], df: int) -> None:
    assert joint_test(np.array([1.0, 2.0]), np.array(V), df) is None


def test_without_noise_any_difference_from_0_is_certain() -> None:
    zeros = np.zeros((2, 2))
    assert joint_test(np.array([0.0, 1e-9]), zeros, 3) == (math.inf, 2, 3, 0.0)
    assert joint_test(np.zeros(2), zeros, 3) is None
    assert joint_test(np.empty(0), np.empty((0, 0)), 3) is None
