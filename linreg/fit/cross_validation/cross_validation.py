"""K-fold cross-validation: how well models that did not see a fold of the rows predict it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from linreg.arrays import Floats
from linreg.errors import UserError
from linreg.fit.cross_validation.fold_moments import FoldMoments
from linreg.fit.cross_validation.held_out_error import (
    SquaredError,
    squared_error,
    total_sum_of_squares,
)
from linreg.fit.exact.moment_sums.any_moments import AnyMoments
from linreg.fit.exact.moment_sums.rounding import float_square_root, nearest_float
from linreg.reductions.exact_sum import exact_sum

MEASURES = ("mse", "rmse", "r2")
"""Of the errors of a fold."""
NEGLIGIBLE = Fraction(1, 10**12)
"""Of the total sum of squares: a residual sum below it does not show in R²."""


class Coefficients(NamedTuple):
    """What an estimator returns: θ (M,) float64 and b, in the units of the data."""

    theta: Floats
    b: float


Estimator = Callable[[AnyMoments], Coefficients]
"""From the moments of the rows that a model is fitted to, its coefficients.

It raises UserError where there are none, such as for collinear columns.
"""


@dataclass(frozen=True)
class FoldResult:
    """The model of one fold, and its errors on the rows of the fold.

    number        of the fold, from 1
    num_rows      rows of the fold, and those that its model was fitted to
    coefficients  None if there are none
    mse           Σ w(y − ỹ)² / Σ w, with w = 1 without weights
    rmse          its square root
    r2            1 − Σ w(y − ỹ)² / Σ w(y − ȳ)² with the mean of these rows; y is the target itself,
                  not less its offset; None for a constant y
    reason        why there are no errors; empty if there are
    """

    number: int
    num_rows: int
    num_trained: int
    coefficients: Coefficients | None
    mse: float | None
    rmse: float | None
    r2: float | None
    reason: str = ""

    def as_data(self, names: Sequence[str]) -> dict[str, Any]:
        """Return plain data; θ by its names."""
        theta, b = self.coefficients or (None, None)
        return {
            "fold": self.number,
            "rows": self.num_rows,
            "trained_rows": self.num_trained,
            **{name: getattr(self, name) for name in MEASURES},
            "theta": None if theta is None else dict(zip(names, theta.tolist(), strict=True)),
            "b": b,
            "reason": self.reason or None,
        }


class Spread(NamedTuple):
    """The mean over folds, its standard error, and the standard deviation of the folds (K − 1).

    All are None unless each fold has the measure.
    """

    mean: float | None
    standard_deviation: float | None
    standard_error: float | None


@dataclass(frozen=True)
class CrossValidation:
    """The results of all folds.

    by         how rows are assigned to folds, as `split.by`
    estimator  what the models of the folds are, such as "least squares"
    """

    by: str
    estimator: str
    folds: tuple[FoldResult, ...]

    def spread(self, measure: str) -> Spread:
        """Return the spread of one of MEASURES over the folds, each of which counts the same."""
        values = [getattr(fold, measure) for fold in self.folds]
        if any(value is None for value in values):
            return Spread(None, None, None)
        return spread_of(values)

    def as_data(self, names: Sequence[str]) -> dict[str, Any]:
        """Return plain data for JSON, with θ by its names."""
        return {
            "by": self.by,
            "estimator": self.estimator,
            "folds": [fold.as_data(names) for fold in self.folds],
            **{measure: self.spread(measure)._asdict() for measure in MEASURES},
        }

    def in_words(self) -> str:
        """Return the RMSE over the folds as text, or why there is none."""
        rmse = self.spread("rmse")
        if rmse.mean is not None and rmse.standard_error is not None:
            return f"RMSE {rmse.mean:.6g} ± {rmse.standard_error:.2g} over {len(self.folds)} folds"
        failed = [fold for fold in self.folds if fold.reason]
        if not failed:
            return "RMSE beyond float64"
        others = f", and {len(failed) - 1} more" if len(failed) > 1 else ""
        return f"no RMSE, as fold {failed[0].number} has none: {failed[0].reason}{others}"


def spread_of(values: Sequence[float]) -> Spread:
    """Return the spread of at least two numbers; None where it is beyond float64."""
    count = len(values)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = exact_sum(values) / count
        variance = exact_sum(np.square(np.array(values) - mean)) / (count - 1)
    if not math.isfinite(variance):
        return Spread(mean if math.isfinite(mean) else None, None, None)
    deviation = math.sqrt(variance)
    return Spread(mean, deviation, deviation / math.sqrt(count))


def cross_validate(moments: FoldMoments, estimator: Estimator, name: str) -> CrossValidation:
    """Fit a model to the rows outside of each fold, and predict the fold, from moments alone.

    name  of the estimator

    A fold whose model cannot be estimated has no errors, and says why.
    """
    folds = moments.folds
    results = []
    for fold in range(folds.count):
        trained_on = moments.trained_on(fold)
        coefficients, reason = None, ""
        try:
            coefficients = estimator(trained_on)
        except UserError as error:
            reason = error.finding
        results.append(fold_result(fold, moments, coefficients, trained_on.num_rows, reason))
    return CrossValidation(folds.by, name, tuple(results))


def fold_result(
    fold: int,
    moments: FoldMoments,
    coefficients: Coefficients | None,
    num_trained: int,
    reason: str = "",
) -> FoldResult:
    """Return the errors of a model on the rows of a fold, counted from 0."""
    held_out = moments.held_out(fold)
    errors = FoldErrors(None, None, None)
    if coefficients and not held_out.num_weighted:
        reason = "the weights of its rows are all zero"
    elif coefficients:
        tss = total_sum_of_squares(moments.target(fold))
        errors, reason = _errors(squared_error(held_out, *coefficients), tss)
    counts = (held_out.num_rows, num_trained)
    return FoldResult(fold + 1, *counts, coefficients, *errors, reason)


class FoldErrors(NamedTuple):
    """MEASURES of the rows of a fold; None where there is none."""

    mse: float | None
    rmse: float | None
    r2: float | None


def _errors(error: SquaredError, tss: Fraction) -> tuple[FoldErrors, str]:
    """Return mse, rmse and r2, and why there is no mse, for the target's total sum of squares."""
    reason = "" if error.is_known else "the residuals are no larger than rounding"
    rss = error.rss
    r2 = None
    if tss and (error.is_known or error.bound <= NEGLIGIBLE * tss):
        r2 = nearest_float(1 - rss / tss)
    mse = rmse = None
    if error.is_known:
        mse, rmse = nearest_float(rss / error.weight), float_square_root(rss / error.weight)
    values = (mse, rmse, r2)
    finite = FoldErrors(*(None if v is None or not math.isfinite(v) else v for v in values))
    if not reason and finite.mse is None:
        reason = "the mean squared error is beyond float64"
    return finite, reason
