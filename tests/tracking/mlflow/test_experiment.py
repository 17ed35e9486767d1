"""An experiment is found or created, and one that takes no run is an error of one line."""

from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Experiment
from mlflow.exceptions import MlflowException

from linreg.errors import UserError
from linreg.tracking.mlflow.experiment import all_experiment_ids, experiment_id

LOCATION = "mlartifacts"


def test_an_experiment_is_created_once_with_its_artifacts_in_the_project(
    store: MlflowClient, repository: Path
) -> None:
    number = experiment_id(store, "new")
    assert experiment_id(store, "new") == number
    found = store.get_experiment(number)
    assert found.name == "new"
    assert found.artifact_location == (repository / LOCATION).as_uri()


class Late(MlflowClient):
    """A client that hears of an experiment only after it has tried to create it."""

    asked = 0

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        self.asked += 1
        return None if self.asked == 1 else super().get_experiment_by_name(name)


def test_an_experiment_that_another_process_has_just_created_is_used(
    store: MlflowClient, repository: Path
) -> None:
    number = experiment_id(store, "new")
    late = Late(tracking_uri=f"sqlite:///{repository}/mlflow.db")
    assert (experiment_id(late, "new"), late.asked) == (number, 2)


def test_an_experiment_that_cannot_be_created_is_an_error(store: MlflowClient) -> None:
    with pytest.raises(MlflowException, match="name"):
        experiment_id(store, "")


def test_a_deleted_experiment_is_an_error_that_says_how_to_restore_it(store: MlflowClient) -> None:
    number = experiment_id(store, "linreg")
    store.delete_experiment(number)
    with pytest.raises(UserError) as caught:
        experiment_id(store, "linreg")
    assert str(caught.value) == (
        "MLflow experiment linreg: was deleted, so that it takes no run; restore it with"
        f" `mlflow experiments restore -x {number}`, or choose another tracking.experiment in"
        " params.yaml for runs to come"
    )
    store.restore_experiment(number)
    assert experiment_id(store, "linreg") == number


def test_an_experiment_with_artifacts_in_a_folder_of_another_machine_is_refused(
    store: MlflowClient, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "shared by all"
    store.create_experiment("linreg", artifact_location=elsewhere.as_uri())
    with pytest.raises(UserError, match=r"in a folder that is not here; found .*shared by all"):
        experiment_id(store, "linreg")
    assert not elsewhere.exists()
    elsewhere.mkdir()
    assert experiment_id(store, "linreg")


def test_more_experiments_than_mlflow_lists_at_once_are_all_found(
    store: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("linreg.tracking.mlflow.experiment._MOST_PER_PAGE", 2)
    numbers = {experiment_id(store, name) for name in "abcde"}
    assert numbers <= set(all_experiment_ids(store))
