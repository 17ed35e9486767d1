"""Inference about the coefficients: standard errors, t tests, confidence and prediction intervals.

The formulas are those of any textbook of linear models, for normal noise of equal variance (divided
by the weight); robust standard errors allow unequal variances. No digit depends on the CPU: see
`linreg.evaluation.distributions`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any, Literal, NamedTuple

import numpy as np

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import DesignMatrix
from linreg.evaluation.distributions import f_p_value, t_critical_value
from linreg.evaluation.many_t_tests import t_p_values
from linreg.evaluation.robust import RobustStandardErrors
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.normal_equations.ldl import PRECISION
from linreg.fit.exact.projection import leverages
from linreg.fit.model import linear

NoErrors = Literal["ridge", "elastic net", "no degrees of freedom", "rounding"]
NEGLIGIBLE = Decimal("1e-12")
"""Of the total sum of squares: a residual sum below it does not show in R²."""


@dataclass(frozen=True)
class TTest:
    """The t test of one coefficient being 0.

    All are None if there is no standard error (df = 0, a penalty, rss None), and each is if it is
    infinite.

    t          estimate / standard error; None for a standard error of 0
    p          P(|T| > |t|); for a standard error of 0 it is 0, or None if the estimate is 0 too
    low, high  the confidence interval
    """

    standard_error: float | None
    t: float | None
    p: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class CoefficientRow:
    """A row of the coefficient table, with classical and robust standard errors.

    robust  None if the robust standard errors were not computed
    """

    name: str
    estimate: float
    classical: TTest
    robust: TTest | None


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
    no_errors      why there are no standard errors: "ridge", "elastic net" (with train.l1), "no
                   degrees of freedom", or "rounding" where the residuals are no more than that;
                   None if there are
    robust_kind    "HC3" or "HC1"
    dropped        by the name of each dropped column its linear dependency
    penalty        l1, l2 and scale (`train.penalty_scale`) of a penalized fit
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
    penalty: dict[str, Any] | None = None

    def as_data(self) -> dict[str, Any]:
        """Return plain data for JSON; coefficients by name."""
        rows = {
            row.name: {
                "estimate": row.estimate,
                "usual": vars(row.classical),
                "robust": row.robust and vars(row.robust),
            }
            for row in self.coefficients
        }
        return {**vars(self), "coefficients": rows}

    def as_metrics(self) -> dict[str, float]:
        """Return estimates, standard errors and l1 by MLflow name: exact.b, standard_error.x1."""
        values = {f"exact.{row.name}": row.estimate for row in self.coefficients}
        for row in self.coefficients:
            if row.classical.standard_error is not None:
                values[f"standard_error.{row.name}"] = row.classical.standard_error
        if self.penalty and self.penalty["l1"]:
            # Which the parameters may say is `auto`.
            values["penalty.l1"] = self.penalty["l1"]
        return values


def infer(
    solution: LeastSquares, confidence: float, robust: RobustStandardErrors | None = None
) -> Inference:
    """Return the coefficient table, with intervals at a confidence between 0 and 1.

    `robust` must have been computed from all rows of the fit. A penalized fit is biased by intent,
    which no standard error covers: its coefficients have none.
    """
    robust_kind, robust_errors = robust.standard_errors() if robust else (None, None)
    f_df = solution.rank - solution.intercept
    r2 = _r_squared(solution, solution.tss)
    around_mean = None if solution.intercept else _r_squared(solution, solution.tss_around_mean)
    f, f_p = _f_test(solution, f_df)
    return Inference(
        coefficients=_coefficient_table(solution, confidence, robust_errors),
        confidence=confidence,
        num_rows=solution.num_rows,
        df=solution.df,
        sigma=solution.sigma,
        r2=_finite(r2),
        r2_around_mean=_finite(around_mean),
        adjusted_r2=_finite(_adjusted(r2, solution.df, f_df)),
        f=_finite(f),
        f_df=f_df,
        f_p=f_p,
        condition=solution.condition,
        digits=_digits(solution, robust),
        no_errors=_reason_for_no_errors(solution),
        robust_kind=robust_kind,
        dropped=dict(solution.dropped),
        penalty=_penalty(solution),
    )


class Intervals(NamedTuple):
    """For n rows, all (n,): prediction, confidence interval of its mean, prediction interval.

    Bounds are NaN if the fit has no standard errors (df = 0, a penalty, rss None).
    """

    predicted: Floats
    mean_low: Floats
    mean_high: Floats
    low: Floats
    high: Floats


def intervals(solution: LeastSquares, X: DesignMatrix, confidence: float) -> Intervals:
    """Return confidence and prediction intervals for rows X (n, M) of weight 1."""
    predicted = linear(X, solution.theta, solution.b)
    if solution.sigma is None or solution.is_penalized:
        scale = math.nan
    else:
        scale = t_critical_value(confidence, solution.df) * solution.sigma
    leverage = leverages(solution, X)
    mean_width = scale * np.sqrt(leverage)
    width = scale * np.sqrt(1 + leverage)
    return Intervals(
        predicted,
        predicted - mean_width,
        predicted + mean_width,
        predicted - width,
        predicted + width,
    )


def _coefficient_table(
    solution: LeastSquares, confidence: float, robust_errors: Floats | None
) -> tuple[CoefficientRow, ...]:
    kept = np.flatnonzero(solution.kept)
    estimates = np.concatenate([[solution.b], solution.theta])[kept]
    names = ["b", *solution.names]
    df = solution.df
    classical = _t_tests(estimates, solution.standard_errors[kept], df, confidence)
    robust: Sequence[TTest | None] = [None] * len(kept)
    if robust_errors is not None:
        robust = _t_tests(estimates, robust_errors[kept], df, confidence)
    return tuple(
        CoefficientRow(names[j], *columns)
        for j, *columns in zip(kept.tolist(), estimates.tolist(), classical, robust, strict=True)
    )


def _t_tests(estimates: Floats, errors: Floats, df: int, confidence: float) -> list[TTest]:
    """Return the t tests of coefficients, given their standard errors, both (p,)."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        statistics = np.where(np.isfinite(errors) & (errors > 0), estimates / errors, np.nan)
    is_tested = np.isfinite(statistics)
    p_values = np.zeros(len(estimates))
    if is_tested.any():
        p_values[is_tested] = t_p_values(statistics[is_tested], df)
    critical_value = t_critical_value(confidence, df) if df > 0 else math.nan
    columns = zip(
        estimates.tolist(), errors.tolist(), statistics.tolist(), p_values.tolist(), strict=True
    )
    return [_t_test(*numbers, critical_value) for numbers in columns]


def _t_test(estimate: float, error: float, t: float, p: float, critical_value: float) -> TTest:
    if not math.isfinite(error):
        return TTest(None, None, None, None, None)
    low = estimate - critical_value * error
    high = estimate + critical_value * error
    if error == 0:
        return TTest(error, None, 0.0 if estimate else None, low, high)
    return TTest(error, _finite(t), p, _finite(low), _finite(high))


def _r_squared(solution: LeastSquares, tss: Decimal | None) -> Decimal | None:
    """Return 1 − rss/tss; None for a total sum of squares of 0, or an rss that would show in it."""
    if not tss:
        return None
    rss = solution.rss
    if rss is None:
        if solution.rss_bound > NEGLIGIBLE * tss:
            return None
        rss = Decimal(0)
    with localcontext(PRECISION):
        return 1 - rss / tss


def _adjusted(r2: Decimal | None, df: int, f_df: int) -> Decimal | None:
    if r2 is None or df <= 0:
        return None
    with localcontext(PRECISION):
        return 1 - (1 - r2) * (df + f_df) / df


def _digits(solution: LeastSquares, robust: RobustStandardErrors | None) -> int:
    if robust is None:
        return solution.digits
    return min(solution.digits, math.floor(-math.log10(max(robust.relative_error, 1e-15))))


def _penalty(solution: LeastSquares) -> dict[str, Any] | None:
    if not solution.is_penalized:
        return None
    return {"l1": solution.l1, "l2": solution.l2, "scale": solution.penalty_scale}


def _reason_for_no_errors(solution: LeastSquares) -> NoErrors | None:
    if solution.is_penalized:
        return "elastic net" if solution.l1 else "ridge"
    if solution.df <= 0:
        return "no degrees of freedom"
    return "rounding" if solution.rss is None else None


def _f_test(solution: LeastSquares, f_df: int) -> tuple[Decimal | None, float | None]:
    """Return the F statistic of the regression and its p-value."""
    if f_df <= 0 or solution.df <= 0 or solution.tss == 0:
        return None, None
    if solution.is_penalized or solution.rss is None:
        return None, None
    if solution.rss == 0:
        return Decimal("Infinity"), 0.0
    with localcontext(PRECISION):
        explained = (solution.tss - solution.rss) / f_df
        f = explained / (solution.rss / solution.df)
        return f, f_p_value(float(f), f_df, solution.df)


def _finite(value: Decimal | float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
