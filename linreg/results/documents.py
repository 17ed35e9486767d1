"""Documents of the evaluate stage, which must belong to one model and one evaluation."""

import csv
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from linreg.arrays import Floats
from linreg.errors import UserError
from linreg.files import file_hash, missing_output, read_document

REMEDY = "run `dvc repro` to make it again"


def read_documents(
    folder: Path, *names: str, model: Mapping[str, str] = MappingProxyType({})
) -> list[dict[str, Any]]:
    """Read JSON documents of a folder like models/evaluation.

    `model` is the MD5, by path, of the model that they must belong to. Raises UserError for a file
    that is absent or damaged, or belongs to another model or evaluation.
    """
    context = read_document(folder / "report.json")
    for path, expected in model.items():
        if (found := context["hashes"].get(path)) != expected:
            raise UserError(
                folder / "report.json",
                f"belongs to another model than {path}",
                found=f"MD5 {found} instead of {expected}",
                todo="run `dvc repro`",
            )
    documents = [read_document(folder / name) for name in names]
    for name in names:
        if name != "report.json":
            require_same_evaluation(folder / name, context)
    return documents


def require_same_evaluation(path: Path, context: Mapping[str, Any]) -> None:
    """Raise UserError unless a file is that of the evaluation that report.json describes."""
    if not path.exists():
        raise missing_output(path)
    if file_hash(path) != context["files"].get(path.name):
        what = "is damaged, or belongs to another evaluation than report.json"
        raise UserError(path, what, todo=REMEDY)


def read_predictions(path: Path) -> tuple[Floats, Floats]:
    """Return the columns actual and predicted, each (n,) float64."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = csv.DictReader(file)
            pairs = [(float(row["actual"]), float(row["predicted"])) for row in lines]
            if not {"actual", "predicted"} <= set(lines.fieldnames or ()):
                raise UserError(path, "must have the columns actual and predicted", todo=REMEDY)
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(path, "is damaged", found=repr(error), todo=REMEDY) from None
    actual, predicted = np.array(pairs).reshape(-1, 2).T
    return actual, predicted
