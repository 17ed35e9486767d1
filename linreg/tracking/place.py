"""Where things are: the repository's top, and the MLflow store that its runs belong to."""

import os
import re
from pathlib import Path


def root() -> Path:
    """Return the top of the repository as an absolute path.

    DVC names it in DVC_ROOT, also for a queued experiment, which runs in a copy that is deleted afterwards;
    what has to stay is written here and not into that copy. Without DVC it is the nearest folder upwards that
    holds a dvc.yaml.
    """
    if named := os.environ.get("DVC_ROOT"):
        return Path(named).resolve()
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "dvc.yaml").exists()), here)


def is_own_store() -> bool:
    """Tell whether runs go to this repository's own store: unless MLFLOW_TRACKING_URI names another."""
    return not os.environ.get("MLFLOW_TRACKING_URI")


def own_database() -> Path:
    """Return the SQLite file of this repository's own store."""
    return root() / "mlflow.db"


def own_artifacts() -> Path:
    """Return the folder for the artifacts of this repository's own store."""
    return root() / "mlartifacts"


def tracking_uri() -> str:
    """Return the URI of the store; it may hold credentials, so it is for MLflow's eyes only."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{own_database()}"


def without_credentials(text: str) -> str:
    """Return a URI, or a message that holds some, without the `user:password@` in it."""
    return re.sub(r"(?<=//)[^/@\s]+@", "", text)
