"""The section `train` of params.yaml."""

import math
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from linreg.params.section import Fraction, Section, Seed

L1Rule = Literal["1se", "min"]


class Train(Section):
    """How θ and b are estimated. `solver: exact` ignores the settings of gradient descent."""

    solver: Literal["sgd", "exact"] = Field(
        "sgd",
        description="sgd: stochastic gradient descent; exact: the least squares solution itself.",
    )
    l2: float = Field(
        0.0,
        ge=0,
        description=(
            "Ridge penalty: l2·‖θ‖² is added to the mean squared error, with θ as `penalty_scale` "
            "has it."
        ),
    )
    collinear: Literal["error", "drop"] = Field(
        "error",
        description=(
            "What happens when a column is a linear combination of those before it: an error, or "
            "it is dropped, with θ = 0."
        ),
    )
    engine: Literal["autograd", "compiled"] = Field(
        "autograd",
        description=(
            "What computes the steps of sgd, on the same batches: the textbook loop in PyTorch, "
            "or compiled kernels, which are limited only by the bandwidth of memory."
        ),
    )
    epochs: int = Field(
        20,
        ge=1,
        le=10**9,
        description=(
            "Passes over the training rows. Of more than 1000 epochs, the curves show every "
            "second, third, … and always the first, the last and the one whose θ and b were "
            "chosen."
        ),
    )
    batch_size: int = Field(32, ge=1, le=10**12, description="Rows per step.")
    lr: float = Field(0.01, gt=0, description="Learning rate, at the first step.")
    momentum: float = Field(
        0.9,
        ge=0,
        lt=1,
        description="Momentum: the share of the previous step that is added to each step.",
    )
    schedule: Literal["constant", "linear", "cosine"] = Field(
        "constant",
        description="How the learning rate changes: not at all, or from `lr` to 0 over all steps.",
    )
    average: Fraction = Field(
        0.0,
        description=(
            "Polyak averaging: the share of the steps, at the end, over which θ and b are "
            "averaged; 0 for none."
        ),
    )
    patience: int = Field(
        0,
        ge=0,
        le=10**9,
        description=(
            "Early stopping: the epochs without a smaller validation loss after which training "
            "stops, with the best θ and b; 0 for never."
        ),
    )
    scale: Literal["none", "standardize", "whiten"] = Field(
        "none",
        description=(
            "What gradient descent works on: the columns as they are; their z-scores; or whitened "
            "columns, of variance 1 and without correlations, whose loss is a round bowl. θ and b "
            "are reported in the units of the data."
        ),
    )
    dtype: Literal["float32", "float64"] = Field(
        "float32",
        description=(
            "Floating point type of the training; `engine: compiled` stores rows in it, but "
            "computes in float64."
        ),
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "cpu", description="Where to train; auto is cuda if there is a GPU, else cpu."
    )
    seed: Seed = 1
    l1: Annotated[float, Field(ge=0)] | Literal["auto", "auto:min"] = Field(
        0.0,
        description=(
            "Lasso penalty: l1·‖θ‖₁ is added to the mean squared error; with l2, an elastic net. "
            "auto: the largest whose error over `split.folds` is within one standard error of the "
            "least (glmnet's lambda.1se); auto:min: the one of the least error (lambda.min). Needs "
            "`solver: exact`."
        ),
    )
    penalty_scale: Literal["units", "standardize"] = Field(
        "units",
        description=(
            "What l1 and l2 weigh: θ in the units of the data, or θ times the standard deviation "
            "of its column, as glmnet does by default. The latter needs `solver: exact`."
        ),
    )

    @property
    def l1_rule(self) -> L1Rule | None:
        """By which rule folds choose l1: glmnet's lambda.1se or lambda.min; None for a number."""
        if isinstance(self.l1, str):
            return "1se" if self.l1 == "auto" else "min"
        return None

    @field_validator("l1", mode="before")
    @classmethod
    def _l1_is_a_number_or_auto(cls, value: Any) -> Any:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if value not in ("auto", "auto:min") and not (is_number and 0 <= value < math.inf):
            what = "should be a number of at least 0, auto or auto:min"
            raise ValueError(f"{what}; found {value!r}")
        return value

    @model_validator(mode="after")
    def _only_exact_has_all_penalties(self) -> Self:
        if self.solver == "sgd" and self.l1:
            raise ValueError("l1 is not for gradient descent; set solver to exact, or l1 to 0")
        if self.solver == "sgd" and self.l2 and self.penalty_scale == "standardize":
            raise ValueError(
                "penalty_scale: standardize is not for gradient descent; set solver to exact, or"
                " scale: standardize for its steps"
            )
        return self

    @model_validator(mode="after")
    def _compiled_runs_on_the_cpu(self) -> Self:
        if self.engine == "compiled" and self.device == "cuda":
            raise ValueError(
                "engine: compiled runs on the cpu; set device to cpu, or engine to autograd"
            )
        return self
