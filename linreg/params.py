"""What params.yaml may say: one frozen, strict model per section."""

import difflib
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from linreg.errors import UserError
from linreg.plain_yaml import not_plain, read_yaml

PARAMS_FILE = Path("params.yaml")

Seed = Annotated[
    int, Field(ge=0, lt=2**63, description="Seed of this section's named random generators.")
]
Fraction = Annotated[float, Field(ge=0, le=1)]
ColumnName = Annotated[str, Field(min_length=1)]


class Section(BaseModel):
    """A section of params.yaml: unknown keys, wrong types and values out of range are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


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


class Ingest(Section):
    """The user's table."""

    source: str = Field(
        "data/raw/generated.parquet",
        min_length=1,
        description="CSV or Parquet: a file, or a folder whose files are read in the order of their names.",
    )
    names: tuple[ColumnName, ...] | None = Field(
        None,
        min_length=1,
        description="Column names of CSV files that have no header, in the order of their columns; nothing where the"
        " first row holds the names.",
    )
    missing: Literal["error", "drop", "mean"] = Field(
        "error",
        description="What a missing cell does: stop, drop its row, or be filled with the mean of the training rows"
        " (a missing target or category still drops its row).",
    )

    @field_validator("source")
    @classmethod
    def _is_here_or_absolute(cls, source: str) -> str:
        if (
            ".." in PurePath(source).parts
            # in the copy that DVC runs an experiment in, it would lead elsewhere
        ):
            raise ValueError(
                f"must not lead upwards; found {source}; name a path in this repository, or a whole one"
            )
        return source


class Model(Section):
    """The model as statisticians write it."""

    formula: str = Field(
        "y ~ x1 + x2", min_length=1, description="Target ~ terms, in R's notation."
    )
    weights: str | None = Field(
        None,
        min_length=1,
        description="Column that weighs the rows: not negative, not all 0; nothing for equal weights.",
    )


class Split(Section):
    """Which rows train the model and which judge it."""

    train: float = Field(
        0.7, gt=0, le=1, description="Share of the rows that the model is fitted on."
    )
    validation: Fraction = Field(
        0.15, description="Share of the rows watched during training; 0 for none."
    )
    test: Fraction = Field(
        0.15, description="Share of the rows kept for the final judgement; 0 for none."
    )
    by: str = Field(
        "row",
        pattern=r"^(row|group:.+|time:.+)$",
        description="row: at random; group:COLUMN: a group's rows stay together; time:COLUMN: the newest rows are"
        " the test rows, those before them the validation rows.",
    )
    shards: int = Field(
        1, ge=1, le=4096, description="Number of files that the training rows are written to."
    )
    seed: Seed = 1

    @model_validator(mode="after")
    def _shares_add_up(self) -> Self:
        total = math.fsum((self.train, self.validation, self.test))
        if abs(total - 1) > 1e-9:
            raise ValueError(f"train + validation + test must be 1; found {total:.12g}")
        return self


class Train(Section):
    """How θ and b are found. `solver: exact` uses none of what belongs to gradient descent."""

    solver: Literal["sgd", "exact"] = Field(
        "sgd",
        description="sgd: stochastic gradient descent; exact: the least squares solution itself.",
    )
    l2: float = Field(
        0.0,
        ge=0,
        description="Ridge penalty: l2·‖θ‖² is added to the mean squared error, in the data's own units.",
    )
    collinear: Literal["error", "drop"] = Field(
        "error",
        description="What a column does that is a combination of those before it: stop, or be left at θ = 0.",
    )
    engine: Literal["autograd", "compiled"] = Field(
        "autograd",
        description="What takes the steps of sgd, on the same batches: the textbook loop in PyTorch, or compiled"
        " kernels at the speed of memory.",
    )
    epochs: int = Field(
        20,
        ge=1,
        le=10**9,
        description="Passes over the training rows. Of more than 1000 the curves show every second, third, … and always"
        " the first, the last and the one that is chosen.",
    )
    batch_size: int = Field(32, ge=1, le=10**12, description="Rows per step.")
    lr: float = Field(0.01, gt=0, description="Learning rate at the start.")
    momentum: float = Field(
        0.9, ge=0, lt=1, description="Share of the previous step that is repeated."
    )
    schedule: Literal["constant", "linear", "cosine"] = Field(
        "constant",
        description="How the learning rate falls from `lr` to 0 over the steps of the whole training.",
    )
    average: Fraction = Field(
        0.0,
        description="Polyak averaging: the last part of the steps whose θ and b are averaged; 0 for none.",
    )
    patience: int = Field(
        0,
        ge=0,
        le=10**9,
        description="Epochs without a better validation loss before training stops with the best; 0 for never.",
    )
    standardize: bool = Field(
        False,
        description="Train on z-scores of the training rows; θ and b are reported in the data's own units.",
    )
    dtype: Literal["float32", "float64"] = Field(
        "float32",
        description="Arithmetic of the training; of the rows alone with `engine: compiled`, which computes in float64.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "cpu", description="Where to train; auto takes CUDA if there is one."
    )
    seed: Seed = 1

    @model_validator(mode="after")
    def _compiled_runs_on_the_cpu(self) -> Self:
        if self.engine == "compiled" and self.device == "cuda":
            raise ValueError(
                "engine: compiled runs on the cpu; set device to cpu, or engine to autograd"
            )
        return self


class Gate(Section):
    """Bounds that a metric has to keep, themselves included."""

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
    str, Field(pattern=r"^(gap|(train|validation|test)_(mse|rmse|mae|r2|max_error))$")
]


class Evaluate(Section):
    """How the model is judged."""

    gates: dict[GateName, Gate] = Field(
        default_factory=dict,
        description="Bounds per metric, such as `test_r2: {min: 0.9}` or `gap: {max: 0.01}`.",
    )
    confidence: float = Field(
        0.95, gt=0, lt=1, description="Confidence of the intervals around θ and b."
    )


class Tracking(Section):
    """Where the run appears."""

    experiment: str = Field("linreg", min_length=1, description="Name of the MLflow experiment.")


class Params(Section):
    """The whole of params.yaml."""

    generate: Generate = Generate()
    ingest: Ingest = Ingest()
    model: Model = Model()
    split: Split = Split()
    train: Train = Train()
    evaluate: Evaluate = Evaluate()
    tracking: Tracking = Tracking()

    @model_validator(mode="after")
    def _sections_fit(self) -> Self:
        if self.train.patience > 0 and self.split.validation == 0:
            raise ValueError(
                "train.patience watches the validation loss, but split.validation is 0"
            )
        if self.train.solver == "sgd" and self.train.batch_size % self.split.shards:
            raise ValueError(
                f"train.batch_size must be a multiple of split.shards, as every shard gives as many rows to a batch;"
                f" found {self.train.batch_size} and {self.split.shards}"
            )
        return self


def load_params(path: Path = PARAMS_FILE) -> Params:
    """Read and check the whole file, so that a mistake in any section is told before any work is
    done.
    """
    return changed_params({}, path)


def changed_params(changes: Mapping[str, Any], path: Path = PARAMS_FILE) -> Params:
    """Return what the file would say with parameters changed by their dotted names, such as
    `train.lr`.
    """
    try:
        return params_from(path.read_text(encoding="utf-8"), path, changes)
    except FileNotFoundError:
        raise UserError(
            path, "there is no such file", todo="run from the folder that holds dvc.yaml"
        ) from None
    except UnicodeDecodeError as error:
        raise not_plain(path, error) from None


def params_from(text: str, path: Path, changes: Mapping[str, Any] = MappingProxyType({})) -> Params:
    """Check a file's text, with some parameters changed; `path` is what a message calls it."""
    values = read_yaml(text, path)
    values = {} if values is None else values
    try:
        for name, value in changes.items():
            section, _, key = name.partition(".")
            if not key:
                raise UserError(
                    name, "is not a parameter", todo="name it as section.key, such as train.lr"
                )
            values[section] = (values.get(section) or {}) | {key: value}
        # Pydantic's strict mode takes JSON lists for tuples, but not Python's.
        document = json.dumps(values, ensure_ascii=False).encode()
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        raise not_plain(path, error) from None
    try:
        return Params.model_validate_json(document)
    except ValidationError as error:
        raise _first_mistake(path, error) from None


def column_of(by: str) -> str | None:
    """Return the column that `split.by` names, if it names one: `group:COLUMN`, `time:COLUMN`."""
    return by.partition(":")[2] or None


def flat(params: Params) -> dict[str, Any]:
    """Return every parameter under its dotted name, as MLflow shows it: `train.lr`,
    `generate.theta`.
    """

    def walk(prefix: str, value: Any) -> dict[str, Any]:
        if isinstance(value, dict):
            return {
                name: leaf
                for key, item in value.items()
                for name, leaf in walk(f"{prefix}.{key}", item).items()
            }
        return {prefix.removeprefix("."): value}

    return walk("", params.model_dump(mode="json"))


def _first_mistake(path: Path, error: ValidationError) -> UserError:
    mistakes = error.errors(include_url=False)
    # A misspelt key usually explains the other complaints, so it is told first.
    mistake = next((m for m in mistakes if m["type"] == "extra_forbidden"), mistakes[0])
    location = [str(part) for part in mistake["loc"] if part != "[key]"]
    where = f"{path}: {'.'.join(location)}" if location else str(path)
    more = f"({len(mistakes) - 1} more like it)" if len(mistakes) > 1 else ""
    if mistake["type"] == "extra_forbidden":
        known = list(_section_at(location[:-1]).model_fields)
        near = difflib.get_close_matches(location[-1], known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
        return UserError(where, "is not a parameter", todo=f"{hint} {more}")
    words = {
        "Tuple": "list",
        "an object": "a section",
        "a valid array": "a list",
        "a valid string": "text",
        " after validation, not 0": "",
    }
    for word, plain in words.items():
        mistake["msg"] = mistake["msg"].replace(word, plain)
    what = mistake["msg"].removeprefix("Value error, ").replace("Input should", "should")
    if "gates" in location and mistake["type"] == "string_pattern_mismatch":
        what = (
            "is not a gate; a gate is gap, or PART_METRIC such as test_r2 (train, validation or test;"
            " mse, rmse, mae, r2 or max_error)"
        )
    if mistake["type"] == "value_error":
        return UserError(where, what, todo=more)
    return UserError(
        where, re.sub(r"^String", "text", what), found=repr(mistake["input"]), todo=more
    )


def _section_at(location: list[str]) -> type[BaseModel]:
    section: type[BaseModel] = Params
    for name in location:
        inner = section.model_fields[name].annotation if name in section.model_fields else Gate
        section = inner if isinstance(inner, type) and issubclass(inner, BaseModel) else Gate
    return section
