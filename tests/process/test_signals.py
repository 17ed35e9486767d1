"""Ctrl-C and SIGTERM as they reach real processes of a stage."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.project import Toy, is_alive, wait_until

TOY = """
import hashlib, os, sys, time
from pathlib import Path
from linreg.process.signals import defer_signals, pending_signal
from linreg.process.stage import KIND

def at_work() -> None:
    Path(f"pid-{os.environ.get('RANK', 0)}").write_text(str(os.getpid()))

class Finalized:
    def __del__(self) -> None:
        at_work()
        time.sleep(30)

if os.environ["DOES"] == "import":
    at_work()
    time.sleep(30)

@KIND
def main(*_: object) -> None:
    match os.environ["DOES"]:
        case "write":
            try:
                at_work()
                time.sleep(30)
            finally:
                Path("cleared").touch()
        case "clear slowly":
            try:
                at_work()
                time.sleep(30)
            finally:
                Path("clearing").touch()
                time.sleep(2)
                Path("cleared").touch()
        case "a long call":
            at_work()
            hashlib.pbkdf2_hmac("sha256", b"", b"", 100_000_000)  # a minute in compiled code
        case "finalize":
            Finalized()
            time.sleep(30)
        case "steps":
            at_work()
            defer_signals()
            while not pending_signal():
                time.sleep(0.01)
            print("after a step")

main()
"""


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Toy]:
    with Toy(tmp_path / "a project") as toy:
        (toy.folder / "stages/__init__.py").write_text(
            (Path(__file__).parents[2] / "stages/__init__.py").read_text()
        )
        yield toy


def at_work(toy: Toy, does: str, num_workers: int = 1) -> "subprocess.Popen[str]":
    kind = "stage" if num_workers == 1 else "stage_with_workers"
    (toy.folder / "stages/toy.py").write_text(TOY.replace("KIND", kind))
    process = toy.start(DOES=does, WORKERS=str(num_workers), PYTHONUNBUFFERED="1")
    toy.pids(num_workers)
    return process


def end_of(process: "subprocess.Popen[str]", seconds: float = 10) -> tuple[int, str, str]:
    output, errors = process.communicate(timeout=seconds)
    return process.returncode, output, errors


BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


@BOTH
def test_a_stage_cleans_up_and_prints_one_line(toy: Toy, number: signal.Signals) -> None:
    process = at_work(toy, "write")
    process.send_signal(number)
    assert end_of(process) == (128 + number, "", "error: interrupted\n")
    assert (toy.folder / "cleared").exists()


@BOTH
def test_during_its_imports_a_stage_ends_without_a_traceback(
    toy: Toy, number: signal.Signals
) -> None:
    process = at_work(toy, "import")
    process.send_signal(number)
    assert end_of(process) == (128 + number, "", "error: interrupted\n")


@pytest.mark.slow
def test_sigterm_does_not_disturb_the_cleaning_up(toy: Toy) -> None:
    process = at_work(toy, "clear slowly")
    process.send_signal(signal.SIGINT)
    wait_until((toy.folder / "clearing").exists, seconds=10)
    for _ in range(3):
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
    assert end_of(process) == (130, "", "error: interrupted\n")
    assert (toy.folder / "cleared").exists()


@pytest.mark.slow
def test_the_second_ctrl_c_ends_a_stage_at_once_even_in_compiled_code(toy: Toy) -> None:
    process = at_work(toy, "a long call")
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    assert end_of(process) == (130, "", "error: interrupted\n")
    assert time.monotonic() - began < 1


@pytest.mark.slow
def test_signals_at_the_same_time_are_one_request(toy: Toy) -> None:
    process = at_work(toy, "clear slowly")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT, signal.SIGINT):
        process.send_signal(number)
        time.sleep(0.01)
    assert end_of(process) == (130, "", "error: interrupted\n")
    assert (toy.folder / "cleared").exists()


def test_an_interrupt_that_python_cannot_propagate_from_a_finalizer_ends_the_stage(
    toy: Toy,
) -> None:
    process = at_work(toy, "finalize")
    process.send_signal(signal.SIGINT)
    assert end_of(process) == (130, "", "error: interrupted\n")


def test_a_stage_that_defers_signals_ends_when_it_is_ready(toy: Toy) -> None:
    process = at_work(toy, "steps")
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    assert end_of(process) == (0, "after a step\n", "")


@pytest.mark.slow
def test_a_background_job_that_ignores_ctrl_c_goes_on(toy: Toy) -> None:
    before = signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # as `nohup` and scripts do for what they start with &
    try:
        process = at_work(toy, "write")
    finally:
        signal.signal(signal.SIGINT, before)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert end_of(process) == (143, "", "error: interrupted\n")


@pytest.mark.very_slow
@BOTH
@pytest.mark.parametrize("does", ["import", "write"])
def test_several_processes_print_one_line_when_their_launcher_gets_the_signal(
    toy: Toy, number: signal.Signals, does: str
) -> None:
    process = at_work(toy, does, 2)
    pids = toy.pids(2)
    process.send_signal(number)
    assert end_of(process, 20) == (128 + number, "", "error: interrupted\n")
    assert not any(map(is_alive, pids))


@pytest.mark.slow
def test_the_second_ctrl_c_ends_all_processes(toy: Toy) -> None:
    process = at_work(toy, "a long call", 2)
    pids = toy.pids(2)
    for _ in range(2):
        for pid in [process.pid, *pids]:
            os.kill(pid, signal.SIGINT)
        time.sleep(0.5)
    wait_until(lambda: not any(map(is_alive, pids)), seconds=1)
    assert end_of(process) == (130, "", "error: interrupted\n")
