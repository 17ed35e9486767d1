"""The MLflow store: opened, and created on first use, by one process at a time."""

import logging
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode
from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.rest_utils import http_request
from sqlalchemy import make_url

from linreg.errors import UserError
from linreg.process.lock import exclusive_lock
from linreg.tracking.journal.store_location import (
    is_local_store,
    is_server,
    local_artifacts,
    local_database,
    project_root,
    state_folder,
    tracking_uri,
)

SECONDS_TO_ANSWER = 8.0
"""How long a server may take to answer that it is up."""
LOCK_TIMEOUT = 60.0
"""Seconds to wait for the lock under which a store is opened, which takes two."""
_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
# It would log in ten lines what `reason` says in one.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


def open_store() -> MlflowClient:
    """Return a client of the store; the project's own store is created if there is none yet.

    Raises one of TRACKING_ERRORS when the store does not answer.
    """
    with _creation_lock():
        uri = tracking_uri()
        _require_usable_paths(uri)
        if is_local_store() and not local_database().exists():
            _create_local_database()
        require_answer(uri)
        _make_default(uri)
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        # The client connects with its first call.
        client.search_experiments(max_results=1)
        return client


def require_answer(uri: str) -> None:
    """Raise one of TRACKING_ERRORS when a server or a database is not there.

    MLflow itself would retry, for two minutes where a database cannot be opened.
    """
    if is_server(uri):
        # Any status will do: a proxy need not know this page.
        credentials = get_default_host_creds(uri)  # type: ignore[no-untyped-call]
        options = {"max_retries": 0, "timeout": SECONDS_TO_ANSWER, "raise_on_status": False}
        http_request(credentials, "/health", "GET", **options)  # type: ignore[no-untyped-call]
    elif uri.startswith(_DATABASES):
        _connect(uri)


def experiment_id(client: MlflowClient, name: str) -> str:
    """Return the id of the experiment, which is created if there is none of that name."""
    with _creation_lock():
        if experiment := client.get_experiment_by_name(name):
            return str(experiment.experiment_id)
        # A server knows where its artifacts go; those of a local database would go to wherever a
        # command runs.
        is_sqlite = tracking_uri().startswith("sqlite")
        location = local_artifacts().as_uri() if is_sqlite else None
        try:
            return str(client.create_experiment(name, artifact_location=location))
        except MlflowException as error:
            experiment = client.get_experiment_by_name(name)
            if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS) or experiment is None:
                raise
            return str(experiment.experiment_id)


def _make_default(uri: str) -> None:
    """Have MLflow take the store for its default, which it opens in places whatever it is told.

    Its own default is a database in the working directory, for which it makes a folder beside it
    with the same name in percent encoding.
    """
    named = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    # MLflow has set the variable, too, in which only the user names a store.
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    if named is not None:
        os.environ["MLFLOW_TRACKING_URI"] = named


def _require_usable_paths(uri: str) -> None:
    """Raise UserError where a path has characters with a meaning in MLflow's addresses or files.

    SQLAlchemy decodes %2F and ends a path at a ?, a statement of SQLite ends it at a ', and the
    configuration of MLflow's migrations reads every % in the path of its package.
    """
    if not uri.startswith(_DATABASES):
        return
    package, project = Path(mlflow.__file__).parent, project_root()
    if "%" in str(package):
        what = "MLflow opens no database from here: the path has a %"
        raise UserError(package, what, todo="make the environment in a folder without it")
    found = re.search(r"%(?=[0-9A-Fa-f]{2})|[?']", str(project))
    if found and str(project) in uri:
        what = f"MLflow cannot keep its store here: the path has a {found[0]}"
        todo = "move the project, or name a server in MLFLOW_TRACKING_URI"
        raise UserError(project, what, todo=todo)


def _connect(uri: str) -> None:
    if uri.startswith("sqlite"):
        file = make_url(uri).database or ":memory:"
        if file == ":memory:":
            raise UserError(
                "MLFLOW_TRACKING_URI",
                "must name a file: what is in memory is lost when a command ends",
                found=uri,
                todo="unset it, or name one as in sqlite:///runs.db",
            )
        if not Path(file).parent.is_dir():
            # MLflow creates the folder.
            return
    # Imported here because it takes half a second, which a server does not need.
    from mlflow.store.db.utils import create_sqlalchemy_engine

    engine = create_sqlalchemy_engine(uri)  # type: ignore[no-untyped-call]
    try:
        engine.connect().close()
    finally:
        engine.dispose()


def _create_local_database() -> None:
    """Create the database under another name and rename it, so that a kill leaves none or all."""
    for leftover in state_folder().glob("mlflow.db*.partial*"):
        leftover.unlink(missing_ok=True)
    # A new name each time: after a failure MLflow would use its connection to the earlier file.
    partial = state_folder() / f"mlflow.db-{uuid.uuid4().hex}.partial"
    try:
        MlflowClient(tracking_uri=f"sqlite:///{partial}").search_experiments(max_results=1)
        partial.replace(local_database())
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _creation_lock() -> Iterator[None]:
    """Keep two processes from creating the same store or experiment; a server does that itself.

    Raises UserError when another process, such as a suspended one, does not release the lock.
    """
    if is_server(tracking_uri()):
        yield
        return
    path = state_folder() / "store.lock"
    with exclusive_lock(path, timeout=LOCK_TIMEOUT) as acquired:
        if not acquired:
            raise UserError(
                path,
                f"has been held by another process for {LOCK_TIMEOUT:.0f} s",
                todo="`fuser` shows which; end it",
            )
        yield
