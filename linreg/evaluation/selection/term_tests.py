"""Analysis of variance by terms: of type I (sequential), II and III (each term last)."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

from linreg.evaluation.formula_terms import INTERCEPT, FormulaTerms, Terms
from linreg.evaluation.joint_test import f_test
from linreg.evaluation.selection.submodels import Submodels
from linreg.fit.exact.least_squares import LeastSquares

Kind = Literal[1, 2, 3]


class TermTest(NamedTuple):
    """The F test of a term; F and p are None without residual degrees of freedom or coefficients.

    df              the number of its coefficients
    sum_of_squares  by how much it reduces the residual sum of squares
    f               for a perfect fit None, with p 0 if the term explains anything
    """

    term: str
    df: int
    sum_of_squares: float | None
    f: float | None
    p: float | None


def term_tests(submodels: Submodels, kind: Kind) -> list[TermTest]:
    """Return the tests of all terms, in the order of the formula, against σ² of the full model.

    I    each term after those before it: R's `anova(fit)`
    II   each term after all others but those that contain it (F. Yates, JASA 29, 1934): type II of
         car::Anova and statsmodels
    III  each term after all others, with the coding that they have: the Wald test of its
         coefficients; the intercept comes first
    """
    terms = submodels.terms
    tests = []
    if kind == 3 and submodels.solution.kept[0]:
        of_intercept = submodels.sum_of_squares_of_intercept()
        tests.append(_test(submodels.solution, INTERCEPT, 1, of_intercept))
    for i, term in enumerate(terms.terms):
        df = len(term.coefficients)
        explained = submodels.sum_of_squares(i, _given(terms, i, kind)) if df else Decimal(0)
        tests.append(_test(submodels.solution, term.text, df, explained))
    return tests


def _given(terms: FormulaTerms, term: int, kind: Kind) -> Terms:
    """Return the terms of the model that a term is added to."""
    if kind == 1:
        return frozenset(range(term))
    others = terms.all - {term}
    return others - terms.containing(term, others) if kind == 2 else others


def _test(solution: LeastSquares, text: str, df: int, explained: Decimal) -> TermTest:
    f, p = f_test(explained, df, solution.rss, solution.df)
    return TermTest(text, df, float(explained), f, p)


def rows_of(tests: Sequence[TermTest], solution: LeastSquares) -> Iterator[TermTest]:
    """Yield the tests, and the residuals as a last row."""
    yield from tests
    rss = None if solution.rss is None else float(solution.rss)
    yield TermTest("residuals", solution.df, rss, None, None)
