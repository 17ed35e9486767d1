"""Fetches a model from MLflow: the plain artifact inside what was logged or registered."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlflow.artifacts import download_artifacts
from mlflow.models import Model

from linreg.errors import UserError
from linreg.tracking.journal.store_location import (
    is_local_store,
    local_database,
    redact_credentials,
    tracking_uri,
)
from linreg.tracking.mlflow.store import open_store
from linreg.tracking.mlflow.store_errors import TRACKING_ERRORS, reason, remedy


def fetch_model(uri: str, folder: Path) -> Path:
    """Download the model of a URI such as models:/NAME@ALIAS; returns its plain artifact.

    folder  where it is downloaded to

    Raises UserError when the store does not answer, has no such model, or has one that is not of
    linreg.
    """
    store = tracking_uri()
    # Fetching must not create a store.
    if is_local_store() and not local_database().exists():
        todo = "run the pipeline first, or set MLFLOW_TRACKING_URI to another store"
        raise UserError(uri, "cannot be fetched, for there is no MLflow store here yet", todo=todo)
    where = f"{uri} in {redact_credentials(store)}"
    try:
        # Fails sooner than a download when the store is down.
        open_store()
    except TRACKING_ERRORS as error:
        why = reason(error)
        raise UserError(where, "cannot be fetched", found=why, todo=remedy(why)) from None
    try:
        with _default_store(store):
            mlflow_model = download_artifacts(
                uri, dst_path=str(folder), tracking_uri=store, registry_uri=store
            )
        return plain_artifact(Path(mlflow_model), uri)
    except TRACKING_ERRORS as error:
        if isinstance(error, UserError):
            raise
        todo = "`linreg ui` shows what there is; MLFLOW_TRACKING_URI names another store"
        raise UserError(where, "cannot be fetched", found=reason(error), todo=todo) from None


@contextmanager
def _default_store(uri: str) -> Iterator[None]:
    """Have MLflow take a store for its default in the block.

    It opens its default store too, whatever other it is told to use, and makes a folder for it,
    whose name has a space as %20.
    """
    before = os.environ.get("MLFLOW_TRACKING_URI")
    os.environ["MLFLOW_TRACKING_URI"] = uri
    try:
        yield
    finally:
        del os.environ["MLFLOW_TRACKING_URI"]
        if before is not None:
            os.environ["MLFLOW_TRACKING_URI"] = before


def plain_artifact(mlflow_model: Path, name: object) -> Path:
    """Return the plain artifact within the folder of an MLflow model; nothing of it is executed.

    name  how an error calls the model

    Raises UserError when there is none or a link leads out of the folder, and what MLflow raises
    when it is damaged.
    """
    flavors: dict[str, Any] = Model.load(str(mlflow_model)).flavors
    flavor: Any = flavors.get("python_function")
    path = _artifact_path(flavor) if isinstance(flavor, dict) else ""
    artifact = mlflow_model / path
    outside = [] if artifact.resolve().is_relative_to(mlflow_model.resolve()) else [path]
    outside += [
        f"the link {file.relative_to(mlflow_model)}"
        for file in mlflow_model.rglob("*")
        if file.is_symlink()
    ]
    if outside:
        raise UserError(
            name, "names files outside of itself", found=outside[0], todo="do not use it"
        )
    if not (artifact / "model.json").is_file():
        raise UserError(
            name,
            "is no model of linreg",
            found=", ".join(flavors),
            todo="name one that the pipeline has logged",
        )
    return artifact


def _artifact_path(flavor: dict[str, Any]) -> str:
    """Return the path of the artifact in a flavour's folder.

    The first models of linreg 0.1 name it among the artifacts of a Python model.
    """
    try:
        return str(flavor["artifacts"]["model"]["path"])
    except (KeyError, TypeError):
        return str(flavor.get("data", ""))
