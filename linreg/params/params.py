"""The whole of params.yaml: its sections, and what they demand of one another."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Self

from pydantic import ConfigDict, Field, model_validator

from linreg.params.evaluate import MEAN, Evaluate
from linreg.params.fetch import Fetch, FetchName
from linreg.params.generate import Generate
from linreg.params.ingest import Ingest
from linreg.params.model import Model
from linreg.params.section import Section
from linreg.params.split import Split
from linreg.params.standard_errors import parse_errors
from linreg.params.train import Train

BY_COLUMN = ("ingest.dates", "ingest.sentinels", "model.levels")
"""The parameters whose keys are names of columns."""
BY_NAME = (*BY_COLUMN, "fetch")
"""The parameters whose keys are names that the user gives."""


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
        errors = parse_errors(self.evaluate.errors).kind
        if errors == "HAC" and not self.split.by.startswith("time:"):
            raise ValueError(
                "evaluate.errors: HAC needs the order of the rows in time; set split.by to "
                f"time:COLUMN; found {self.split.by}"
            )
        if errors == "classical" and self.model.weights_kind == "sampling":
            raise ValueError(
                "evaluate.errors must not be classical for sampling weights, which are no inverse "
                "variances; set it to auto"
            )
        over_folds = [name for name in self.evaluate.gates if name.startswith("cv_")]
        if over_folds and not self.split.folds:
            raise ValueError(f"the gate {over_folds[0]} needs folds, but split.folds is 0")
        if self.train.l1_rule and not self.split.folds:
            raise ValueError(f"train.l1: {self.train.l1} needs folds, but split.folds is 0")
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
