"""The file of a cross-validation, in the folder of the training."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from linreg.files import file_hash, read_document, write_document
from linreg.fit.cross_validation.cross_validation import CrossValidation

NAME = "folds.json"


def write_folds(folder: Path, results: CrossValidation, names: Sequence[str]) -> dict[str, str]:
    """Write the results of all folds, with θ by its names; return the file's MD5 by its name."""
    write_document(folder / NAME, results.as_data(names))
    return {NAME: file_hash(folder / NAME)}


def read_folds(folder: Path) -> dict[str, Any] | None:
    """Return what `write_folds` wrote, None if there is none; raises UserError if it is damaged."""
    return read_document(folder / NAME) if (folder / NAME).exists() else None
