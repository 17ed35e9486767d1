"""The predictions of a model for some rows, with their bounds, errors and warnings."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from linreg.arrays import Floats, Mask
from linreg.data.formula.coercion import CoercedTable
from linreg.data.formula.compact_matrix import DesignMatrix, with_zeros
from linreg.data.formula.row_warnings import row_warnings
from linreg.errors import UserError
from linreg.evaluation.intervals import intervals
from linreg.fit.exact.reference import ExactReference
from linreg.fit.model import LinearModel

TOO_LARGE = "too large for an interval"
OUTSIDE = "prediction outside its interval"


class RowPredictions(NamedTuple):
    """The predictions for n rows.

    predicted, low, high  (n,): the predictions and their bounds; NaN where there is none
    is_predicted          (n,): whether a row has a prediction
    errors                by reason, the rows (n,) that have no prediction for it
    warnings              by reason, the rows (n,) whose prediction calls for care
    """

    predicted: Floats
    low: Floats
    high: Floats
    is_predicted: Mask
    errors: dict[str, Mask]
    warnings: dict[str, Mask]


@dataclass(frozen=True)
class PredictionInterval:
    """The interval that holds a single new observation (of weight 1) with a given probability.

    It is centred on the exact least squares fit, not on the model's own prediction: the training
    rows tell how far observations lie from that fit, and gradient descent does not move them. The
    prediction of a model that stopped short of the minimum is off-centre, or even outside.

    Raises UserError where the fit has no residual standard deviation.
    """

    exact: ExactReference
    confidence: float

    def __post_init__(self) -> None:
        """Check the fit."""
        fit = self.exact.solution
        if fit.penalized_as:
            found = {"train.l1": fit.l1, "train.l2": fit.l2}
            penalties = {name: value for name, value in found.items() if value}
            name = (
                "an elastic net" if fit.penalized_as == "elastic net" else f"a {fit.penalized_as}"
            )
            raise UserError(
                "--interval",
                f"{name} fit is biased and has no prediction interval",
                found=", ".join(f"{name} = {value:g}" for name, value in penalties.items()),
                todo="train with " + " ".join(f"{name}=0" for name in penalties),
            )
        if fit.rss is None:
            raise UserError(
                "--interval",
                "the residuals of the training rows are no larger than the rounding of their cells,"
                " so that the noise cannot be estimated",
                found=f"a residual sum of squares of at most {fit.rss_bound:.1e}",
                todo="predict without --interval",
            )
        if fit.levels and fit.levels.is_joint:
            factors = " and ".join(factor.name for factor in fit.absorbed)
            raise UserError(
                "--interval",
                "two absorbed factors have so many levels that their effects have no standard"
                " errors, of which an interval is made",
                found=factors,
                todo="predict without --interval",
            )
        if fit.sigma is None:
            raise UserError(
                "--interval",
                "the model has as many coefficients as training rows, so that no degrees of freedom"
                " are left to estimate the noise",
                found=f"{fit.num_rows} rows",
                todo="train on more rows",
            )

    def bounds(self, X: DesignMatrix, is_predicted: Mask) -> tuple[Floats, Floats]:
        """Return the lower and the upper bounds (n,) of rows X (n, M).

        Both are NaN for a row without a prediction, and where a bound is not finite.
        """
        # A bound that overflows becomes a warning about its row.
        with np.errstate(over="ignore", invalid="ignore"):
            found = intervals(self.exact.solution, with_zeros(X, ~is_predicted), self.confidence)
        is_finite = np.isfinite(found.low) & np.isfinite(found.high)
        is_known = is_predicted & is_finite
        return np.where(is_known, found.low, np.nan), np.where(is_known, found.high, np.nan)


def predict_rows(
    model: LinearModel, features: CoercedTable, interval: PredictionInterval | None = None
) -> RowPredictions:
    """Predict every row that can be predicted, to the last bit as `LinearModel.predict` does.

    The others have a reason; no row raises an error. Without `interval` all bounds are NaN.
    """
    X, errors = model.design.matrix_and_errors(features)
    offset = model.design.offset(features, errors)
    predicted = model.predict_rows(X, errors, offset)
    is_predicted = ~errors.invalid
    predicted = np.where(is_predicted, predicted, np.nan)
    warnings = row_warnings(model.design, features)
    low = high = np.full(len(predicted), np.nan)
    if interval:
        low, high = interval.bounds(X, is_predicted)
        if offset is not None:
            low, high = low + offset, high + offset
        warnings[TOO_LARGE] = np.isnan(low)
        warnings[OUTSIDE] = (predicted < low) | (predicted > high)
    # A row without a prediction has its reason already.
    warnings = {reason: rows & is_predicted for reason, rows in warnings.items()}
    warnings = {reason: rows for reason, rows in warnings.items() if rows.any()}
    return RowPredictions(predicted, low, high, is_predicted, errors.reasons, warnings)
