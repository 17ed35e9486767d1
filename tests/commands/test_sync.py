import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient

from linreg import cli
from linreg.tracking.journal.open_run import start_run
from linreg.tracking.journal.run_folder import RunFolder
from tests.fork_server import ROOT, forking


@pytest.fixture
def linreg(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs a command in this process; returns exit code, standard output and standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["linreg", *arguments])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        captured = capfd.readouterr()
        assert isinstance(exit_.value.code, int)
        return exit_.value.code, captured.out, captured.err

    return run


Linreg = Callable[..., tuple[int, str, str]]


def test_without_runs_there_is_nothing_to_send(repository: Path, linreg: Linreg) -> None:
    (repository / "dvc.yaml").touch()
    assert linreg("sync") == (0, "0 runs complete, 0 points sent\n", "")
    assert [path.name for path in repository.iterdir()] == ["dvc.yaml"]


def test_where_nothing_is_pending_mlflow_is_not_imported(
    repository: Path, store: MlflowClient, linreg: Linreg
) -> None:
    with start_run("linreg", "name", {}, {}):
        pass
    linreg("sync")
    program = "import sys; from linreg.commands.tracking import sync; "
    program += "from argparse import Namespace as N; sync.run(N(follow=None, all=False)); "
    program += "print('mlflow' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "1 run complete, 0 points sent\nFalse\n"


@pytest.mark.slow
def test_runs_are_counted_and_sent(store: MlflowClient, linreg: Linreg) -> None:
    for _ in range(2):
        with start_run("linreg", "name", {}, {}) as run:
            run.log({"a": 1, "b": 2}, step=0)
    assert linreg("sync") == (0, "2 runs complete, 4 points sent\n", "")
    assert linreg("sync") == (0, "2 runs complete, 0 points sent\n", "")
    assert linreg("sync", "--all") == (0, "2 runs complete, 4 points sent\n", "")


def test_a_server_that_is_down_is_one_line(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing listens at that port.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    for _ in range(3):
        with start_run("linreg", "name", {}, {}):
            pass
    command = ["python", "-m", "linreg", "sync"]
    environment = forking({**os.environ, "PYTHONPATH": str(ROOT)})
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    code, out, err = done.returncode, done.stdout, done.stderr
    assert code == 1
    reason = "http://127.0.0.1:9 does not answer; run `linreg sync` again later"
    assert out == f"0 runs complete, 0 points sent; 3 runs with 6 events pending: {reason}\n"
    assert err == ""


def test_runs_that_cannot_be_sent_again_are_no_success(
    store: MlflowClient, repository: Path, linreg: Linreg
) -> None:
    with start_run("linreg", "name", {}, {}):
        pass
    assert linreg("sync")[0] == 0
    (repository / "mlflow.db").unlink()
    (repository / "mlflow.db").write_bytes(b"no database" * 1000)
    # In another process, since this one holds the database open.
    command = ["python", "-m", "linreg", "sync", "--all"]
    environment = forking({**os.environ, "PYTHONPATH": str(ROOT)})
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout.startswith("1 run complete, 0 points sent; not everything was sent again: ")
    assert "file is not a database" in done.stdout


@pytest.mark.very_slow
def test_a_run_that_another_process_sends_is_skipped(store: MlflowClient, linreg: Linreg) -> None:
    with start_run("linreg", "name", {}, {}) as run:
        pass
    with RunFolder(run.key).sender_lock():
        code, out, _ = linreg("sync")
    assert code == 1
    assert "another process is sending" in out


def test_an_unknown_run_cannot_be_followed(repository: Path, linreg: Linreg) -> None:
    (repository / "dvc.yaml").touch()
    code, out, err = linreg("sync", "--follow", "nothing")
    assert (code, out) == (2, "")
    assert err.startswith("error: --follow: there is no such run; found nothing")


def test_an_unknown_command_is_named_in_the_error(linreg: Linreg) -> None:
    code, _, err = linreg("snyc")
    assert code == 2
    assert "snyc" in err


def test_the_module_linreg_is_the_command(repository: Path) -> None:
    (repository / "dvc.yaml").touch()
    command = [sys.executable, "-m", "linreg", "sync"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "0 runs complete, 0 points sent\n"
