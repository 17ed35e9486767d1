"""Where the project is, what linreg keeps in it, and the MLflow store that its runs are sent to."""

import os
import re
from pathlib import Path

PROJECT = "LINREG_PROJECT"
"""Environment variable: the project, for stages that run in a copy of it."""


def project_root() -> Path:
    """Return the top folder of the project, which holds dvc.yaml, as an absolute path.

    It is the nearest folder upwards that holds a dvc.yaml. A queued experiment runs in a copy that
    is deleted afterwards, and what has to stay is not written there: DVC names the original, or a
    folder above it where DVC was set up, in DVC_ROOT.
    """
    if named := os.environ.get(PROJECT):
        return Path(named)
    project = _nearest_with("dvc.yaml", Path.cwd())
    if named := os.environ.get("DVC_ROOT"):
        return (Path(named) / project.relative_to(_nearest_with(".dvc", project))).resolve()
    return project


def _nearest_with(name: str, folder: Path) -> Path:
    """Return the nearest folder upwards that holds `name`, or else the folder itself."""
    return next((each for each in (folder, *folder.parents) if (each / name).exists()), folder)


def state_folder() -> Path:
    """Return the folder .linreg for journals and locks, which is created if there is none."""
    folder = project_root() / ".linreg"
    folder.mkdir(exist_ok=True)
    return folder


def is_local_store() -> bool:
    """Tell whether runs go to the project's own store: unless MLFLOW_TRACKING_URI names another."""
    return not os.environ.get("MLFLOW_TRACKING_URI")


def local_database() -> Path:
    """Return the SQLite file of the project's own store."""
    return project_root() / "mlflow.db"


def local_artifacts() -> Path:
    """Return the folder for the artifacts of the project's own store."""
    return project_root() / "mlartifacts"


def tracking_uri() -> str:
    """Return the URI of the store; it may hold credentials, so it is shown to nobody but MLflow.

    A relative path in it is relative to the project, wherever a command runs: the copy in which DVC
    runs an experiment is deleted, and a store in it would be, too.
    """
    named = os.environ.get("MLFLOW_TRACKING_URI")
    if not named:
        return f"sqlite:///{local_database()}"
    if relative := _RELATIVE.fullmatch(named):
        return f"{relative[1]}{project_root() / relative[2]}"
    return named


_RELATIVE = re.compile(r"(sqlite(?:\+\w+)?:///|file:|)(?!/|:memory:|[\w+.-]+:|databricks|uc$)(.+)")
"""A URI with a relative path, or such a path alone; `databricks` and `uc` are names of stores."""


def is_server(uri: str) -> bool:
    """Tell whether a store is an MLflow server, and not a database or a folder."""
    return uri.startswith(("http://", "https://"))


def redact_credentials(text: str) -> str:
    """Return a text without the `user:password@` and the `?password=…` of the URIs in it."""
    own = re.search(r"//(.+@)", os.environ.get("MLFLOW_TRACKING_URI", ""))
    # The store's own credentials are known, whatever characters the password has. After `///` comes
    # a path, which may have an @ of its own.
    if own and ":///" not in own.string:
        text = text.replace(own[1], "")
    # A password may hold a slash or an @; the last @ before white space ends it.
    text = re.sub(r"(?<=://)([^/:@\s]*:\S*|[^/@\s]+)@", "", text)
    return re.sub(r"(?<=[?&])(\w*(?:password|token|secret)\w*)=[^&\s]+", r"\1=…", text)
