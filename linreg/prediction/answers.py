"""What a model says to each row: a prediction, where a new observation will lie, and a reason where
there is a but.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from linreg.data.formula.coercion import CoercedTable
from linreg.data.formula.row_errors import Mask
from linreg.errors import UserError
from linreg.evaluation.inference import intervals
from linreg.fit.exact.reference import ExactReference
from linreg.fit.model import LinearModel

Floats = NDArray[np.float64]


class Answers(NamedTuple):
    """For n rows: predictions and bounds (n,), NaN where there is none, and by reason the rows (n,)
    it holds for.

    A fault leaves a row without a prediction; a remark is about one that has a prediction.
    """

    predicted: Floats
    low: Floats
    high: Floats
    has_answer: Mask
    faults: dict[str, Mask]
    remarks: dict[str, Mask]


@dataclass(frozen=True)
class Interval:
    """The exact answer that bounds are taken from, and their confidence.

    The bounds are those of a single new observation, around the least squares fit, not around the
    model's own prediction: the rows tell how far an observation lies from the former, and gradient
    descent does not move it. A model that stopped short of the minimum has predictions off the
    centre, or outside, which is told.
    """

    exact: ExactReference
    confidence: float

    def __post_init__(self) -> None:
        """Raise UserError where the fit knows no standard deviation."""
        fit = self.exact.solution
        if fit.l2:
            what, todo = (
                "a ridge fit is biased by intent and has no interval",
                "train with train.l2=0",
            )
            raise UserError("--interval", what, found=f"train.l2 = {fit.l2:g}", todo=todo)
        if fit.sigma is None:
            what = "the model has as many coefficients as training rows, which leaves nothing to tell the noise from"
            raise UserError(
                "--interval", what, found=f"{fit.num_rows} rows", todo="train on more rows"
            )


def answer(model: LinearModel, features: CoercedTable, interval: Interval | None = None) -> Answers:
    """Return the answers to rows, those of `LinearModel.predict` to the last bit; no row is an
    error.
    """
    X, errors = model.design.matrix_and_errors(features)
    predicted = model.predict_rows(X, errors)
    has_answer = ~errors.invalid
    predicted = np.where(has_answer, predicted, np.nan)
    remarks = model.design.row_warnings(features)
    low = high = np.full(len(predicted), np.nan)
    if interval:
        # told below, row by row
        with np.errstate(over="ignore", invalid="ignore"):
            bounds = intervals(
                interval.exact.solution, np.where(has_answer[:, None], X, 0.0), interval.confidence
            )
        known = has_answer & np.isfinite(bounds.low) & np.isfinite(bounds.high)
        low, high = (np.where(known, each, np.nan) for each in (bounds.low, bounds.high))
        remarks["too large for an interval"] = ~known
        remarks["prediction outside its interval"] = known & (
            (predicted < low) | (predicted > high)
        )
    remarks = {remark: rows & has_answer for remark, rows in remarks.items()}
    remarks = {remark: rows for remark, rows in remarks.items() if rows.any()}
    return Answers(predicted, low, high, has_answer, errors.reasons, remarks)
