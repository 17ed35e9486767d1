import datetime
import os
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.project import Toy, is_alive, wait_until

TOY = """
import os, time
from pathlib import Path
from linreg.process.stage import stage

@stage
def main() -> None:
    Path(f"pid-{os.environ['ME']}").write_text(str(os.getpid()))
    while not Path("go on").exists():
        time.sleep(0.01)
    print("done")

main()
"""
PARENT = """
import os, subprocess, sys, time
subprocess.Popen([sys.executable, "-m", "stages.toy"])
time.sleep(100)
"""


OPEN_FILES = """
import os, resource
from linreg.process.stage import KIND

@KIND
def main(*_: object) -> None:
    # Written at once, so that the lines of several processes stay whole.
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    os.write(1, f"{os.environ.get('RANK')}: {limits}\\n".encode())

main()
"""
MISTAKEN = """
from linreg.errors import UserError
from linreg.process.stage import stage

@stage
def main() -> None:
    raise UserError("given.json", "is wrong", found=1, todo="change it")
"""
UNDER_A_LOW_LIMIT = "ulimit -Sn 64 && exec {} -m stages.toy"


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Toy]:
    """A project whose stage runs in one process, until there is a file `go on`."""
    with Toy(tmp_path / "a project") as toy:
        (toy.folder / "stages/toy.py").write_text(TOY)
        (toy.folder / "stages/other.py").write_text(TOY)
        yield toy


def running(toy: Toy, me: str, *command: str, **env: str) -> "subprocess.Popen[str]":
    """Start the stage and wait until main() runs."""
    process = toy.start(*command, ME=me, PYTHONUNBUFFERED="1", **env)
    wait_until(lambda: written(toy, me) != "", 30)
    return process


def written(toy: Toy, me: str) -> str:
    path = toy.folder / f"pid-{me}"
    return path.read_text() if path.exists() else ""


@pytest.mark.slow
def test_a_second_process_of_a_stage_in_a_folder_waits_and_names_the_first(toy: Toy) -> None:
    first = running(toy, "first")
    second = toy.start(ME="second", PYTHONUNBUFFERED="1")
    assert second.stdout is not None
    line = second.stdout.readline()
    found = re.fullmatch(
        r"toy: waiting for process (\d+), since (\S+ \S+), which runs this stage here\n", line
    )
    assert found is not None, line
    assert int(found[1]) == first.pid
    age = datetime.datetime.now() - datetime.datetime.fromisoformat(found[2])
    assert datetime.timedelta(0) <= age < datetime.timedelta(minutes=1)
    assert written(toy, "second") == ""
    (toy.folder / "go on").touch()
    assert first.communicate(timeout=30) == ("done\n", "")
    assert second.communicate(timeout=30) == ("done\n", "")
    assert (first.returncode, second.returncode) == (0, 0)
    assert written(toy, "second") == str(second.pid)


@pytest.mark.slow
def test_a_stage_waits_neither_for_other_folders_nor_for_other_stages(
    toy: Toy, tmp_path: Path
) -> None:
    with Toy(tmp_path / "another project") as another:
        shutil.copy(toy.folder / "stages/toy.py", another.folder / "stages")
        processes = [
            running(toy, "here"),
            running(toy, "other", "-m", "stages.other"),
            running(another, "there"),
        ]
        for folder in (toy.folder, another.folder):
            (folder / "go on").touch()
        assert [process.communicate(timeout=30) for process in processes] == [("done\n", "")] * 3


@pytest.mark.slow
def test_a_killed_stage_leaves_no_lock(toy: Toy) -> None:
    first = running(toy, "first")
    first.kill()
    first.wait()
    (toy.folder / "go on").touch()
    done = toy.run(ME="second")
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


@pytest.mark.slow
@pytest.mark.parametrize("under_dvc", [True, False])
def test_a_stage_ends_with_the_dvc_that_started_it_but_not_with_a_shell(
    toy: Toy, under_dvc: bool
) -> None:
    parent = running(toy, "child", "-c", PARENT, **({"DVC_STAGE": "toy"} if under_dvc else {}))
    pid = int(written(toy, "child"))
    assert pid != parent.pid
    try:
        parent.kill()
        parent.wait()
        if under_dvc:
            wait_until(lambda: not is_alive(pid), seconds=2)
        else:
            with pytest.raises(AssertionError, match="not after"):
                wait_until(lambda: not is_alive(pid), seconds=0.5)
            (toy.folder / "go on").touch()
            wait_until(lambda: not is_alive(pid), seconds=5)
    finally:
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(("rank", "output"), [("0", "done\n"), ("1", ""), ("7", "")])
def test_a_stage_for_one_process_runs_in_the_first_that_torchrun_starts(
    toy: Toy, rank: str, output: str
) -> None:
    (toy.folder / "go on").touch()
    done = toy.run(ME=rank, RANK=rank, WORLD_SIZE="8")
    assert (done.returncode, done.stdout, done.stderr) == (0, output, "")
    assert (written(toy, rank) != "") == (rank == "0")


WITH_WORKERS = TOY.replace("import stage\n", "import stage_with_workers as stage\n").replace(
    "main()", "main(*_: object)", 1
)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [TOY, WITH_WORKERS])
@pytest.mark.parametrize(
    "env",
    [
        {"RANK": "0"},
        {"RANK": "0", "WORLD_SIZE": "1"},
        {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "localhost", "MASTER_PORT": "x"},
        {"RANK": "", "WORLD_SIZE": "", "LOCAL_RANK": ""},
        {"WORLD_SIZE": "4"},
        {"LOCAL_RANK": "3"},
        {"MASTER_ADDR": "localhost"},
    ],
    ids=" ".join,
)
def test_a_process_of_which_no_other_is_said_to_exist_is_alone(
    toy: Toy, kind: str, env: dict[str, str]
) -> None:
    (toy.folder / "stages/toy.py").write_text(kind)
    (toy.folder / "go on").touch()
    done = toy.run(ME="it", **env)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


NOT_LESS = "environment: RANK: must be less than WORLD_SIZE; found "


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "env", "message"),
    [
        *(
            (kind, env, message)
            for kind in (TOY, WITH_WORKERS)
            for env, message in (
                ({"RANK": "1"}, f"{NOT_LESS}1, with WORLD_SIZE="),
                ({"RANK": "2", "WORLD_SIZE": "2"}, f"{NOT_LESS}2, with WORLD_SIZE=2"),
                ({"RANK": "a"}, "environment: RANK: must be a whole number; found a"),
                (
                    {"RANK": "0", "WORLD_SIZE": "-1"},
                    "environment: WORLD_SIZE: must be a whole number; found -1",
                ),
            )
        ),
        (
            WITH_WORKERS,
            {"RANK": "0", "WORLD_SIZE": "2"},
            "environment: RANK and WORLD_SIZE are set without MASTER_ADDR and MASTER_PORT",
        ),
        (
            WITH_WORKERS,
            {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost"},
            "environment: RANK and WORLD_SIZE are set without MASTER_PORT",
        ),
        (
            WITH_WORKERS,
            {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "x"},
            "environment: MASTER_PORT: must be a whole number; found x",
        ),
    ],
)
def test_what_only_says_that_there_are_others_is_one_line(
    toy: Toy, kind: str, env: dict[str, str], message: str
) -> None:
    (toy.folder / "stages/toy.py").write_text(kind)
    (toy.folder / "go on").touch()
    done = toy.run(ME="it", **env)
    todo = "unset RANK to run it as one process, or start it by torchrun"
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: {message}; {todo}\n"


@pytest.mark.slow
def test_a_mistake_that_a_stage_of_one_process_finds_ends_all_as_it_ends_one(toy: Toy) -> None:
    """Where several processes run several stages, as for `linreg verify`."""
    (toy.folder / "stages/mistaken.py").write_text(MISTAKEN)
    command = ("-m", "linreg.verify.run_stages")
    ends = [toy.run(*command, STAGES="mistaken", WORKERS=workers) for workers in "12"]
    found = [(end.returncode, end.stdout, end.stderr) for end in ends]
    assert found == [(2, "", "error: given.json: is wrong; found 1; change it\n")] * 2


@pytest.mark.very_slow
@pytest.mark.parametrize(
    ("kind", "env", "ranks"),
    [
        ("stage", {}, [None]),
        ("stage", {"RANK": "0"}, [0]),
        ("stage_with_workers", {}, [None]),
        ("stage_with_workers", {"WORKERS": "2"}, [0, 1]),
    ],
)
def test_a_stage_may_open_as_many_files_as_the_system_allows(
    toy: Toy, kind: str, env: dict[str, str], ranks: list[int | None]
) -> None:
    (toy.folder / "stages/toy.py").write_text(OPEN_FILES.replace("KIND", kind))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        pytest.skip("macOS lets no process raise its limit to this")
    command = UNDER_A_LOW_LIMIT.format(shlex.quote(sys.executable))
    program = f"import os; os.execvp('bash', ['bash', '-c', {command!r}])"
    done = toy.run("-c", program, **env)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(done.stdout.splitlines()) == [f"{rank}: {(hard, hard)}" for rank in ranks]


def test_waiting_imports_no_torch(toy: Toy) -> None:
    """A stage of one process starts in a moment, and so does its waiting."""
    program = (
        "import linreg.process.stage, sys; print({'torch', 'pyarrow', 'mlflow'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
