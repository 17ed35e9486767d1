"""The parameters that played a part in a run, of all in params.yaml."""

from collections.abc import Mapping
from typing import Any

STEPS = frozenset(
    f"train.{name}"
    for name in (
        "engine",
        "epochs",
        "batch_size",
        "lr",
        "momentum",
        "schedule",
        "average",
        "patience",
        "scale",
        "dtype",
        "device",
        "seed",
    )
)
"""Of gradient descent: the exact solution takes no steps."""
OFF: Mapping[str, Any] = {
    "ingest.missing_words": [],
    "ingest.skip": 0,
    "model.pool": 0,
    "split.folds": 0,
    "train.l1": 0,
    "train.l2": 0,
    "train.average": 0,
    "train.patience": 0,
}
"""Values that switch something off."""


def effective_parameters(
    parameters: Mapping[str, Any], *, is_generated: bool, has_categories: bool
) -> dict[str, Any]:
    """Return those parameters, by dotted name, whose change could have changed a result.

    is_generated    whether the rows are those that the generate stage draws
    has_categories  whether the formula has a category
    """
    is_penalized = parameters.get("train.l1") or parameters.get("train.l2")

    def is_effective(name: str, value: Any) -> bool:
        return not (
            value is None
            or (name in OFF and value == OFF[name])
            or name.startswith("tracking.")
            or (name == "train.penalty_scale" and not is_penalized)
            or (name.startswith("generate.") and not is_generated)
            or (name in STEPS and parameters["train.solver"] == "exact")
            or (name == "model.unseen" and not has_categories)
            or (name == "evaluate.small_sample" and not _has_clusters(parameters))
        )

    return {name: value for name, value in parameters.items() if is_effective(name, value)}


def _has_clusters(parameters: Mapping[str, Any]) -> bool:
    """Whether standard errors are clustered, or HAC."""
    errors, by = str(parameters["evaluate.errors"]), str(parameters["split.by"])
    return errors.startswith(("cluster", "HAC")) or (errors == "auto" and by.startswith("group:"))
