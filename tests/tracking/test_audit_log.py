import itertools
import json
import multiprocessing
import re
import time
from pathlib import Path

import pytest

from linreg.tracking.audit_log import Decision, append_decision, log_file, registry_lock


def a_decision(why: str = "good", **more: object) -> Decision:
    return Decision("linreg", "champion", why, "sqlite:///mlflow.db", **more)  # type: ignore[arg-type]


def test_each_decision_is_a_record_of_who_when_what_and_why(repository: Path) -> None:
    decisions = [a_decision("θ is better"), a_decision("two\nlines", version=3, dirty=True)]
    for decision in decisions:
        append_decision(decision)
    lines = (repository / "registry-log.jsonl").read_text().splitlines()
    assert [Decision(**json.loads(line)) for line in lines] == decisions
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", json.loads(lines[0])["time"])
    assert json.loads(lines[0])["who"]


def test_a_decision_is_recorded_once(repository: Path) -> None:
    decision = a_decision()
    append_decision(decision)
    append_decision(decision)
    assert len(log_file().read_text().splitlines()) == 1


def test_a_truncated_record_stays_and_does_not_spoil_the_next(repository: Path) -> None:
    append_decision(a_decision())
    before = log_file().read_bytes()
    log_file().write_bytes(before + b'{"name": "lin')
    append_decision(a_decision("after the crash"))
    first, truncated, last = log_file().read_bytes().splitlines(keepends=True)
    assert (first, truncated) == (before, b'{"name": "lin\n')
    assert json.loads(last)["why"] == "after the crash"


def test_commands_decide_one_after_the_other(repository: Path) -> None:
    with multiprocessing.get_context("fork").Pool(4) as pool:
        spans = sorted(pool.map(_decide, range(4)))
    assert all(ended <= began for (_, ended), (began, _) in itertools.pairwise(spans))


def _decide(_: int) -> tuple[float, float]:
    with registry_lock():
        began = time.monotonic()
        time.sleep(0.05)
        return began, time.monotonic()


def test_a_command_that_waits_for_another_says_so(
    repository: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with multiprocessing.get_context("fork").Pool(1) as pool:
        with registry_lock():
            other = pool.apply_async(_decide, [0])
            time.sleep(0.5)
            assert not other.ready()
        other.get(10)
    assert capfd.readouterr().out == "waiting for another `linreg register`\n"
