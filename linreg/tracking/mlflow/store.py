"""The MLflow store: opened, and created on first use, by one process at a time."""

import logging
import uuid
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode
from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.rest_utils import http_request
from sqlalchemy import make_url

from linreg.errors import UserError
from linreg.tracking.journal.location import (
    is_own_store,
    is_server,
    own_artifacts,
    own_database,
    tracking_uri,
)
from linreg.tracking.journal.run_folder import state_folder, store_lock

SECONDS_TO_ANSWER = 8.0
"""How long a server may take to say that it is there."""
_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
# It would tell in ten lines what `reason` says in one.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


def open_store() -> MlflowClient:
    """Return a client of the store that runs go to; creates this repository's own store if there is
    none yet.

    Raises one of TRACKING_ERRORS when the store does not answer.
    """
    with _alone():
        if is_own_store() and not own_database().exists():
            _create_own_database()
        uri = tracking_uri()
        require_answer(uri)
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        # the client connects with its first call
        client.search_experiments(max_results=1)
        return client


def require_answer(uri: str) -> None:
    """Raise one of TRACKING_ERRORS when a server or a database is not there.

    MLflow itself would go on trying, two minutes long where a database cannot be opened.
    """
    if is_server(uri):
        # Whatever it answers: a proxy need not know this page.
        credentials = get_default_host_creds(uri)  # type: ignore[no-untyped-call]
        how = {"max_retries": 0, "timeout": SECONDS_TO_ANSWER, "raise_on_status": False}
        http_request(credentials, "/health", "GET", **how)  # type: ignore[no-untyped-call]
    elif uri.startswith(_DATABASES):
        _connect(uri)


def experiment_id(client: MlflowClient, name: str) -> str:
    """Return the id of the experiment, which is created if there is none of that name."""
    with _alone():
        if experiment := client.get_experiment_by_name(name):
            return str(experiment.experiment_id)
        # A server knows best where its artifacts go; beside a database they would go to wherever a
        # command runs.
        location = own_artifacts().as_uri() if tracking_uri().startswith("sqlite") else None
        try:
            return str(client.create_experiment(name, artifact_location=location))
        except MlflowException as error:
            experiment = client.get_experiment_by_name(name)
            if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS) or experiment is None:
                raise
            return str(experiment.experiment_id)


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
            # MLflow makes it
            return
    from mlflow.store.db.utils import (
        create_sqlalchemy_engine,
        # half a second of imports that a server does not need
    )

    engine = create_sqlalchemy_engine(uri)  # type: ignore[no-untyped-call]
    try:
        engine.connect().close()
    finally:
        engine.dispose()


def _create_own_database() -> None:
    """Create the database beside its place and move it there: killed half way, it is absent, not
    half.
    """
    for leftover in state_folder().glob("mlflow.db*.partial*"):
        leftover.unlink(missing_ok=True)
    # Of a name of its own: after a failure MLflow would go on with the connection that it has to
    # the file of before.
    partial = state_folder() / f"mlflow.db-{uuid.uuid4().hex}.partial"
    try:
        MlflowClient(tracking_uri=f"sqlite:///{partial}").search_experiments(max_results=1)
        partial.replace(own_database())
    finally:
        partial.unlink(missing_ok=True)


def _alone() -> AbstractContextManager[None]:
    # A database on this machine is created by whoever comes first; a server does that for itself.
    return nullcontext() if is_server(tracking_uri()) else store_lock()
