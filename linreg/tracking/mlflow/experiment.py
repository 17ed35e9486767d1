"""The MLflow experiment that runs are sent to: found by its name, or created."""

from mlflow import MlflowClient
from mlflow.entities import Experiment, ViewType
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode

from linreg.errors import UserError
from linreg.tracking.journal.store_location import (
    is_database,
    local_artifacts,
    project_root,
    tracking_uri,
)
from linreg.tracking.mlflow.moved_store import local_folder
from linreg.tracking.mlflow.store import creation_lock

_MOST_PER_PAGE = 1000
OTHER_EXPERIMENT = "choose another tracking.experiment in params.yaml for runs to come"


class DeletedExperimentError(UserError):
    """The experiment was deleted in MLflow, which gives its name to no other."""


def experiment_id(client: MlflowClient, name: str) -> str:
    """Return the id of the experiment, which is created if there is none of that name.

    Raises UserError where no run can be sent to it: it was deleted, or its artifacts are in a
    folder of another machine.
    """
    with creation_lock():
        found = client.get_experiment_by_name(name) or _create(client, name)
    _check_active(found)
    _check_artifacts(found)
    return str(found.experiment_id)


def all_experiment_ids(client: MlflowClient, view: int = ViewType.ACTIVE_ONLY) -> list[str]:
    """Return the ids of all experiments, or of the deleted ones too."""
    ids: list[str] = []
    token: str | None = None
    while True:
        page = client.search_experiments(view, _MOST_PER_PAGE, page_token=token)
        ids += [str(each.experiment_id) for each in page]
        token = page.token
        if not token:
            return ids


def _create(client: MlflowClient, name: str) -> Experiment:
    # A server knows where its artifacts go. Those of a database would go to a folder where the
    # command runs, which may be a copy of the project that DVC deletes.
    location = local_artifacts().as_uri() if is_database(tracking_uri()) else None
    try:
        return client.get_experiment(client.create_experiment(name, artifact_location=location))
    except MlflowException as error:
        experiment = client.get_experiment_by_name(name)
        if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS) or experiment is None:
            raise
        return experiment


def _check_active(experiment: Experiment) -> None:
    if experiment.lifecycle_stage == "deleted":
        raise DeletedExperimentError(
            f"MLflow experiment {experiment.name}",
            "was deleted, so that it takes no run",
            todo=f"restore it with `mlflow experiments restore -x {experiment.experiment_id}`, or"
            f" {OTHER_EXPERIMENT}",
        )


def _check_artifacts(experiment: Experiment) -> None:
    """Refuse an experiment whose artifacts would go to a folder that only another machine has."""
    folder = local_folder(experiment.artifact_location)
    if not is_database(tracking_uri()) or folder is None:
        return
    if not folder.is_dir() and not folder.is_relative_to(project_root()):
        raise UserError(
            f"MLflow experiment {experiment.name}",
            "keeps its artifacts in a folder that is not here",
            found=folder,
            todo=f"have several machines share an MLflow server, or {OTHER_EXPERIMENT}",
        )
