"""Wald's tests of the terms of a formula, with the classical and the robust covariance."""

from collections.abc import Iterator, Sequence

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
    category are tested together, and so are all columns of a basis such as poly(x, 3). A margin is
    also tested by type II, as if the terms that contain it were 0 (`car::Anova` with `vcov.`).
    """
    classical = classical_covariance(solution)

    def tested(text: str, coefficients: Sequence[int]) -> WaldTests:
        usual, of_robust = (_test(solution, coefficients, each) for each in (classical, robust))
        return WaldTests(text, len(coefficients), usual, of_robust)

    if solution.kept[0]:
        yield tested(INTERCEPT, (0,))
    for i, term in enumerate(terms.terms):
        tests = tested(term.text, term.coefficients)
        if containing := terms.containing(i, terms.all):
            zero = [j for k in sorted(containing) for j in terms.terms[k].coefficients]
            type_2 = _test(solution, term.coefficients, robust, zero)
            tests = tests._replace(is_margin=True, robust_type_2=type_2)
        yield tests


def _test(
    solution: LeastSquares,
    coefficients: Sequence[int],
    covariance: CoefficientCovariance,
    zero: Sequence[int] = (),
) -> JointTest | None:
    """Return the test that some of (b, θ) are 0; None without one, or for more than MOST_TESTED.

    zero  others, which are taken to be 0
    """
    chosen = [*zero, *coefficients]
    if not coefficients or len(chosen) > MOST_TESTED:
        return None
    estimates = np.concatenate([[solution.b], solution.theta])[chosen]
    if len(chosen) == 1 and (error := covariance.standard_errors[chosen[0]]) > 0:
        # F is t², without a variance that may be beyond float64.
        return joint_test(estimates / error, np.ones((1, 1)), covariance.df)
    return joint_test(estimates, covariance.matrix(chosen), covariance.df, len(zero))
