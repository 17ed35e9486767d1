"""The MLflow store: opened, and created on first use, by one process at a time."""

import uuid
from contextlib import AbstractContextManager, nullcontext

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode
from requests import RequestException
from sqlalchemy.exc import SQLAlchemyError

from linreg.errors import UserError
from linreg.tracking.place import (
    is_own_store,
    own_artifacts,
    own_database,
    tracking_uri,
    without_credentials,
)
from linreg.tracking.run_folder import state_folder, store_lock

TRACKING_ERRORS = (MlflowException, SQLAlchemyError, OSError, UserError)
"""What sending raises when the store, the network (requests' errors are OSErrors) or a file is at fault."""


def open_store() -> MlflowClient:
    """Return a client of the store that runs go to; creates this repository's own store if there is none yet.

    Raises one of TRACKING_ERRORS when the store does not answer.
    """
    with _alone():
        if is_own_store() and not own_database().exists():
            _create_own_database()
        client = MlflowClient(tracking_uri=tracking_uri(), registry_uri=tracking_uri())
        client.search_experiments(max_results=1)  # the client connects with its first call
        return client


def experiment_id(client: MlflowClient, name: str) -> str:
    """Return the id of the experiment, which is created if there is none of that name."""
    with _alone():
        if experiment := client.get_experiment_by_name(name):
            return str(experiment.experiment_id)
        # Somebody else's store knows best where its artifacts go.
        location = own_artifacts().as_uri() if is_own_store() else None
        try:
            return str(client.create_experiment(name, artifact_location=location))
        except MlflowException as error:
            experiment = client.get_experiment_by_name(name)
            if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS) or experiment is None:
                raise
            return str(experiment.experiment_id)


def reason(error: BaseException) -> str:
    """Return why sending failed, on one line and without credentials."""
    if isinstance(error.__context__, RequestException):
        return f"{without_credentials(tracking_uri())} does not answer"
    lines = str(error).strip().splitlines() or [type(error).__name__]
    text = without_credentials(lines[0])
    return text if len(text) <= 300 else f"{text[:300]}…"


def _create_own_database() -> None:
    """Create the database beside its place and move it there: killed half way, it is absent, not half."""
    for leftover in state_folder().glob("mlflow.db*.partial*"):
        leftover.unlink(missing_ok=True)
    # Of a name of its own: after a failure MLflow would go on with the connection that it has to the file of before.
    partial = state_folder() / f"mlflow.db-{uuid.uuid4().hex}.partial"
    try:
        MlflowClient(tracking_uri=f"sqlite:///{partial}").search_experiments(max_results=1)
        partial.replace(own_database())
    finally:
        partial.unlink(missing_ok=True)


def _alone() -> AbstractContextManager[None]:
    # A database on this machine is created by whoever comes first; a server does that for itself.
    return nullcontext() if tracking_uri().startswith(("http://", "https://")) else store_lock()
