"""Inference about the coefficients: standard errors, t tests and confidence intervals.

The formulas are those of any textbook of linear models, for normal noise of equal variance (divided
by the weight); robust standard errors allow unequal variances. No digit depends on the CPU: see
`linreg.evaluation.distributions`.
"""

import math
from dataclasses import dataclass, field
from decimal import localcontext
from typing import Any, Literal

import numpy as np

from linreg.evaluation.coefficient_covariance import CoefficientCovariance
from linreg.evaluation.goodness_of_fit.information_criteria import (
    InformationCriteria,
    information_criteria,
)
from linreg.evaluation.goodness_of_fit.r_squared import adjusted, r_squared
from linreg.evaluation.goodness_of_fit.residual_quantiles import ResidualQuantiles, RowSummary
from linreg.evaluation.joint_test import WaldTests, f_test, joint_test
from linreg.evaluation.t_tests import CoefficientRow, coefficient_table, finite
from linreg.fit.exact.least_squares import LeastSquares, NoErrors
from linreg.fit.exact.normal_equations.ldl import PRECISION

Headline = Literal["usual", "robust"]
CRITERIA = InformationCriteria._fields
MOST_TESTED = 300
"""Coefficients whose robust covariance is inverted for F, which takes their number to the cube."""


@dataclass(frozen=True)
class Inference:
    """The coefficient table, and the fit as a whole; None as in `TTest`.

    coefficients   b first, if there is an intercept, then θ; without dropped columns
    df             residual degrees of freedom
    sigma          the residual standard deviation
    r2             1 − rss/tss, tss around the mean of y with intercept, around 0 without; None for
                   a constant y, or where rss cannot be told
    r2_around_mean  1 − rss/tss with tss around the mean of y, where the columns span a constant
                   without an intercept, as a full category does: the R² of statsmodels, while r2
                   is that of R; else None
    adjusted_r2    1 − (1 − r2)·(df of tss)/df
    f, f_p         F test of all coefficients but the intercept being 0, on f_df and df degrees of
                   freedom
    condition      condition number of the scaled Gram matrix
    digits         that every coefficient and standard error has, robust ones too, of 15
    no_errors      why there are no standard errors: "ridge", "lasso", "elastic net", "no
                   degrees of freedom", or "rounding" where the residuals are no more than that;
                   None if there are
    robust_kind    "HC0" to "HC3", "cluster:school", "HAC:4"; None without robust standard errors
    dropped        by the name of each dropped column its linear dependency
    rss            residual sum of squares, the deviance of R; None where it cannot be told
    criteria       log-likelihood, AIC, AICc and BIC; None as in `information_criteria`, or if the
                   rows were not read
    residuals      their quartiles; None likewise
    headline       which standard errors count: "usual", the classical ones, or "robust"; what shows
                   one of them shows these
    headline_reason  why, as a phrase
    robust_df      degrees of freedom of the robust t and F tests
    robust_f, robust_f_p  F test of all coefficients but the intercept with the robust covariance,
                   on f_df and robust_df degrees of freedom; None also where that covariance is
                   singular, as with too few clusters, or has over 300 coefficients
    robust_problem  why robust standard errors are None where classical ones are not
    num_clusters   by column the number of clusters, or of times; of two columns also both at once
    correction, correction_factors  of small samples: a formula, and its values, by which robust
                   variances are multiplied
    penalty        l1, l2 and scale (`train.penalty_scale`) of a penalized fit
    absorbed       by absorbed factor, its `levels`, and the degrees of freedom `df` that they take;
                   r2 is then around the mean, and F that of the coefficients
    r2_within      1 − rss/(rss of the absorbed factors alone); None without any, and as r2
    adjusted_r2_within  1 − (1 − r2_within)·(df + number of coefficients)/df
    terms          by term of the formula, in its order, the Wald test that all its coefficients are
                   0, after the intercept; None if the terms are not known
    """

    coefficients: tuple[CoefficientRow, ...]
    confidence: float
    num_rows: int
    df: int
    sigma: float | None
    r2: float | None
    r2_around_mean: float | None
    adjusted_r2: float | None
    f: float | None
    f_df: int
    f_p: float | None
    condition: float | None
    digits: int
    no_errors: NoErrors | None
    robust_kind: str | None
    dropped: dict[str, str]
    rss: float | None
    headline: Headline = "usual"
    headline_reason: str | None = None
    robust_df: int | None = None
    robust_f: float | None = None
    robust_f_p: float | None = None
    robust_problem: str | None = None
    num_clusters: dict[str, int] = field(default_factory=dict)
    correction: str | None = None
    correction_factors: dict[str, float] = field(default_factory=dict)
    criteria: InformationCriteria | None = None
    residuals: ResidualQuantiles | None = None
    penalty: dict[str, Any] | None = None
    absorbed: dict[str, dict[str, int]] = field(default_factory=dict)
    r2_within: float | None = None
    adjusted_r2_within: float | None = None
    terms: tuple[WaldTests, ...] | None = None

    def as_data(self) -> dict[str, Any]:
        """Return plain data for JSON; coefficients by name, and `order` is that of the formula."""
        rows = {
            row.name: {
                "estimate": row.estimate,
                "usual": vars(row.classical),
                "robust": row.robust and vars(row.robust),
            }
            for row in self.coefficients
        }
        criteria = self.criteria._asdict() if self.criteria else dict.fromkeys(CRITERIA)
        data = {name: value for name, value in vars(self).items() if name != "criteria"} | criteria
        residuals = self.residuals and self.residuals._asdict()
        if not self.absorbed:
            del data["absorbed"], data["r2_within"], data["adjusted_r2_within"]
        terms = self.terms and [term.as_data() for term in self.terms]
        order = list(rows)
        return data | {"coefficients": rows, "order": order, "residuals": residuals, "terms": terms}

    def as_metrics(self) -> dict[str, float]:
        """Return numbers by MLflow name: exact.b, standard_error.x1, aic.

        Standard errors are those of the headline. With absorbed factors there is also r2_within.
        """
        values = {f"exact.{row.name}": row.estimate for row in self.coefficients}
        for row in self.coefficients:
            tests = row.robust if self.headline == "robust" else row.classical
            if tests and tests.standard_error is not None:
                values[f"standard_error.{row.name}"] = tests.standard_error
        if self.criteria:
            criteria = self.criteria._asdict()
            values |= {name: criteria[name] for name in ("log_likelihood", "aic", "bic")}
        if self.penalty and self.penalty["l1"]:
            # Which the parameters may say is `auto`.
            values["penalty.l1"] = self.penalty["l1"]
        return values | ({} if self.r2_within is None else {"r2_within": self.r2_within})


def infer(
    solution: LeastSquares,
    confidence: float,
    robust: CoefficientCovariance | None = None,
    headline: Headline = "usual",
    reason: str | None = None,
    num_rows: int | None = None,
    of_rows: RowSummary | None = None,
) -> Inference:
    """Return the coefficient table, with intervals at a confidence between 0 and 1.

    robust    computed from all rows of the fit
    headline  which standard errors count, for a reason
    num_rows  n where it is not the number of rows that were read, as of frequency weights
    of_rows   what the moments of the rows do not tell: the quartiles of the residuals, and the
              weights in the likelihood

    A penalized fit is biased by intent, which no standard error covers: its coefficients have
    none.
    """
    # Of an elastic net, the coefficients that are not 0.
    of_absorbed = int(solution.kept[1 : 1 + solution.num_absorbed].sum())
    f_df = solution.rank - solution.intercept - of_absorbed
    r2 = r_squared(solution, solution.tss)
    has_constant = solution.has_constant
    around_mean = None if has_constant else r_squared(solution, solution.tss_around_mean)
    within = r_squared(solution, solution.tss_within)
    f, f_p = _f_test(solution, f_df)
    return Inference(
        coefficients=coefficient_table(solution, confidence, robust),
        confidence=confidence,
        num_rows=solution.num_rows if num_rows is None else num_rows,
        df=solution.df,
        sigma=solution.sigma,
        r2=finite(r2),
        r2_around_mean=finite(around_mean),
        adjusted_r2=finite(adjusted(r2, solution.df, solution.rank - has_constant)),
        f=f,
        f_df=f_df,
        f_p=f_p,
        condition=solution.condition,
        digits=_digits(solution, robust),
        no_errors=solution.no_errors,
        dropped=dict(solution.dropped),
        rss=finite(solution.rss),
        criteria=of_rows and information_criteria(solution, of_rows.log_weights),
        residuals=of_rows and of_rows.residuals,
        headline=headline,
        headline_reason=reason,
        penalty=_penalty(solution),
        absorbed={
            factor.name: {
                "levels": factor.num_levels,
                "df": int(solution.kept[1:][factor.columns].sum()),
            }
            for factor in solution.absorbed
        },
        r2_within=finite(within),
        adjusted_r2_within=finite(adjusted(within, solution.df, f_df)),
        **_of_robust(solution, robust),
    )


def _of_robust(solution: LeastSquares, robust: CoefficientCovariance | None) -> dict[str, Any]:
    """Return the entries of `Inference` about the robust covariance."""
    if robust is None:
        return {"robust_kind": None}
    tested = [j for j in np.flatnonzero(solution.reported).tolist() if j]
    result = None
    if 0 < len(tested) <= MOST_TESTED:
        # In units of about one standard error each, whose squares float64 holds.
        exponents = np.frexp(robust.standard_errors[tested])[1].astype(np.int64)
        estimates = np.ldexp(solution.theta[solution.reported[1:]], -exponents)
        result = joint_test(estimates, robust.matrix(tested, exponents), robust.df)
    return {
        "robust_kind": robust.kind,
        "robust_df": robust.df,
        "robust_f": finite(result.f) if result else None,
        "robust_f_p": result.p if result else None,
        "robust_problem": robust.problem,
        "num_clusters": dict(robust.num_clusters),
        "correction": robust.correction,
        "correction_factors": dict(robust.factors),
    }


def _digits(solution: LeastSquares, robust: CoefficientCovariance | None) -> int:
    if robust is None:
        return solution.digits
    digits = math.floor(-math.log10(max(robust.relative_error, 1e-15)))
    return max(0, min(solution.digits, digits))


def _penalty(solution: LeastSquares) -> dict[str, Any] | None:
    if not solution.is_penalized:
        return None
    return {"l1": solution.l1, "l2": solution.l2, "scale": solution.penalty_scale}


def _f_test(solution: LeastSquares, f_df: int) -> tuple[float | None, float | None]:
    """Return the F statistic of the regression and its p-value."""
    tss = solution.tss if solution.tss_within is None else solution.tss_within
    if solution.no_errors or solution.rss is None or tss == 0:
        return None, None
    with localcontext(PRECISION):
        return f_test(tss - solution.rss, f_df, solution.rss, solution.df)
