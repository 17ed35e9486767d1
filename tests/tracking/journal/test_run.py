import json
import math
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from linreg.tracking.journal.events import read_events
from linreg.tracking.journal.open_run import Dataset, reopen_run, start_run
from linreg.tracking.journal.run import null_run
from linreg.tracking.journal.run_folder import RunFolder, run_folders

Python = Callable[[str], "subprocess.Popen[str]"]


def kinds(folder: RunFolder) -> list[str]:
    return [event.kind for event in read_events(folder.journal)]


def last_status(folder: RunFolder) -> str:
    *_, last = read_events(folder.journal)
    return str(last.values["status"])


def test_writing_a_journal_imports_neither_mlflow_nor_torch_nor_pandas() -> None:
    program = (
        "import sys, linreg.tracking.journal.open_run;"
        " print({'mlflow', 'torch', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


def test_every_event_is_a_line_of_json_with_sorted_keys(repository: Path) -> None:
    with start_run("linreg", "name", {"a": [1, 2]}, {"b": "c"}, [Dataset("d", "s", "h", 3)]) as run:
        run.log({"z": 1.0, "a": 0.1}, step=4)
        run.set_tags({"b": "ö"})
    lines = RunFolder(run.key).journal.read_text(encoding="utf-8").splitlines()
    for line in lines:
        assert line == json.dumps(json.loads(line), sort_keys=True, ensure_ascii=False)
    assert [json.loads(line)["event"] for line in lines] == ["start", "metrics", "tags", "end"]


@pytest.mark.parametrize("value", [0.1, 1e300, 5e-324, -0.0, math.inf, -math.inf, math.nan])
def test_every_float_is_read_as_it_was_logged(repository: Path, value: float) -> None:
    with start_run("linreg", "name", {}, {}) as run:
        run.log({"m": value}, step=0)
    point = next(
        event for event in read_events(RunFolder(run.key).journal) if event.kind == "metrics"
    )
    value_read = float(point.values["values"]["m"])
    assert math.copysign(1, value_read) == math.copysign(1, value)
    assert value_read == value or (math.isnan(value_read) and math.isnan(value))


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (None, "FINISHED"),
        (SystemExit(0), "FINISHED"),
        (SystemExit(2), "FAILED"),
        (ValueError(), "FAILED"),
        (KeyboardInterrupt(), "KILLED"),
    ],
)
def test_the_status_of_a_run_is_how_its_block_ended(
    repository: Path, error: BaseException | None, status: str
) -> None:
    run = start_run("linreg", "name", {}, {})
    with nullcontext() if error is None else pytest.raises(type(error)), run:
        if error:
            raise error
    assert last_status(RunFolder(run.key)) == status


WRITER = """
    import time
    from linreg.errors import one_line_errors
    from linreg.process.signals import interruptible
    from linreg.tracking.journal.open_run import start_run

    @one_line_errors
    def main():
        with start_run("linreg", "name", {}, {}) as run:
            run.log({"m": 1.0}, step=0)
            print(run.key, flush=True)
            time.sleep(60)

    with interruptible():
        main()
"""


def test_sigterm_ends_the_run_as_killed(repository: Path, python: Python) -> None:
    writer = python(WRITER)
    assert writer.stdout is not None
    folder = RunFolder(writer.stdout.readline().strip())
    assert folder.has_writer()
    writer.send_signal(signal.SIGTERM)
    assert writer.wait(10) == 128 + signal.SIGTERM
    assert last_status(folder) == "KILLED"
    assert not folder.has_writer()


def test_after_sigkill_the_journal_has_every_event_and_no_writer(
    repository: Path, python: Python
) -> None:
    writer = python(WRITER)
    assert writer.stdout is not None
    folder = RunFolder(writer.stdout.readline().strip())
    writer.kill()
    writer.wait(10)
    assert kinds(folder) == ["start", "metrics"]
    assert not folder.has_writer()


def test_a_truncated_last_record_is_skipped_and_does_not_spoil_the_next(repository: Path) -> None:
    run = start_run("linreg", "name", {}, {"model": "h"})
    run.close()
    folder = RunFolder(run.key)
    with folder.journal.open("ab") as file:
        file.write(b'{"event": "metrics", "ste')
    assert kinds(folder) == ["start"]
    assert folder.num_pending() == 1
    again = reopen_run("model", "h")
    assert again is not None
    with again:
        again.log({"m": 1.0}, step=0)
    assert kinds(folder) == ["start", "unreadable", "metrics", "end"]


def test_a_journal_truncated_in_its_first_record_is_no_run(repository: Path) -> None:
    run = start_run("linreg", "name", {}, {"model": "h"})
    run.close()
    journal = RunFolder(run.key).journal
    journal.write_bytes(journal.read_bytes()[:20])
    assert run_folders() == []
    assert reopen_run("model", "h") is None


def test_the_newest_run_with_a_tag_is_reopened(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = []
    for second, model in enumerate(["h", "h", "other"]):
        monkeypatch.setattr("time.time", lambda now=second: 1e9 + now)
        with start_run("linreg", "name", {}, {}) as run:
            run.set_tags({"model": model})
        keys.append(run.key)
    found = reopen_run("model", "h")
    assert found is not None
    assert found.key == keys[1]
    found.close()
    assert reopen_run("model", "unknown") is None


def test_a_run_is_found_by_the_last_value_of_its_tag(repository: Path) -> None:
    with start_run("linreg", "name", {}, {"model": "old"}) as run:
        run.set_tags({"model": "new"})
    assert reopen_run("model", "old") is None
    found = reopen_run("model", "new")
    assert found is not None
    found.close()


def test_a_logged_artifact_survives_the_deletion_of_the_original(
    repository: Path, tmp_path: Path
) -> None:
    original = tmp_path / "copy of an experiment" / "report"
    original.mkdir(parents=True)
    (original / "a.txt").write_text("before")
    with start_run("linreg", "name", {}, {}) as run:
        run.log_artifact(original)
        (original / "a.txt").write_text("after")
        run.log_artifact(original / "a.txt", "texts")
    (original / "a.txt").unlink()
    folder = RunFolder(run.key)
    paths = [
        folder.path / event.values["path"]
        for event in read_events(folder.journal)
        if event.kind == "artifact"
    ]
    assert [path.name for path in paths] == ["report", "a.txt"]
    assert (paths[0] / "a.txt").read_text() == "before"
    assert paths[1].read_text() == "after"


def test_a_null_run_writes_nothing(repository: Path) -> None:
    with null_run() as run:
        run.log({"m": 1.0}, step=0)
        run.log_model(repository)
        run.start_sender()
    assert list(repository.iterdir()) == []
