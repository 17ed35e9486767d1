from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from linreg.tracking.journal.open_run import start_run
from linreg.tracking.journal.run_folder import RunFolder
from linreg.tracking.journal.sync_state import SyncState
from linreg.tracking.runs import KnownRun, journal_curves, journal_runs, newest_first

HASHES = {"models/model": "m", "data/split": "s", "data/ingested/schema.json": "i"}


def known(key: str = "key", run_id: str = "", started: int = 0) -> KnownRun:
    return KnownRun(key, run_id, "name", started, "FINISHED", {}, {})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every event happens a second after the last one."""
    seconds = iter(range(1000))
    monkeypatch.setattr("time.time", lambda: 1.0e9 + next(seconds))
    yield
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("tags", "produced"),
    [
        (HASHES, "the model"),
        ({"models/model": "m"}, "the model"),
        (HASHES | {"models/model": "another"}, "only the data"),
        (HASHES | {"models/model": "another", "data/split": "another"}, ""),
        ({"data/split": "s"}, ""),
        ({}, ""),
    ],
)
def test_a_run_has_produced_the_outputs_whose_md5s_it_carries(
    tags: dict[str, str], produced: str
) -> None:
    assert replace(known(), tags=tags).produced(HASHES) == produced


def test_an_output_without_an_md5_was_produced_by_no_run() -> None:
    assert replace(known(), tags=HASHES).produced({}) == ""
    assert known().produced({}) == ""


def test_a_run_is_called_by_its_id_in_mlflow_or_else_by_its_key() -> None:
    assert known("k", "id").label == "run id"
    assert known("k").label == "run k"


def test_runs_are_sorted_by_start_newest_first_then_by_key_and_id() -> None:
    runs = [known("b", "1", 5), known("a", "2", 5), known("a", "1", 5), known("c", "", 9)]
    assert newest_first([*runs, known("d", "", -1)]) == [
        runs[3],
        runs[2],
        runs[1],
        runs[0],
        known("d", "", -1),
    ]


def test_a_run_is_known_by_what_its_journal_says(
    repository: Path, clock: None, tmp_path: Path
) -> None:
    for name in ("trained", "evaluation", "report"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    with start_run("linreg", "my run", {"train.lr": 0.1}, {"a": "1", "b": "1"}) as run:
        run.set_tags({"b": "2"})
        run.log_model(tmp_path / "trained")
        run.log_artifact(tmp_path / "evaluation")
        run.log_artifact(tmp_path / "report")
    folder = RunFolder(run.key)
    (repository / "mlflow.db").touch()
    folder.write_sync_state(SyncState(f"sqlite:///{repository}/mlflow.db", "id", status="FAILED"))
    (found,) = journal_runs()
    assert (found.key, found.run_id, found.name) == (run.key, "id", "my run")
    assert (found.started, found.status) == (1_000_000_000_000, "FINISHED")
    assert (found.tags, found.parameters) == ({"a": "1", "b": "2"}, {"train.lr": 0.1})
    assert found.model is not None
    assert found.evaluation is not None
    assert (found.model / "file").read_text() == "trained"
    assert (found.evaluation / "file").read_text() == "evaluation"


def test_copies_that_are_gone_or_no_folders_are_not_known(repository: Path) -> None:
    file = repository / "evaluation"
    file.write_text("a file")
    with start_run("linreg", "name", {}, {}) as run:
        run.log_artifact(file)
        run.append("model", {"path": "files/gone", "name": "model"})
    (found,) = journal_runs()
    assert (found.model, found.evaluation) == (None, None)


def test_a_folder_named_model_among_the_artifacts_is_not_the_model(repository: Path) -> None:
    folder = repository / "tables"
    folder.mkdir()
    (folder / "file").touch()
    with start_run("linreg", "name", {}, {}) as run:
        run.log_artifact(folder)
    (found,) = journal_runs()
    assert (found.model, found.evaluation) == (None, None)


def test_a_run_without_an_end_is_running_while_it_is_written_and_then_was_killed(
    repository: Path,
) -> None:
    run = start_run("linreg", "name", {}, {})
    assert [each.status for each in journal_runs()] == ["RUNNING"]
    run.close()
    assert [each.status for each in journal_runs()] == ["KILLED"]


def test_a_run_that_failed_while_its_writer_lives_has_failed(repository: Path) -> None:
    run = start_run("linreg", "name", {}, {})
    run.end("FAILED")
    assert [each.status for each in journal_runs()] == ["FAILED"]
    run.close()
    assert [each.status for each in journal_runs()] == ["FAILED"]


def test_journals_are_listed_newest_first_and_by_their_md5s(repository: Path, clock: None) -> None:
    keys = []
    for md5 in ("ab", "cd", "ef"):
        with start_run("linreg", "name", {}, {"models/model": md5}) as run:
            keys.append(run.key)
    assert [run.key for run in journal_runs()] == keys[::-1]
    assert [run.key for run in journal_runs(["cd", "ab"])] == [keys[1], keys[0]]
    assert [run.key for run in journal_runs(["c"])] == []
    assert journal_runs([]) == []


def test_curves_hold_the_values_of_each_step_in_the_order_of_the_steps(repository: Path) -> None:
    with start_run("linreg", "name", {}, {}) as run:
        run.log({"m": 1.0}, step=10)
        run.log({"m": 0.5, "n": float("inf")}, step=9)
        run.log({"n": 2.0}, step=10)
        run.set_tags({"a": "b"})
    assert journal_curves(run.key) == [
        (9, {"m": 0.5, "n": float("inf")}),
        (10, {"m": 1.0, "n": 2.0}),
    ]
