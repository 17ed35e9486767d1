"""The files that a training leaves: its history, and the model with the exact solution."""

from collections.abc import Mapping
from pathlib import Path

from linreg.data.training_data import TrainingData
from linreg.files import file_hash, new_folder, write_document
from linreg.fit.cross_validation.cross_validation import CrossValidation
from linreg.fit.cross_validation.elastic_net import L1Choice
from linreg.fit.cross_validation.folds_file import write_folds
from linreg.fit.exact.penalized.path import PATH_FILE
from linreg.fit.exact.reference import ExactReference
from linreg.fit.history import History
from linreg.fit.model import LinearModel
from linreg.params.train import Train


def save_training(
    training: Path,
    model: Path,
    data: TrainingData,
    history: History,
    reference: ExactReference,
    params: Train,
    hashes: Mapping[str, str],
    files: Mapping[str, str],
    cross_validation: CrossValidation | None = None,
    choice: L1Choice | None = None,
) -> None:
    """Write the folders `training` and `model`, the latter with the epoch that history selects.

    A cross-validation is written to folds.json in `training`, and the choice of l1 to path.json.

    hashes  MD5s of the stage's dependencies by path, as in dvc.lock
    files   MD5s of single files among them, which a later stage compares
    """
    with new_folder(training) as training_folder, new_folder(model) as model_folder:
        written = history.write(training_folder)
        written |= write_path(training_folder, reference, choice)
        if cross_validation:
            written |= write_folds(training_folder, cross_validation, data.names)
        known = dict(files) | {f"{training}/{name}": md5 for name, md5 in written.items()}
        epoch = history.selected
        LinearModel(data.design, epoch.theta, epoch.b, hashes, known).save(model_folder)
        reference.write(model_folder, params.collinear)


def write_path(
    folder: Path, reference: ExactReference, choice: L1Choice | None = None
) -> dict[str, str]:
    """Write path.json, the coefficients over the size of the penalty, if there is one.

    Returns its MD5 by name.
    """
    path = reference.penalty_path()
    if path is None:
        return {}
    solution = reference.solution
    document = path.as_data() | {"model": {"l1": solution.l1, "l2": solution.l2}}
    if choice:
        document["cross_validation"] = choice.as_data()
    write_document(folder / PATH_FILE, document)
    return {PATH_FILE: file_hash(folder / PATH_FILE)}
