"""What the rows say about θ beyond its value: how sure it is, how well the model fits, where new
rows will lie.

The formulas are those of any textbook of linear models, with normal noise of equal variance
(divided by the weight) but for the robust errors. Nothing here depends on the CPU: see
linreg.evaluation.distributions.
"""

import math
from dataclasses import asdict, dataclass
from decimal import Decimal, localcontext
from typing import Any, NamedTuple

import numpy as np

from linreg.arrays import Floats
from linreg.evaluation.distributions import f_upper, t_quantile, t_two_sided
from linreg.evaluation.robust import RobustErrors, leverages
from linreg.fit.exact.ldl import PRECISION
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.model import linear


@dataclass(frozen=True)
class Certainty:
    """How sure a coefficient is. None: the rows do not tell (df = 0, ridge), or it is infinite.

    t          estimate / standard error; None for a standard error of 0
    p          P(|T| > |t|); 0 for an estimate other than 0 with a standard error of 0
    low, high  the confidence interval
    """

    standard_error: float | None
    t: float | None
    p: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Coefficient:
    """A coefficient with its usual and its robust certainty (None without a pass over the rows)."""

    name: str
    estimate: float
    usual: Certainty
    robust: Certainty | None


@dataclass(frozen=True)
class Inference:
    """All that is reported about a fit; None as in `Certainty`.

    coefficients   b first, when there is one, then θ; without dropped columns
    sigma          the residual standard deviation, on df degrees of freedom
    r2             1 − rss/tss, tss around the mean of y with intercept, around 0 without; None for
                   a constant y
    adjusted_r2    1 − (1 − r2)·(df of tss)/df
    f, f_p         of all coefficients but the intercept being 0, on f_df and df degrees of freedom
    robust_kind    "HC3" or "HC1"
    """

    coefficients: tuple[Coefficient, ...]
    confidence: float
    num_rows: int
    df: int
    sigma: float | None
    r2: float | None
    adjusted_r2: float | None
    f: float | None
    f_df: int
    f_p: float | None
    condition: float | None
    robust_kind: str | None
    dropped: dict[str, str]

    def as_data(self) -> dict[str, Any]:
        """Return plain data for JSON; coefficients by name."""
        data = asdict(self)
        data["coefficients"] = {each.pop("name"): each for each in data["coefficients"]}
        return data

    def as_metrics(self) -> dict[str, float]:
        """Return estimates and standard errors by the names that MLflow shows: exact.b,
        standard_error.x1.
        """
        values: dict[str, float | None] = {
            f"exact.{each.name}": each.estimate for each in self.coefficients
        }
        values |= {
            f"standard_error.{each.name}": each.usual.standard_error for each in self.coefficients
        }
        return {name: value for name, value in values.items() if value is not None}


def inference(
    fit: LeastSquares, confidence: float = 0.95, robust: RobustErrors | None = None
) -> Inference:
    """Say how sure the coefficients are, at a confidence between 0 and 1.

    `robust` has seen all rows of the fit; without it there are no robust errors. A ridge fit is
    biased by intent, which no standard error covers: its coefficients have none.
    """
    kind, robust_errors = robust.result() if robust else (None, None)
    quantile = t_quantile(confidence, fit.df) if fit.df > 0 else math.nan
    estimates = [fit.b, *fit.theta.tolist()]
    coefficients = []
    for j, name in enumerate(["b", *fit.names]):
        if fit.kept[j]:
            usual = _certainty(estimates[j], float(fit.standard_errors[j]), fit.df, quantile)
            other = (
                None
                if robust_errors is None
                else _certainty(estimates[j], float(robust_errors[j]), fit.df, quantile)
            )
            coefficients.append(Coefficient(name, estimates[j], usual, other))
    f_df = fit.rank - fit.intercept
    with localcontext(PRECISION):
        r2 = None if fit.tss == 0 else 1 - fit.rss / fit.tss
        adjusted = None if r2 is None or fit.df <= 0 else 1 - (1 - r2) * (fit.df + f_df) / fit.df
        f = f_p = None
        if f_df > 0 and fit.df > 0 and fit.tss > 0 and not fit.l2:
            f = (fit.tss - fit.rss) / f_df / (fit.rss / fit.df) if fit.rss else Decimal("Infinity")
            f_p = f_upper(float(f), f_df, fit.df) if f.is_finite() else 0.0
    return Inference(
        coefficients=tuple(coefficients),
        confidence=confidence,
        num_rows=fit.num_rows,
        df=fit.df,
        sigma=fit.sigma,
        r2=_finite(r2),
        adjusted_r2=_finite(adjusted),
        f=_finite(f),
        f_df=f_df,
        f_p=f_p,
        condition=fit.condition,
        robust_kind=kind,
        dropped=dict(fit.dropped),
    )


class Intervals(NamedTuple):
    """For each of n rows, all (n,): the prediction ỹ, and where its mean and where a single new y
    will lie.

    NaN where the fit knows no standard deviation (df = 0, ridge).
    """

    predicted: Floats
    mean_low: Floats
    mean_high: Floats
    low: Floats
    high: Floats


def intervals(fit: LeastSquares, X: Floats, confidence: float = 0.95) -> Intervals:
    """Return confidence intervals of the mean and prediction intervals, for rows X (n, M) of weight
    1.
    """
    predicted = linear(X, fit.theta, fit.b)
    known = fit.sigma is not None and not fit.l2
    reach = t_quantile(confidence, fit.df) * (fit.sigma or 0.0) if known else math.nan
    leverage = leverages(fit, X)
    of_mean, of_row = reach * np.sqrt(leverage), reach * np.sqrt(1 + leverage)
    return Intervals(
        predicted, predicted - of_mean, predicted + of_mean, predicted - of_row, predicted + of_row
    )


def _certainty(estimate: float, error: float, df: int, quantile: float) -> Certainty:
    if not math.isfinite(error):
        return Certainty(None, None, None, None, None)
    low, high = estimate - quantile * error, estimate + quantile * error
    if error == 0:
        return Certainty(error, None, 0.0 if estimate else None, low, high)
    t = estimate / error
    return Certainty(
        error,
        _finite(t),
        t_two_sided(t, df) if math.isfinite(t) else 0.0,
        _finite(low),
        _finite(high),
    )


def _finite(value: Decimal | float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
