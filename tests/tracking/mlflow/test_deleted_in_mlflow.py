"""What a person deletes, restores or renames in MLflow's pages stays as that person left it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import ViewType

from linreg.data.formula.design import Design
from linreg.tracking.journal.description import DESCRIPTION
from linreg.tracking.journal.open_run import reopen_run, start_run
from linreg.tracking.journal.run import Run
from linreg.tracking.journal.run_folder import RunFolder
from linreg.tracking.journal.sync_state import DELETED
from linreg.tracking.mlflow.sync import SyncResult, send_all
from linreg.tracking.runs import journal_runs
from tests.prediction.fitted import save_model

pytestmark = pytest.mark.filterwarnings("ignore:Operation with range is deprecated")
Send = Callable[[], SyncResult]


def a_run(**tags: str) -> Run:
    run = start_run("linreg", "my run", {}, tags)
    run.log({"m": 1.0}, step=0)
    return run


def run_id(run: Run) -> str:
    return RunFolder(run.key).sync_state().run_id


def num_runs(store: MlflowClient) -> int:
    """The number of runs in all experiments, deleted ones included."""
    experiments = [each.experiment_id for each in store.search_experiments(ViewType.ALL)]
    return len(store.search_runs(experiments, "", ViewType.ALL))


def experiment(store: MlflowClient) -> str:
    found = store.get_experiment_by_name("linreg")
    assert found is not None
    return str(found.experiment_id)


def test_a_run_in_a_renamed_experiment_is_found_there(store: MlflowClient, send: Send) -> None:
    with a_run() as run:
        pass
    send()
    store.rename_experiment(experiment(store), "archive")
    RunFolder(run.key).reset_sync_state()
    assert send().error == ""
    assert num_runs(store) == 1


def test_a_run_of_a_deleted_experiment_waits_until_it_is_restored(
    store: MlflowClient, send: Send
) -> None:
    with a_run():
        pass
    send()
    number = experiment(store)
    store.delete_experiment(number)
    with a_run() as run:
        pass
    result = send()
    assert f"mlflow experiments restore -x {number}" in result.error
    assert RunFolder(run.key).num_pending() == 3
    store.restore_experiment(number)
    assert send() == SyncResult(num_points=1)
    assert num_runs(store) == 2


def test_a_run_of_an_experiment_that_is_gone_for_good_gets_a_new_one(
    store: MlflowClient, send: Send
) -> None:
    with a_run():
        pass
    send()
    number = experiment(store)
    store.delete_experiment(number)
    gc(store)
    with a_run() as run:
        pass
    assert send_all([RunFolder(run.key)]) == SyncResult(num_points=1)
    assert num_runs(store) == 1


def gc(store: MlflowClient) -> None:
    """Remove what was deleted for good, as `mlflow gc` does."""
    tracking = store._tracking_client.store
    for each in store.search_experiments(ViewType.DELETED_ONLY):
        tracking._hard_delete_experiment(each.experiment_id)
    experiments = [each.experiment_id for each in store.search_experiments(ViewType.ALL)]
    for run in store.search_runs(experiments, "", ViewType.DELETED_ONLY):
        tracking._hard_delete_run(run.info.run_id)


def test_a_deleted_run_gets_nothing_more_and_does_not_come_back(
    store: MlflowClient, send: Send
) -> None:
    run = a_run()
    send()
    store.delete_run(run_id(run))
    run.log({"m": 2.0}, step=1)
    run.end("FINISHED")
    run.close()
    folder = RunFolder(run.key)
    for _ in range(2):
        assert send() == SyncResult()
        assert folder.is_synced()
        folder.reset_sync_state()
        gc(store)
    assert num_runs(store) == 0
    (known,) = journal_runs()
    assert known.status == DELETED


def test_a_restored_run_gets_what_it_has_missed(store: MlflowClient, send: Send) -> None:
    run = a_run()
    send()
    number = run_id(run)
    store.delete_run(number)
    run.log({"m": 2.0}, step=1)
    run.end("FINISHED")
    run.close()
    send()
    store.restore_run(number)
    assert send() == SyncResult(num_points=1)
    assert len(store.get_metric_history(number, "m")) == 2
    assert store.get_run(number).info.status == "FINISHED"
    assert RunFolder(run.key).is_synced()
    assert not RunFolder(run.key).is_deleted()


def test_a_run_that_was_restored_with_nothing_missing_is_complete_again(
    store: MlflowClient, send: Send
) -> None:
    with a_run() as run:
        pass
    send()
    store.delete_run(run_id(run))
    send()
    store.restore_run(run_id(run))
    assert send() == SyncResult()
    assert RunFolder(run.key).is_synced()
    assert not RunFolder(run.key).is_deleted()


def test_a_stage_does_not_add_to_a_run_that_was_deleted(store: MlflowClient, send: Send) -> None:
    with a_run(model="h") as run:
        pass
    send()
    store.delete_run(run_id(run))
    send()
    assert reopen_run("model", "h") is None


def test_a_deleted_model_does_not_hold_up_its_run(
    store: MlflowClient, send: Send, tmp_path: Path, learn: Callable[..., Design]
) -> None:
    save_model(tmp_path / "trained", learn, "y ~ x + z")
    run = a_run()
    run.log_model(tmp_path / "trained")
    send()
    (model,) = store.search_logged_models([experiment(store)])
    store.delete_logged_model(model.model_id)
    run.log({"m": 2.0}, step=1)
    run.set_tags({DESCRIPTION: "what it was"})
    run.end("FINISHED")
    run.close()
    assert send() == SyncResult(num_points=1)
    assert store.get_run(run_id(run)).data.tags[DESCRIPTION] == "what it was"
    assert store.search_logged_models([experiment(store)]) == []
