"""What params.yaml may contain: one frozen, strict model per section."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from linreg.params.fetch import Fetch, FetchName
from linreg.params.ingest import Ingest
from linreg.params.section import ColumnName, Section, Seed, Value

Fraction = Annotated[float, Field(ge=0, le=1)]
BY_COLUMN = ("ingest.dates", "ingest.sentinels", "model.levels")
"""The parameters whose keys are names of columns."""
BY_NAME = (*BY_COLUMN, "fetch")
"""The parameters whose keys are names that the user gives."""


class Generate(Section):
    """The synthetic data y = b + X·θᵀ + ε."""

    rows: int = Field(10_000, ge=1, le=10**12, description="Number of rows.")
    theta: tuple[float, ...] = Field(
        (2.0, -3.4),
        min_length=1,
        description="True coefficients θ, one per feature; the length is M.",
    )
    bias: float = Field(4.2, description="True intercept b.")
    noise: float = Field(0.1, ge=0, description="Standard deviation of the normal noise ε.")
    seed: Seed = 1


class Model(Section):
    """The model, as a formula."""

    formula: str = Field(
        "y ~ x1 + x2", min_length=1, description="Target ~ terms, in the notation of R."
    )
    weights: str | None = Field(
        None,
        min_length=1,
        description=(
            "Column with the weight of each row, at least 0 and not 0 everywhere; null for equal "
            "weights."
        ),
    )
    unseen: Literal["error", "base", "drop"] = Field(
        "drop",
        description=(
            "What becomes of a validation or test row, or one to predict, with a level of a "
            "category that no training row has: the split fails, the row gets the reference level, "
            "or it is left out and counted."
        ),
    )
    pool: int = Field(
        0,
        ge=0,
        description=(
            "Levels of a category with fewer training rows become one level, `(other)`, to which "
            "unseen levels belong too; 0 keeps all."
        ),
    )
    levels: dict[ColumnName, tuple[Value, ...]] = Field(
        default_factory=dict,
        description=(
            "By column, the levels of a category in their order; the first that the training rows "
            "have is the reference level, with which the others are compared. Those not listed "
            "follow, sorted."
        ),
    )


class Split(Section):
    """How the rows are divided into training, validation and test rows."""

    train: float = Field(
        0.7, gt=0, le=1, description="Share of the rows that the model is fitted to."
    )
    validation: Fraction = Field(
        0.15, description="Share of the rows whose loss is measured after each epoch; 0 for none."
    )
    test: Fraction = Field(
        0.15, description="Share of the rows held out for the final evaluation; 0 for none."
    )
    by: str = Field(
        "row",
        pattern=r"^(row|group:.+|time:.+)$",
        description=(
            "row: at random; group:COLUMN: at random, with all rows of a group in the same part, "
            "the largest groups first; time:COLUMN: the latest rows are the test rows, those "
            "before them the validation rows."
        ),
    )
    shards: int = Field(
        1, ge=1, le=4096, description="Number of files that the training rows are written to."
    )
    seed: Seed = 1

    @model_validator(mode="after")
    def _shares_sum_to_1(self) -> Self:
        total = math.fsum((self.train, self.validation, self.test))
        if abs(total - 1) > 1e-9:
            raise ValueError(f"train + validation + test must be 1; found {total:.12g}")
        return self


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
            "Ridge penalty: l2·‖θ‖² is added to the mean squared error, with θ in the units of "
            "the data."
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

    @model_validator(mode="after")
    def _compiled_runs_on_the_cpu(self) -> Self:
        if self.engine == "compiled" and self.device == "cuda":
            raise ValueError(
                "engine: compiled runs on the cpu; set device to cpu, or engine to autograd"
            )
        return self


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
    str, Field(pattern=r"^(gap|(train|validation|test)_[^\W\d]\w*|beats_baseline)$")
]


class Evaluate(Section):
    """How the model is evaluated."""

    gates: dict[GateName, Gate] = Field(
        default_factory=dict,
        description=(
            "Bounds by metric, such as `test_r2: {min: 0.9}` or `gap: {max: 0.01}`; also by one of "
            "your own in stages/metrics.py."
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

    @model_validator(mode="after")
    def _gate_has_its_baseline(self) -> Self:
        if "beats_baseline" in self.gates and self.baseline == MEAN:
            raise ValueError("the gate beats_baseline needs a file of predictions as baseline")
        return self


class Tracking(Section):
    """How runs appear in MLflow."""

    experiment: str = Field("linreg", min_length=1, description="Name of the MLflow experiment.")


class Params(Section):
    """The whole of params.yaml."""

    # Further sections belong to stages of the user's own; linreg.params.file asks dvc.yaml which.
    model_config = ConfigDict(extra="allow")

    generate: Generate = Generate()
    fetch: dict[FetchName, Fetch] = Field(
        default_factory=dict, description="Tables that are fetched, by their names."
    )
    ingest: Ingest = Ingest()
    model: Model = Model()
    split: Split = Split()
    train: Train = Train()
    evaluate: Evaluate = Evaluate()
    tracking: Tracking = Tracking()

    @model_validator(mode="after")
    def _sections_are_consistent(self) -> Self:
        if self.train.patience > 0 and self.split.validation == 0:
            raise ValueError("train.patience needs validation rows, but split.validation is 0")
        if self.evaluate.baseline != MEAN and self.split.test == 0:
            raise ValueError("evaluate.baseline needs test rows, but split.test is 0")
        if self.train.solver == "sgd" and self.train.batch_size % self.split.shards:
            raise ValueError(
                "train.batch_size must be a multiple of split.shards, as every shard contributes "
                f"equally to a batch; found {self.train.batch_size} and {self.split.shards}"
            )
        return self


RENAMED: Mapping[str, tuple[str, Mapping[bool, str]]] = MappingProxyType(
    {"train.standardize": ("train.scale", MappingProxyType({True: "standardize", False: "none"}))}
)
"""By a parameter of an earlier version, the one of today and what its values are called now."""


def split_column(by: str) -> str | None:
    """Return the column that `split.by` names, as in `group:COLUMN`; None for `row`."""
    return by.partition(":")[2] or None


def flatten(params: Params, *, own: bool = False) -> dict[str, Any]:
    """Return every parameter by its dotted name, as MLflow shows it: `train.lr`.

    own  whether to add those of the user's own sections, each key with its whole value; evaluate,
         and so the report, do not depend on them
    """
    parameters: dict[str, Any] = {}

    def add(name: str, value: Any) -> None:
        if not isinstance(value, dict):
            parameters[name] = value
            return
        if name in BY_NAME:
            # As a whole: MLflow takes no parameter with the name of any column.
            if value:
                parameters[name] = value
            return
        for key, inner in value.items():
            add(f"{name}.{key}".removeprefix("."), inner)

    add("", params.model_dump(mode="json", include=set(Params.model_fields)))
    if params.evaluate.baseline == MEAN:
        # A run without a baseline of its own has no line about one.
        parameters.pop("evaluate.baseline")
    for name, section in (params.model_extra or {}).items() if own else ():
        parameters |= {f"{name}.{key}": value for key, value in (section or {}).items()}
    return parameters
