"""A stage executed by the shell, as DVC executes it."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from linreg.verify.repository.stage_run import StageRun, run_stage, stages_killed_at_an_interrupt
from linreg.verify.repository.stages import Stage

PATH = {"PATH": os.environ["PATH"]}


def run(tmp_path: Path, *commands: str, wdir: str = ".", **variables: str) -> StageRun:
    (tmp_path / "root").mkdir(exist_ok=True)
    stage = Stage("sub/dvc.yaml:fit@a", "sub/dvc.yaml", wdir, commands)
    return run_stage(stage, tmp_path / "root", {**PATH, **variables}, tmp_path)


def test_commands_run_one_after_the_other_in_wdir_with_dvcs_variables(tmp_path: Path) -> None:
    (tmp_path / "root/in/it").mkdir(parents=True)
    done = run(
        tmp_path, "pwd > a.txt", "cd ..", "pwd; echo $DVC_ROOT $DVC_STAGE $X", wdir="in/it", X="7"
    )
    folder = tmp_path / "root/in/it"
    # A command begins where the one before it began.
    assert done.output == f"{folder}\n{tmp_path / 'root'} sub/dvc.yaml:fit@a 7\n"
    assert (folder / "a.txt").read_text() == f"{folder}\n"
    assert done.failure == ""


def test_the_first_command_that_fails_is_the_last_one(tmp_path: Path) -> None:
    done = run(tmp_path, "echo one; echo two; (exit 3)", "echo three")
    assert done.failure == "`echo one; echo two; (exit 3)` ended with exit code 3: one | two"
    assert "three" not in done.output
    done = run(tmp_path, "no-such-program-at-all")
    assert "ended with exit code 127: " in done.failure
    assert "no-such-program-at-all: not found" in done.failure.replace("command ", "")
    assert "was killed by SIGTERM" in run(tmp_path, "kill $$").failure
    errors = run(tmp_path, "echo a; echo error: x is wrong; echo b; false").failure
    assert errors.endswith(": error: x is wrong")


def test_a_folder_or_a_shell_that_is_not_there_is_the_reason(tmp_path: Path) -> None:
    assert run(tmp_path, "true", wdir="nowhere").failure.endswith(
        "root/nowhere: No such file or directory"
    )
    assert run(tmp_path, "true", SHELL="/no/shell").failure == (
        "/no/shell: No such file or directory"
    )


def test_the_shell_is_the_users_without_its_configuration(tmp_path: Path) -> None:
    (tmp_path / "rc").write_text("echo configured\n")
    done = run(tmp_path, "echo ${BASH_VERSION:+bash}", SHELL="/bin/bash", HOME=str(tmp_path))
    assert done.output == "bash\n"
    assert run(tmp_path, "echo ${BASH_VERSION:-none}", SHELL="/bin/sh").output == "none\n"


def test_nothing_waits_for_an_answer(tmp_path: Path) -> None:
    assert run(tmp_path, "read x; echo got $x").output == "got\n"


def test_of_a_long_output_the_end_is_kept(tmp_path: Path) -> None:
    done = run(tmp_path, f"{sys.executable} -c \"print('x' * 50000); print('end')\"; false")
    assert done.output.endswith("x\nend\n")
    assert len(done.output) == 20_000


def interrupt_when(condition: Callable[[], bool]) -> None:
    with stages_killed_at_an_interrupt():
        while not condition():
            time.sleep(0.01)
        raise KeyboardInterrupt


def test_an_interrupt_kills_what_runs_and_all_that_it_has_started(tmp_path: Path) -> None:
    ended: list[StageRun] = []
    command = "sleep 60 & echo $! > pid; wait"
    thread = threading.Thread(target=lambda: ended.append(run(tmp_path, command, "touch later")))
    pid = tmp_path / "root/pid"
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        interrupt_when(lambda: pid.exists() and bool(pid.read_text()))
    thread.join(10)
    assert "was killed by SIGKILL" in ended[0].failure
    assert not alive(int(pid.read_text()))
    # Nothing begins any more.
    assert run(tmp_path, "touch later").failure == "/bin/sh: Interrupted system call"
    assert not (tmp_path / "root/later").exists()
    with stages_killed_at_an_interrupt():
        assert run(tmp_path, "touch later").failure == ""


def test_an_interrupt_of_the_thread_that_waits_does_so_too(tmp_path: Path) -> None:
    pid = tmp_path / "root/pid"

    def press_ctrl_c() -> None:
        while not (pid.exists() and pid.read_text()):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    def run_and_be_interrupted() -> None:
        with stages_killed_at_an_interrupt():
            run(tmp_path, "sleep 60 & echo $! > pid; wait")

    thread = threading.Thread(target=press_ctrl_c)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        run_and_be_interrupted()
    thread.join()
    assert not alive(int(pid.read_text()))


def alive(process: int) -> bool:
    """Tell whether a process goes on, after some time to end."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return False
        if state == "Z":
            return False
        time.sleep(0.01)
    return True
