"""Where things are: the repository's top, and the MLflow store that its runs belong to."""

import os
import re
from pathlib import Path


def root() -> Path:
    """Return the top of the repository as an absolute path.

    DVC names it in DVC_ROOT, also for a queued experiment, which runs in a copy that is deleted
    afterwards; what has to stay is written here and not into that copy. Without DVC it is the
    nearest folder upwards that holds a dvc.yaml.
    """
    if named := os.environ.get("DVC_ROOT"):
        return Path(named).resolve()
    here = Path.cwd()
    return next(
        (folder for folder in (here, *here.parents) if (folder / "dvc.yaml").exists()), here
    )


def is_own_store() -> bool:
    """Tell whether runs go to this repository's own store: unless MLFLOW_TRACKING_URI names
    another.
    """
    return not os.environ.get("MLFLOW_TRACKING_URI")


def own_database() -> Path:
    """Return the SQLite file of this repository's own store."""
    return root() / "mlflow.db"


def own_artifacts() -> Path:
    """Return the folder for the artifacts of this repository's own store."""
    return root() / "mlartifacts"


def tracking_uri() -> str:
    """Return the URI of the store; it may hold credentials, so it is for MLflow's eyes only.

    A relative path in it counts from the repository's top, wherever a command runs: the copy in
    which DVC runs an experiment is deleted, and a store in it would be, too.
    """
    named = os.environ.get("MLFLOW_TRACKING_URI")
    if not named:
        return f"sqlite:///{own_database()}"
    if relative := _RELATIVE.fullmatch(named):
        return f"{relative[1]}{root() / relative[2]}"
    return named


_RELATIVE = re.compile(r"(sqlite(?:\+\w+)?:///|file:|)(?!/|:memory:|[\w+.-]+:|databricks|uc$)(.+)")
"""A URI with the path of a file or folder, or such a path alone; `databricks` and `uc` are
names.
"""


def is_server(uri: str) -> bool:
    """Tell whether a store is an MLflow server, and not a database or a folder."""
    return uri.startswith(("http://", "https://"))


def without_credentials(text: str) -> str:
    """Return a URI, or a message that holds some, without the `user:password@` and the
    `?password=…` in it.
    """
    own = re.search(r"//(.+@)", os.environ.get("MLFLOW_TRACKING_URI", ""))
    if (
        own and ":///" not in own.string
        # whatever signs the password has; a path may hold an @ of its own
    ):
        text = text.replace(own[1], "")
    # A password may hold a slash or an @; the last @ before a space ends it.
    text = re.sub(r"(?<=://)([^/:@\s]*:\S*|[^/@\s]+)@", "", text)
    return re.sub(r"(?<=[?&])(\w*(?:password|token|secret)\w*)=[^&\s]+", r"\1=…", text)
