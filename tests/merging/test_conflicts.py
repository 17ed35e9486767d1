"""Commands in a project in which git has left conflicts say so in one line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.forked import Outcome, run_command
from tests.merging.toy_pipeline import State, write

CONFLICT = "<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> theirs\n"
BY_HAND = "has git's conflict markers; resolve them in an editor"


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Outcome]:
    """Runs a command in a project, one file of which has a conflict."""

    def run(name: str, *command: str) -> Outcome:
        write(State(), tmp_path)
        path = tmp_path / name
        path.write_text(path.read_text() + CONFLICT)
        return run_command(list(command), tmp_path)

    return run


@pytest.mark.parametrize("command", [("verify",), ("runs",), ("runs", "--all")])
def test_of_dvc_lock(run: Callable[..., Outcome], command: tuple[str, ...]) -> None:
    done = run("dvc.lock", *command)
    expected = "dvc.lock: has git's conflict markers; run `linreg merge`"
    assert (done.code, done.refusal) == (2, expected)


@pytest.mark.parametrize("name", ["dvc.yaml", "params.yaml"])
@pytest.mark.parametrize("command", [("verify",), ("merge",)])
def test_of_what_people_write(
    run: Callable[..., Outcome], name: str, command: tuple[str, ...]
) -> None:
    done = run(name, *command)
    assert (done.code, done.refusal) == (2, f"{name}: {BY_HAND}, then run `linreg merge`")


def test_of_what_a_stage_or_a_command_reads(run: Callable[..., Outcome]) -> None:
    done = run("params.yaml", "set", "train.lr=0.1")
    assert (done.code, done.refusal) == (2, f"params.yaml: {BY_HAND} first")
