from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun

from linreg.errors import UserError
from linreg.tracking.journal.open_run import start_run
from linreg.tracking.mlflow import search
from linreg.tracking.mlflow.search import fetch_artifact, find_runs, mlflow_curves, search_runs
from linreg.tracking.mlflow.sync import SyncResult

Made = Callable[..., str]


@pytest.fixture
def made(store: MlflowClient) -> Made:
    """Creates a run in MLflow; returns its id."""
    experiments = {name: store.create_experiment(name) for name in ("one", "other")}

    def made(started: int, experiment: str = "one", **tags: str) -> str:
        run = store.create_run(experiments[experiment], started, tags, f"run {started}")
        return str(run.info.run_id)

    return made


def test_all_runs_of_all_experiments_are_found_newest_first(made: Made) -> None:
    ids = [made(20, "other"), made(30), made(10)]
    found = search_runs()
    assert [(run.run_id, run.started, run.name) for run in found] == [
        (ids[1], 30, "run 30"),
        (ids[0], 20, "run 20"),
        (ids[2], 10, "run 10"),
    ]


def test_a_run_has_its_key_status_tags_and_parameters(store: MlflowClient, made: Made) -> None:
    run_id = made(2, **{"linreg.run": "abc", "data/split": "h"})
    store.log_param(run_id, "train.lr", 0.1)
    store.set_terminated(run_id, "FAILED")
    of_another_origin = made(1)
    run, other = search_runs()
    assert (run.key, run.status, run.tags["data/split"]) == ("abc", "FAILED", "h")
    assert run.parameters == {"train.lr": "0.1"}
    assert (other.run_id, other.key) == (of_another_origin, "")


def test_a_run_with_one_of_several_tags_is_found_once(made: Made) -> None:
    both, one, _ = made(3, a="1", b="2"), made(2, b="2"), made(1, a="2", b="1")
    assert [run.run_id for run in search_runs({"a": "1", "b": "2"})] == [both, one]
    assert search_runs({"a": "3"}) == []
    assert search_runs({}) == []


def test_runs_are_found_by_the_beginning_of_their_id_or_key(made: Made) -> None:
    first, second = made(2, **{"linreg.run": "zz1"}), made(1, **{"linreg.run": "zz2"})
    assert [run.run_id for run in find_runs("zz")] == [first, second]
    assert [run.run_id for run in find_runs("zz2")] == [second]
    assert [run.run_id for run in find_runs(second[:20])] == [second]
    assert [run.run_id for run in find_runs(first)] == [first]
    assert find_runs("z'z") == []


def test_more_runs_than_a_page_holds_are_found(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_RUNS_PER_PAGE", 2)
    for started in range(1, 6):
        made(started)
    assert [run.started for run in search_runs()] == [5, 4, 3, 2, 1]


def test_curves_are_in_the_order_of_the_steps_under_the_names_that_were_asked_for(
    store: MlflowClient, made: Made
) -> None:
    run_id = made(1)
    for step, value in ((10, 0.5), (2, 1.5)):
        store.log_metric(run_id, "loss/train", value, step=step)
        store.log_metric(run_id, "test_r2", -value, step=step)
    # As the first runs of linreg 0.1 have it.
    store.log_metric(run_id, "gap", 0.25, step=2)
    assert mlflow_curves(run_id, ["train_mse", "gap"]) == [
        (2, {"train_mse": 1.5, "gap": 0.25}),
        (10, {"train_mse": 0.5}),
    ]


def test_an_artifact_is_downloaded_and_one_that_is_missing_is_an_error(
    send: Callable[[], SyncResult],
    store: MlflowClient,
    tmp_path: Path,
    sent_run: Callable[..., MlflowRun],
) -> None:
    Path("evaluation").mkdir()
    Path("evaluation/gates.json").write_text("{}")
    with start_run("linreg", "name", {}, {}) as run:
        run.log_artifact(Path("evaluation"))
    send()
    (found,) = search_runs()
    artifact = fetch_artifact(found, "evaluation", tmp_path)
    assert (artifact / "gates.json").read_text() == "{}"
    assert artifact.is_relative_to(tmp_path)
    with pytest.raises(UserError) as caught:
        fetch_artifact(found, "report", tmp_path)
    expected = f"run {found.run_id}: has no artifact report; found a run that is FINISHED"
    assert str(caught.value) == expected


def test_where_there_is_no_store_there_is_no_run_and_none_is_created(repository: Path) -> None:
    assert search_runs() == []
    assert list(repository.iterdir()) == []


def test_a_store_that_does_not_answer_is_an_error_with_a_remedy(
    repository: Path,
    store: MlflowClient,
    tmp_path: Path,
    made: Made,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made(1)
    (run,) = search_runs()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    for ask in (
        search_runs,
        lambda: find_runs("a"),
        lambda: mlflow_curves(run.run_id, ["b"]),
        lambda: fetch_artifact(run, "a", tmp_path),
    ):
        with pytest.raises(UserError) as caught:
            ask()
        assert str(caught.value) == (
            "MLflow: cannot be searched for runs; found http://127.0.0.1:9 does not answer;"
            " start the server, or name another store in MLFLOW_TRACKING_URI"
        )


def test_a_store_of_ones_own_is_searched_without_a_local_database(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(UserError, match="does not answer"):
        search_runs()
