"""The section `evaluate` of params.yaml."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from linreg.params.section import Section
from linreg.params.standard_errors import ERRORS, parse_errors

MEAN = "data/split"
"""The baseline that is the mean of the training rows. It is a path, and of an input of evaluate,
because dvc.yaml names the baseline among the inputs, which DVC does not allow to be none.
"""


class Gate(Section):
    """Bounds on a metric; a value equal to a bound passes."""

    min: float | None = Field(None, description="Smallest value that passes.")
    max: float | None = Field(None, description="Largest value that passes.")

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("a gate needs min or max")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min must not exceed max; found {self.min} and {self.max}")
        return self


GateName = Annotated[
    str,
    Field(pattern=(r"^(gap|(train|validation|test)_[^\W\d]\w*|cv_(mse|rmse|r2)|beats_baseline)$")),
]


class Evaluate(Section):
    """How the model is evaluated."""

    gates: dict[GateName, Gate] = Field(
        default_factory=dict,
        description=(
            "Bounds by metric, such as `test_r2: {min: 0.9}` or `gap: {max: 0.01}`; also by one of "
            "your own in stages/metrics.py, and by cv_mse, cv_rmse or cv_r2 with `split.folds`."
        ),
    )
    confidence: float = Field(
        0.95, gt=0, lt=1, description="Confidence level of the intervals of θ and b."
    )
    baseline: str = Field(
        MEAN,
        min_length=1,
        description=(
            f"What the model should beat: `{MEAN}` for the mean of its training rows, or a file "
            "with the predictions of another model for its test rows, CSV or Parquet."
        ),
    )
    errors: str = Field(
        "auto",
        pattern=ERRORS,
        description=(
            "The standard errors that summary, report and MLflow show: classical; HC0, HC1, HC2 "
            "or HC3 for unequal variances; `cluster:COLUMN` or `cluster:A,B` for rows that depend "
            "on others of the same value; `HAC:LAGS` for autocorrelation over so many steps of "
            "`split.by: time:COLUMN`. auto: clustered where `split.by` names groups, HC1 for "
            "sampling weights, else classical."
        ),
    )
    small_sample: bool = Field(
        True,
        description=(
            "Whether clustered and HAC variances are multiplied by G/(G − 1) · (n − 1)/(n − p), "
            "for G clusters or times and p coefficients."
        ),
    )

    @model_validator(mode="after")
    def _clusters_by_two_columns(self) -> Self:
        columns = parse_errors(self.errors).columns
        if not all(columns) or len(set(columns)) < len(columns):
            raise ValueError(f"errors must name two columns or one; found {self.errors}")
        return self

    @model_validator(mode="after")
    def _gate_has_its_baseline(self) -> Self:
        if "beats_baseline" in self.gates and self.baseline == MEAN:
            raise ValueError("the gate beats_baseline needs a file of predictions as baseline")
        return self
