"""Where the project is, what linreg keeps in it, and the MLflow store that its runs are sent to."""

import os
import re
from pathlib import Path

TRACKING_URI = "MLFLOW_TRACKING_URI"
REGISTRY_URI = "MLFLOW_REGISTRY_URI"
"""Environment variables of MLflow that name a store."""
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
    return not os.environ.get(TRACKING_URI)


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
    return _named_store(TRACKING_URI) or f"sqlite:///{local_database()}"


def registry_uri() -> str:
    """Return the URI of the model registry: that of the store, unless MLFLOW_REGISTRY_URI names
    another; it may hold credentials, too.
    """
    return _named_store(REGISTRY_URI) or tracking_uri()


def _named_store(variable: str) -> str:
    named = os.environ.get(variable, "")
    if relative := _RELATIVE.fullmatch(named):
        return f"{relative[1]}{project_root() / relative[2]}"
    return named


_RELATIVE = re.compile(r"(sqlite(?:\+\w+)?:///|file:|)(?!/|:memory:|[\w+.-]+:|databricks|uc$)(.+)")
"""A URI with a relative path, or such a path alone; `databricks` and `uc` are names of stores."""


def sqlite_file(uri: str) -> Path | None:
    """Return the file of a store that is an SQLite database; None for any other store."""
    found = re.fullmatch(r"sqlite(?:\+\w+)?:///([^?]+)(?:\?.*)?", uri)
    return Path(found[1]) if found and found[1] != ":memory:" else None


def is_missing(uri: str) -> bool:
    """Tell whether a store is an SQLite file that is not there: whoever only reads must not ask
    MLflow, which would create it.
    """
    file = sqlite_file(uri)
    return file is not None and not file.exists()


def is_database(uri: str) -> bool:
    """Tell whether a store is a database that MLflow connects to itself, without a server."""
    return uri.startswith(("sqlite", "postgresql", "mysql", "mssql"))


def store_name() -> str:
    """Return the URI of the store as files of the project record it.

    It has no credentials, and a path in the project is relative to it, so that the name stays the
    same where the project is moved or copied.
    """
    return redact_credentials(tracking_uri()).replace(f"{project_root()}/", "")


def is_server(uri: str) -> bool:
    """Tell whether a store is an MLflow server, and not a database or a folder."""
    return uri.startswith(("http://", "https://"))


def redact_credentials(text: str) -> str:
    """Return a text without the `user:password@` and the `?password=…` of the URIs in it."""
    for variable in (TRACKING_URI, REGISTRY_URI):
        own = re.search(r"//(.+@)", os.environ.get(variable, ""))
        # The store's own credentials are known, whatever characters the password has. After `///`
        # comes a path, which may have an @ of its own.
        if own and ":///" not in own.string:
            text = text.replace(own[1], "")
    # A password may hold a slash or an @; the last @ before white space ends it.
    text = re.sub(r"(?<=://)([^/:@\s]*:\S*|[^/@\s]+)@", "", text)
    return re.sub(r"(?<=[?&])(\w*(?:password|token|secret)\w*)=[^&\s]+", r"\1=…", text)
