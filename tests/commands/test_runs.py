import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from linreg.commands.runs import run_table
from linreg.dvc_lock import locked_hashes
from linreg.errors import UserError
from linreg.lineage.run_lookup import find_all_runs, find_runs_by_hash
from linreg.tracking.journal.open_run import start_run
from linreg.tracking.journal.run_folder import RunFolder
from linreg.tracking.journal.sync_state import SyncState
from linreg.tracking.runs import OUTPUTS, journal_curves, journal_runs
from tests.fork_server import ROOT, forking

SPLIT, MODEL, ANOTHER_MODEL = (digits * 16 + ".dir" for digits in ("5d", "3d", "4d"))
SCHEMA = "5c" * 16
LOCK = f"""
schema: '2.0'
stages:
  split:
    cmd: python -m stages.split
    outs:
    - {{path: data/split, md5: {SPLIT}, size: 1, nfiles: 1}}
  train:
    cmd: python -m stages.train
    deps:
    - {{path: data/ingested/schema.json, md5: {SCHEMA}, size: 1}}
    - {{path: data/split, md5: {"6d" * 16}.dir, size: 1, nfiles: 1}}
    outs:
    - {{path: models/model, md5: {MODEL}, size: 1, nfiles: 1}}
    - {{path: models/training, md5: {"77" * 16}.dir, size: 1, nfiles: 1}}
"""
DATA = {"data/split": SPLIT, "data/ingested/schema.json": SCHEMA}
HASHES = DATA | {"models/model": MODEL}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dvc.lock").write_text(LOCK)
    return tmp_path


def linreg(*arguments: str) -> tuple[int, str, str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = ["python", "-m", "linreg", *arguments]
    done = subprocess.run(command, env=forking(environment), capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def a_run(name: str, tags: Mapping[str, str], *, later: Mapping[str, str] | None = None) -> str:
    with start_run("linreg", name, {"train.lr": 0.01}, tags) as run:
        run.log({"b": 4.25}, step=1)
        if later:
            run.set_tags(later)
    # The next one is newer.
    time.sleep(0.002)
    return run.key


def test_runs_are_found_by_the_hashes_of_their_outputs_the_newest_first(repository: Path) -> None:
    code = {"git.commit": "c0ffee" * 6, "git.dirty": "true", "dvc.experiment": "fast-one"}
    first = a_run("first", DATA, later={"models/model": MODEL})
    a_run("another model of another split", {"data/split": "6d.dir", "models/model": ANOTHER_MODEL})
    second = a_run("second", DATA | code, later={"models/model": ANOTHER_MODEL})
    a_run("the split with another schema", DATA | {"data/ingested/schema.json": "6c"})
    third = a_run("third", {"models/model": MODEL})
    found = find_runs_by_hash(locked_hashes(repository / "dvc.lock", OUTPUTS))
    assert [run.key for run in found] == [third, second, first]
    assert [run.produced(HASHES) for run in found] == ["the model", "only the data", "the model"]
    header, *lines = run_table(found, HASHES)
    assert header.split() == [
        "run",
        "key",
        "name",
        "started",
        "status",
        "commit",
        "experiment",
        "produced",
    ]
    assert lines[1].startswith(f"not sent yet  {second[:8]}  second  {time.strftime('%Y-')}")
    assert lines[1].endswith("FINISHED  c0ffeec0ff dirty  fast-one    only the data")
    assert len(find_all_runs()) == 5


def test_the_first_column_is_the_id_in_mlflow(repository: Path) -> None:
    key = a_run("sent", HASHES)
    # Without it, nothing has been sent to the store that is used now.
    (repository / "mlflow.db").touch()
    RunFolder(key).write_sync_state(SyncState(f"sqlite:///{repository}/mlflow.db", "deadbeef"))
    code, out, err = linreg("runs")
    assert (code, out.splitlines()[1].split()[:3], err) == (0, ["deadbeef", key[:8], "sent"], "")


def test_status_is_that_of_the_journal_and_of_its_writer(repository: Path) -> None:
    run = start_run("linreg", "alive", {}, HASHES)
    assert [each.status for each in journal_runs()] == ["RUNNING"]
    run.close()
    assert [each.status for each in journal_runs()] == ["KILLED"]
    with pytest.raises(ZeroDivisionError), start_run("linreg", "failed", {}, HASHES):
        _ = 1 / 0
    assert sorted(each.status for each in journal_runs()) == ["FAILED", "KILLED"]


def test_a_run_has_its_parameters_its_curves_and_a_copy_of_its_model(repository: Path) -> None:
    (repository / "models" / "model").mkdir(parents=True)
    (repository / "models" / "model" / "model.json").write_text("{}")
    with start_run("linreg", "name", {"train.lr": 0.01, "generate.theta": [2.0]}, {}) as run:
        run.log({"b": 1.5, "gap": float("nan")}, step=1)
        run.log({"b": 2.5}, step=2)
        run.log_model(Path("models/model"))
    (known,) = journal_runs()
    assert known.parameters == {"train.lr": 0.01, "generate.theta": [2.0]}
    assert known.model is not None
    assert (known.model / "model.json").read_text() == "{}"
    assert [(step, values["b"]) for step, values in journal_curves(run.key)] == [(1, 1.5), (2, 2.5)]


def test_no_run_is_one_line_and_exit_code_1(repository: Path) -> None:
    a_run("of something else", {"models/model": ANOTHER_MODEL})
    code, out, err = linreg("runs")
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert "no run here produced the outputs in dvc.lock; `linreg runs --all`" in err
    assert linreg("runs", "--all")[0] == 0


def test_no_lock_is_one_line_and_exit_code_2(repository: Path) -> None:
    (repository / "dvc.yaml").touch()
    (repository / "dvc.lock").unlink()
    code, out, err = linreg("runs")
    assert (code, out) == (2, "")
    assert err == "error: dvc.lock: there is no such file; run `dvc repro` and commit dvc.lock\n"
    a_run("listed without a lock", HASHES)
    assert linreg("runs", "--all")[1].splitlines()[1].endswith("–")


@pytest.mark.parametrize("text", ["stages: [", "stages: 1", "a: b", ""])
def test_a_damaged_lock_is_one_line(repository: Path, text: str) -> None:
    (repository / "dvc.lock").write_text(text)
    with pytest.raises(UserError, match="is damaged"):
        locked_hashes(repository / "dvc.lock", OUTPUTS)


def test_without_the_option_mlflow_is_not_imported(repository: Path) -> None:
    a_run("name", HASHES)
    program = """
import sys
from linreg import cli
sys.argv[1:] = ["runs"]
try:
    cli.main()
except SystemExit:
    print([name for name in ("mlflow", "numpy", "torch") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.slow
def test_runs_whose_journals_are_gone_are_found_in_mlflow(
    repository: Path, monkeypatch: pytest.MonkeyPatch, lose: Callable[[str], None]
) -> None:
    monkeypatch.setenv("DVC_EXP_NAME", "not-a-tag")
    lost = a_run(
        "lost",
        DATA | {"git.commit": "c0ffee" * 6, "git.dirty": "false"},
        later={"models/model": MODEL},
    )
    kept = a_run("kept", DATA)
    other = a_run("of something else", {"data/split": "6d.dir"})
    assert linreg("runs", "--mlflow")[0] == 0
    assert not (repository / "mlflow.db").exists(), "a question must not create a store"
    assert linreg("sync")[0] == 0
    for key in (lost, other):
        lose(key)
    code, out, err = linreg("runs", "--mlflow")
    assert (code, err) == (0, "")
    lines = [line.split() for line in out.splitlines()[1:]]
    assert [(line[1], line[2], line[-2:]) for line in lines] == [
        (kept[:8], "kept", ["the", "data"]),
        (lost[:8], "lost", ["the", "model"]),
    ]
    assert len(lines[0][0]) == len(lines[1][0]) == 32, "both have an id in MLflow"
    assert len(linreg("runs", "--all", "--mlflow")[1].splitlines()) == 4
    assert len(linreg("runs", "--all")[1].splitlines()) == 2


@pytest.fixture
def lose(repository: Path) -> Callable[[str], None]:
    """Deletes a run's journal."""
    return lambda key: shutil.rmtree(repository / ".linreg" / "runs" / key)


def test_a_server_that_is_down_is_an_error_of_one_line(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody listens there.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")
    code, out, err = linreg("runs", "--mlflow")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert "cannot be searched for runs; found http://127.0.0.1:9 does not answer" in err
    assert "secret" not in err
