import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun

from linreg.data.formula.design import Design
from linreg.tracking.journal.chart_names import chart_name
from linreg.tracking.journal.events import read_events
from linreg.tracking.journal.open_run import Dataset, reopen_run, start_run
from linreg.tracking.journal.run import Run
from linreg.tracking.journal.run_folder import RunFolder
from linreg.tracking.journal.sync_state import SyncState
from linreg.tracking.mlflow.sync import SyncResult
from tests.prediction.fitted import save_model

Send = Callable[[], SyncResult]
SentRun = Callable[..., MlflowRun]
Point = tuple[str, int, int, float]


def journaled_points(key: str) -> list[Point]:
    return sorted(
        (chart_name(name), event.values["step"], event.time, float(value))
        for event in read_events(RunFolder(key).journal)
        if event.kind == "metrics"
        for name, value in event.values["values"].items()
    )


def points(client: MlflowClient, run: MlflowRun) -> list[Point]:
    return sorted(
        (name, point.step, point.timestamp, point.value)
        for name in run.data.metrics
        for point in client.get_metric_history(run.info.run_id, name)
    )


def make_run(num_steps: int = 3, **tags: str) -> Run:
    run = start_run("linreg", "my run", {"train.lr": 0.1}, tags)
    for step in range(num_steps):
        run.log({"train_mse": 1 / (step + 1), "lr": 0.1}, step)
    return run


def test_everything_that_a_run_logs_is_in_mlflow(
    store: MlflowClient, send: Send, sent_run: SentRun
) -> None:
    table = Dataset(
        "train rows", "data/split/train", "0" * 32 + ".dir", 700, "training", {"x": "double"}
    )
    parameters = {
        "train.lr": 0.01,
        "theta": [2.0, -3.4],
        "model.formula": "y ~ x",
        "flag": False,
        "none": None,
    }
    Path("report.txt").write_text("good")
    folder = Path("figures")
    folder.mkdir()
    (folder / "fit.svg").write_text("<svg/>")
    with start_run("linreg", "my run", parameters, {"git.commit": "c0ffee"}, [table]) as run:
        run.log({"mse": 0.5, "theta.I(x**2)": 1.0}, step=7)
        run.set_tags({"θ": "2.0"})
        run.log_artifact(Path("report.txt"), "evaluation")
        run.log_artifact(folder)
    assert send() == SyncResult(num_points=2)

    seen = sent_run(run.key)
    assert seen.info.run_name == "my run"
    assert seen.info.status == "FINISHED"
    (start, *_, end) = read_events(RunFolder(run.key).journal)
    assert (seen.info.start_time, seen.info.end_time) == (start.time, end.time)
    assert seen.data.params == {
        "train.lr": "0.01",
        "theta": "[2.0, -3.4]",
        "model.formula": "y ~ x",
        "flag": "false",
        "none": "null",
    }
    assert seen.data.tags["git.commit"] == seen.data.tags["mlflow.source.git.commit"] == "c0ffee"
    assert seen.data.tags["θ"] == "2.0"
    when = points(store, seen)[0][2]
    assert points(store, seen) == [("model/theta.I_x__2_", 7, when, 1.0), ("mse", 7, when, 0.5)]
    assert seen.inputs is not None
    (given,) = seen.inputs.dataset_inputs
    assert (given.dataset.name, given.dataset.digest) == ("train rows", "0" * 32 + ".dir")
    assert json.loads(given.dataset.source) == {"uri": "data/split/train"}
    assert json.loads(given.dataset.profile or "") == {"num_rows": 700}
    assert [(tag.key, tag.value) for tag in given.tags] == [("mlflow.data.context", "training")]
    artifact = store.download_artifacts(seen.info.run_id, "evaluation/report.txt")
    assert Path(artifact).read_text() == "good"
    assert [file.path for file in store.list_artifacts(seen.info.run_id, "figures")] == [
        "figures/fit.svg"
    ]


def test_artifacts_are_stored_in_the_project_and_nowhere_else(
    repository: Path,
    store: MlflowClient,
    send: Send,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    copy = tmp_path / "copy of an experiment"
    copy.mkdir()
    monkeypatch.chdir(copy)
    with make_run() as run:
        run.log_artifact(repository / "mlflow.db")
    send()
    assert list(copy.iterdir()) == []
    assert {path.name for path in repository.iterdir()} == {".linreg", "mlflow.db", "mlartifacts"}


@pytest.mark.parametrize("num_points", [1, 1000, 1001, 2500])
def test_every_point_arrives_with_its_own_timestamp(
    store: MlflowClient, send: Send, sent_run: SentRun, num_points: int
) -> None:
    with start_run("linreg", "many", {}, {}) as run:
        for step in range(num_points):
            run.log({"m": step / 7}, step)
    assert send().num_points == num_points
    assert points(store, sent_run(run.key)) == journaled_points(run.key)


@pytest.mark.very_slow
def test_more_values_in_one_event_than_mlflow_takes_in_one_request(
    store: MlflowClient, send: Send, sent_run: SentRun
) -> None:
    many = {f"n{i:04}": i for i in range(1100)}
    texts = {f"n{i:04}": str(i) for i in range(210)}
    with start_run("linreg", "wide", texts, texts) as run:
        run.log(many, step=0)
    assert send() == SyncResult(num_points=1100)
    seen = sent_run(run.key)
    assert points(store, seen) == journaled_points(run.key)
    assert seen.data.params == texts
    assert texts.items() <= seen.data.tags.items()


def test_nan_and_infinity_are_shown(store: MlflowClient, send: Send, sent_run: SentRun) -> None:
    with start_run("linreg", "diverged", {}, {}) as run:
        run.log({"nan": math.nan, "inf": math.inf, "minus": -math.inf}, step=0)
    send()
    seen = sent_run(run.key).data.metrics
    assert math.isnan(seen["nan"])
    # SQLite holds the largest floats in place of infinity.
    assert seen["inf"] > 1e308 > -1e308 > seen["minus"]


def test_a_text_that_is_too_long_is_truncated_visibly(
    store: MlflowClient, send: Send, sent_run: SentRun
) -> None:
    with start_run(
        "linreg", "long", {"p": "x" * 6001, "fits": "x" * 6000}, {"t": "y" * 9000}
    ) as run:
        pass
    assert send() == SyncResult()
    seen = sent_run(run.key)
    assert len(seen.data.params["p"]) == 6000
    assert seen.data.params["p"].endswith("x… (6001 characters)")
    assert seen.data.params["fits"] == "x" * 6000
    assert seen.data.tags["t"].endswith("y… (9000 characters)")


def test_sending_again_from_the_beginning_adds_nothing(
    store: MlflowClient, send: Send, sent_run: SentRun
) -> None:
    with make_run(50) as run:
        run.log({"nan": math.nan}, step=3)
        run.log_artifact(Path("mlflow.db"))
    send()
    before = sent_run(run.key)
    before_points = points(store, before)
    for _ in range(2):
        RunFolder(run.key).reset_sync_state()
        send()
    after = sent_run(run.key)
    # Compared as text, since NaN is not equal to itself.
    assert str(points(store, after)) == str(before_points)
    assert len(before_points) == 101
    assert after.to_dictionary() == before.to_dictionary() or math.isnan(
        after.data.metrics.pop("nan")
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Operation with range is deprecated")
def test_sending_the_metrics_of_a_model_again_adds_nothing(
    store: MlflowClient, send: Send, sent_run: SentRun, tmp_path: Path, learn: Callable[..., Design]
) -> None:
    save_model(tmp_path / "trained", learn, "y ~ x + z")
    with start_run("linreg", "my run", {}, {}) as run:
        run.log_model(tmp_path / "trained")
        for step in range(50):
            run.log({f"{name}{step}": 1 / (step + 1) for name in "abcde"}, step)
    for _ in range(2):
        assert send() == SyncResult(num_points=250)
        assert points(store, sent_run(run.key)) == journaled_points(run.key)
        RunFolder(run.key).reset_sync_state()


def test_a_sender_killed_at_any_write_of_its_state_leaves_every_point_once(
    store: MlflowClient, send: Send, sent_run: SentRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    with make_run(20, model="h") as run:
        run.log_artifact(Path("mlflow.db"))
        run.set_tags({"a": "b"})

    class Killed(BaseException):
        pass

    write_sync_state = RunFolder.write_sync_state
    for survived in range(12):
        remaining = iter(range(survived))

        def die(folder: RunFolder, state: SyncState, remaining: "iter[int]" = remaining) -> None:  # type: ignore[valid-type]
            if next(remaining, None) is None:
                raise Killed
            write_sync_state(folder, state)

        with monkeypatch.context() as patch:
            patch.setattr(RunFolder, "write_sync_state", die)
            RunFolder(run.key).reset_sync_state()
            try:
                send()
            except Killed:
                continue
            break
    else:
        pytest.fail("the sender writes its state more often than this test kills it")
    send()
    assert points(store, sent_run(run.key)) == journaled_points(run.key)
    assert sent_run(run.key).info.status == "FINISHED"


def test_only_new_events_are_sent(store: MlflowClient, send: Send, sent_run: SentRun) -> None:
    run = make_run(3)
    assert send().num_points == 6
    assert sent_run(run.key).info.status == "RUNNING"
    run.log({"train_mse": 0.0}, step=3)
    assert send().num_points == 1
    run.end("FAILED")
    assert send().num_points == 0
    run.close()
    assert sent_run(run.key).info.status == "FAILED"


def test_a_run_whose_writer_died_is_killed_until_it_is_resumed(
    store: MlflowClient, send: Send, sent_run: SentRun
) -> None:
    run = make_run(3, checkpoint="c")
    run.close()
    send()
    *_, last = read_events(RunFolder(run.key).journal)
    killed = sent_run(run.key).info
    assert (killed.status, killed.end_time) == ("KILLED", last.time)

    resumed = reopen_run("checkpoint", "c")
    assert resumed is not None
    resumed.log({"train_mse": 0.0}, step=3)
    send()
    assert sent_run(run.key).info.status == "RUNNING"
    with resumed:
        pass
    send()
    *_, last = read_events(RunFolder(run.key).journal)
    finished = sent_run(run.key).info
    assert (finished.status, finished.end_time) == ("FINISHED", last.time)


def test_a_later_stage_adds_to_a_finished_run_without_prolonging_it(
    store: MlflowClient, send: Send, sent_run: SentRun
) -> None:
    with make_run(3, model="h") as run:
        pass
    send()
    finished = sent_run(run.key).info
    again = reopen_run("model", "h")
    assert again is not None
    again.log({"test_mse": 0.25}, step=3)
    with pytest.raises(ValueError, match="gate"), again:
        raise ValueError("a gate failed")
    send()
    seen = sent_run(run.key)
    assert seen.data.metrics["test_mse"] == 0.25
    assert (seen.info.status, seen.info.end_time) == ("FAILED", finished.end_time)


def test_a_truncated_record_is_skipped_with_a_warning(
    store: MlflowClient, send: Send, sent_run: SentRun, caplog: pytest.LogCaptureFixture
) -> None:
    run = make_run(1, model="h")
    run.close()
    with RunFolder(run.key).journal.open("ab") as file:
        file.write(b'{"event": "metr')
    again = reopen_run("model", "h")
    assert again is not None
    with again:
        again.log({"train_mse": 0.0}, step=1)
    assert send() == SyncResult(num_points=3)
    assert "is damaged" in caplog.text
    assert RunFolder(run.key).is_synced()


def test_a_run_deleted_in_mlflow_stays_deleted(
    store: MlflowClient, send: Send, sent_run: SentRun, caplog: pytest.LogCaptureFixture
) -> None:
    run = make_run(3)
    send()
    store.delete_run(sent_run(run.key).info.run_id)
    run.end("FINISHED")
    run.close()
    assert send() == SyncResult()
    assert "deleted" in caplog.text
    assert RunFolder(run.key).is_synced()


def test_a_store_that_was_lost_is_filled_again(
    repository: Path,
    store: MlflowClient,
    send: Send,
    empty_database: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with make_run(3) as run:
        pass
    send()
    folder = RunFolder(run.key)
    assert folder.is_synced()
    (repository / "mlflow.db").unlink()
    assert folder.num_pending() == 5
    other = repository / "other.db"
    shutil.copyfile(empty_database, other)
    shutil.copyfile(empty_database, repository / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{other}")
    assert folder.num_pending() == 5
    assert send().num_points == 6
    assert folder.is_synced()


def test_a_run_that_cannot_be_sent_does_not_hold_up_the_next(
    store: MlflowClient, send: Send, sent_run: SentRun
) -> None:
    runs = [make_run(2), make_run(2)]
    bad, good = sorted(runs, key=lambda run: run.key)
    Path("model").mkdir()
    Path("model/model.json").write_text("{")
    bad.log_model(Path("model"))
    for run in runs:
        run.end("FINISHED")
        run.close()
    result = send()
    assert "model.json: is damaged" in result.error
    assert "\n" not in result.error
    assert RunFolder(bad.key).sync_state().last_error == result.error
    assert sent_run(good.key).info.status == "FINISHED"
    assert not RunFolder(bad.key).is_synced()


def test_a_damaged_or_missing_copy_is_left_out_with_a_warning(
    store: MlflowClient, send: Send, sent_run: SentRun, caplog: pytest.LogCaptureFixture
) -> None:
    with make_run(1) as run:
        for name in ("a.txt", "b.txt", "c.txt"):
            Path(name).write_text("1")
            run.log_artifact(Path(name))
        run.log({"last": 1.0}, step=9)
    (a,), (b,) = (RunFolder(run.key).path.glob(f"files/*/{name}") for name in ("a.txt", "b.txt"))
    a.write_text("2")
    b.unlink()
    assert send().error == ""
    seen = sent_run(run.key)
    assert [file.path for file in store.list_artifacts(seen.info.run_id)] == ["c.txt"]
    assert (seen.info.status, seen.data.metrics["last"]) == ("FINISHED", 1.0)
    assert f"{a} is damaged; it is left out" in caplog.text
    assert f"{b} is gone; it is left out" in caplog.text
    assert seen.data.tags["linreg.left_out"] == f"{b} is gone"


def test_a_flipped_bit_never_changes_a_point(repository: Path) -> None:
    with make_run(1) as run:
        pass
    journal = RunFolder(run.key).journal
    content = journal.read_bytes()
    start, point, end = read_events(journal)
    assert (start.kind, point.kind, end.kind) == ("start", "metrics", "end")
    num_unreadable = 0
    for position in range(start.offset, point.offset - 1):
        for bit in range(8):
            flipped = bytes([content[position] ^ 1 << bit])
            journal.write_bytes(content[:position] + flipped + content[position + 1 :])
            first, *middle, last = read_events(journal)
            assert (first, last.values) == (start, end.values)
            # An event stays readable where the flip has changed the key of its checksum.
            known = [each for each in middle if each.kind != "unreadable"]
            assert all(
                point.values.items() <= each.values.items() and each.time == point.time
                for each in known
            )
            num_unreadable += not known
    assert num_unreadable > 0.8 * 8 * (point.offset - 1 - start.offset)


def test_credentials_of_the_store_are_never_written(
    repository: Path, send: Send, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")
    with make_run(1) as run:
        pass
    result = send()
    assert "127.0.0.1" in result.error
    assert "secret" not in result.error + caplog.text
    for file in RunFolder(run.key).path.iterdir():
        assert "secret" not in file.read_text()
