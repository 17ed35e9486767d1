"""A model out of MLflow: the plain artifact that lies inside what was logged or registered."""

from pathlib import Path
from typing import Any

from mlflow.artifacts import download_artifacts
from mlflow.models import Model

from linreg.errors import UserError
from linreg.tracking.journal.location import (
    is_own_store,
    own_database,
    tracking_uri,
    without_credentials,
)
from linreg.tracking.mlflow.store import open_store
from linreg.tracking.mlflow.store_errors import TRACKING_ERRORS, reason, remedy


def fetch_model(uri: str, folder: Path) -> Path:
    """Fetch the model that a URI names, such as models:/NAME@ALIAS, into `folder`; returns its
    plain artifact.

    Raises UserError when the store does not answer, has no such model, or has one that is not of
    linreg.
    """
    store = tracking_uri()
    # a question must not create a store
    if is_own_store() and not own_database().exists():
        todo = "run the pipeline first, or set MLFLOW_TRACKING_URI to another store"
        raise UserError(uri, "cannot be fetched, for there is no MLflow store here yet", todo=todo)
    where = f"{uri} in {without_credentials(store)}"
    try:
        # says sooner than a download that the store is not there
        open_store()
    except TRACKING_ERRORS as error:
        why = reason(error)
        raise UserError(where, "cannot be fetched", found=why, todo=remedy(why)) from None
    try:
        packed = Path(
            download_artifacts(uri, dst_path=str(folder), tracking_uri=store, registry_uri=store)
        )
        return plain_artifact(packed, uri)
    except TRACKING_ERRORS as error:
        if isinstance(error, UserError):
            raise
        todo = "`linreg ui` shows what there is; MLFLOW_TRACKING_URI names another store"
        raise UserError(where, "cannot be fetched", found=reason(error), todo=todo) from None


def plain_artifact(packed: Path, name: object) -> Path:
    """Return the plain artifact within what MLflow has of a model; nothing of it is executed.

    Raises UserError, about the model called `name`, when there is none or a link leads out of it,
    and what MLflow raises when it is damaged.
    """
    flavors: dict[str, Any] = Model.load(str(packed)).flavors
    flavor: Any = flavors.get("python_function")
    within = _named(flavor) if isinstance(flavor, dict) else ""
    artifact = packed / within
    outside = [] if artifact.resolve().is_relative_to(packed.resolve()) else [within]
    outside += [
        f"the link {file.relative_to(packed)}" for file in packed.rglob("*") if file.is_symlink()
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


def _named(flavor: dict[str, Any]) -> str:
    """Return the path of the artifact that a flavour names, in models that held code among its
    artifacts.
    """
    try:
        return str(flavor["artifacts"]["model"]["path"])
    except (KeyError, TypeError):
        return str(flavor.get("data", ""))
