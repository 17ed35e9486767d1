"""Wald's tests of the terms of a formula, with the classical and the robust covariance."""

from collections.abc import Iterator

import numpy as np

from linreg.evaluation.coefficient_covariance import CoefficientCovariance, classical_covariance
from linreg.evaluation.formula_terms import INTERCEPT, FormulaTerms
from linreg.evaluation.inference import MOST_TESTED
from linreg.evaluation.joint_test import JointTest, WaldTests, joint_test
from linreg.fit.exact.least_squares import LeastSquares


def wald_tests(
    solution: LeastSquares, terms: FormulaTerms, robust: CoefficientCovariance
) -> Iterator[WaldTests]:
    """Yield the test of the intercept, if there is one, and that of each term of the formula.

    A term is tested after all others, as they are coded: the test of type III. All levels of a
    category are tested together, and so are all columns of a basis such as poly(x, 3).
    """
    blocks: list[tuple[str, tuple[int, ...]]] = [(INTERCEPT, (0,))] if solution.kept[0] else []
    blocks += [(term.text, term.coefficients) for term in terms.terms]
    classical = classical_covariance(solution)
    for text, coefficients in blocks:
        of_term = [_test(solution, coefficients, each) for each in (classical, robust)]
        yield WaldTests(text, len(coefficients), *of_term)


def _test(
    solution: LeastSquares, coefficients: tuple[int, ...], covariance: CoefficientCovariance
) -> JointTest | None:
    """Return the test that some of (b, θ) are 0; None without one, or for more than MOST_TESTED."""
    chosen = list(coefficients)
    if not 0 < len(chosen) <= MOST_TESTED:
        return None
    estimates = np.concatenate([[solution.b], solution.theta])[chosen]
    if len(chosen) == 1 and (error := covariance.standard_errors[chosen[0]]) > 0:
        # F is t², without a variance that may be beyond float64.
        return joint_test(estimates / error, np.ones((1, 1)), covariance.df)
    return joint_test(estimates, covariance.matrix(chosen), covariance.df)
