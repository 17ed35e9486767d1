"""The MLflow store: opened, and created on first use, by one process at a time."""

import logging
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.rest_utils import http_request

from linreg.errors import UserError
from linreg.process.lock import exclusive_lock
from linreg.tracking.journal.store_location import (
    REGISTRY_URI,
    TRACKING_URI,
    is_database,
    is_local_store,
    is_missing,
    is_server,
    local_database,
    project_root,
    redact_credentials,
    registry_uri,
    sqlite_file,
    state_folder,
    tracking_uri,
)
from linreg.tracking.mlflow.moved_store import relocate_artifacts

SECONDS_TO_ANSWER = 8.0
"""How long a server may take to answer that it is up."""
LOCK_TIMEOUT = 60.0
"""Seconds to wait for the lock under which a store is opened, which takes two."""
# It would log in ten lines what `reason` says in one.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


def open_store(*, create: bool = True) -> MlflowClient:
    """Return a client of the store; the project's own store is created if there is none yet.

    create  False for whoever only reads, of a store that is not `is_missing`: nothing is written
            where the command runs

    Raises one of TRACKING_ERRORS when the store does not answer.
    """
    with creation_lock() if create else nullcontext():
        uri = tracking_uri()
        _require_usable_paths(uri)
        if create and is_local_store() and is_missing(uri):
            _create_local_database()
        require_answer(uri)
        _set_global_uris(uri, registry_uri())
        client = MlflowClient(tracking_uri=uri, registry_uri=registry_uri())
        # The client connects with its first call.
        client.search_experiments(max_results=1)
        if is_server(uri):
            _require_version_3(client, uri)
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
    elif is_database(uri):
        _connect(uri)


def _set_global_uris(tracking: str, registry: str) -> None:
    """Have MLflow look up models:/ in these stores, which it does by settings of the process.

    By default they name a mlflow.db in the working directory, which would be created.
    """
    names = (TRACKING_URI, REGISTRY_URI)
    before = {name: os.environ.get(name) for name in names}
    mlflow.set_tracking_uri(tracking)
    mlflow.set_registry_uri(registry)
    # MLflow has set the variables too, by which this package tells whether a store was named.
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


def _require_version_3(client: MlflowClient, uri: str) -> None:
    """Raise UserError for a server that lacks logged models, before anything is created there."""
    try:
        client.search_logged_models(["0"], max_results=1)
    except MlflowException as error:
        if error.error_code != "ENDPOINT_NOT_FOUND":
            raise
        raise UserError(
            redact_credentials(uri),
            "must be an MLflow server of version 3 or newer",
            found=_version(uri),
            todo="upgrade the server, or name another in MLFLOW_TRACKING_URI",
        ) from None


def _version(uri: str) -> str:
    """Return the version that a server says it has."""
    credentials = get_default_host_creds(uri)  # type: ignore[no-untyped-call]
    options = {"max_retries": 0, "timeout": SECONDS_TO_ANSWER, "raise_on_status": False}
    answer = http_request(credentials, "/version", "GET", **options)  # type: ignore[no-untyped-call]
    version = answer.text.strip()
    return version if re.fullmatch(r"[\w.+-]{1,30}", version) else "one without logged models"


def _require_usable_paths(uri: str) -> None:
    """Raise UserError where a path has characters with a meaning in MLflow's addresses or files.

    SQLAlchemy decodes %2F and ends a path at a ?, a statement of SQLite ends it at a ', and the
    configuration of MLflow's migrations reads every % in the path of its package.
    """
    if not is_database(uri):
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
    file = sqlite_file(uri)
    if uri.startswith("sqlite") and file is None:
        raise UserError(
            TRACKING_URI,
            "must name a file: what is in memory is lost when a command ends",
            found=uri,
            todo="unset it, or name one as in sqlite:///runs.db",
        )
    if file is not None and not file.parent.is_dir():
        # MLflow creates the folder.
        return
    # Imported here because it takes half a second, which a server does not need.
    from mlflow.store.db.utils import create_sqlalchemy_engine

    try:
        engine = create_sqlalchemy_engine(uri)  # type: ignore[no-untyped-call]
    except ValueError:
        # Such as a port that is no number.
        what = "is not the address of a database"
        raise UserError(TRACKING_URI, what, found=redact_credentials(uri)) from None
    try:
        with engine.begin() as connection:
            if file is not None:
                relocate_artifacts(connection, file)
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
def creation_lock() -> Iterator[None]:
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
