import json
import math
from pathlib import Path

import pytest

from linreg.tracking.journal.events import (
    Event,
    RunState,
    encode_event,
    has_ended,
    json_number,
    read_events,
)


def journal_of(folder: Path, *lines: bytes) -> Path:
    journal = folder / "journal.jsonl"
    journal.write_bytes(b"".join(lines))
    return journal


def an_end(status: str = "FINISHED", *, final: bool = False) -> bytes:
    return encode_event("end", {"status": status, "final": final})


def some_tags(length: int = 1) -> bytes:
    return encode_event("tags", {"tags": {"a": "x" * length}})


def test_the_time_of_an_event_is_in_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1_700_000_000.25)
    assert json.loads(some_tags())["time"] == 1_700_000_000_250


def test_a_number_stays_one_in_json_unless_it_is_not_finite() -> None:
    assert json_number(0.5) == 0.5
    assert isinstance(json_number(2), float)
    assert [json_number(each) for each in (math.inf, -math.inf, math.nan)] == ["inf", "-inf", "nan"]


def test_an_event_is_read_with_where_the_next_begins(tmp_path: Path) -> None:
    lines = [some_tags(), some_tags(7), an_end()]
    journal = journal_of(tmp_path, *lines)
    offsets = [len(b"".join(lines[:number])) for number in (1, 2, 3)]
    events = list(read_events(journal))
    assert [event.kind for event in events] == ["tags", "tags", "end"]
    assert [event.offset for event in events] == offsets
    assert events[1].values == {"tags": {"a": "x" * 7}}
    for number in range(3):
        assert list(read_events(journal, offsets[number])) == events[number + 1 :]


def test_a_last_line_that_is_incomplete_is_not_read_yet(tmp_path: Path) -> None:
    journal = journal_of(tmp_path, some_tags(), an_end()[:-1])
    assert [event.kind for event in read_events(journal)] == ["tags"]


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe\n",
        b"[]\n",
        b"3\n",
        b'"checksum"\n',
        b'{"event": "end"}\n',
        b"[" * 100_000 + b"\n",
        an_end().replace(b"FINISHED", b"FINISHEE"),
    ],
)
def test_a_damaged_line_is_an_unreadable_event_and_the_next_is_read(
    tmp_path: Path, line: bytes
) -> None:
    damaged, intact = read_events(journal_of(tmp_path, line, some_tags()))
    assert (damaged.kind, damaged.time, intact.kind) == ("unreadable", 0, "tags")
    assert damaged.values == {"line": line.decode(errors="replace").strip()}


def test_a_journal_has_ended_when_its_last_event_is_an_end(tmp_path: Path) -> None:
    assert not has_ended(journal_of(tmp_path))
    assert not has_ended(journal_of(tmp_path, some_tags()))
    assert has_ended(journal_of(tmp_path, an_end()))
    assert has_ended(journal_of(tmp_path, some_tags(1000), an_end("KILLED", final=True)))
    assert not has_ended(journal_of(tmp_path, an_end(), some_tags(1000)))
    assert not has_ended(journal_of(tmp_path, an_end(), some_tags()))


def an_event(kind: str, time: int, **values: object) -> Event:
    return Event(kind, time, values, 0)


def state_after(*events: Event) -> tuple[str, int, bool, bool]:
    state = RunState()
    for event in events:
        state.update(event)
    return state.status, state.end_time, state.ended, state.final


START = an_event("start", 1)
FINISHED = an_event("end", 5, status="FINISHED", final=False)
FAILED = an_event("end", 5, status="FAILED", final=True)
LATER = an_event("tags", 7)


def test_a_run_is_running_until_its_end() -> None:
    assert state_after() == ("RUNNING", 0, False, False)
    assert state_after(START) == ("RUNNING", 1, False, False)
    assert state_after(START, LATER) == ("RUNNING", 7, False, False)
    assert state_after(START, FINISHED) == ("FINISHED", 5, True, False)
    assert state_after(START, FAILED) == ("FAILED", 5, True, True)


def test_a_later_stage_does_not_prolong_a_run_that_has_finished() -> None:
    assert state_after(START, FINISHED, LATER) == ("FINISHED", 5, False, False)
    last = an_event("end", 9, status="FINISHED", final=True)
    assert state_after(START, FINISHED, LATER, last) == ("FINISHED", 5, True, True)
    failed = an_event("end", 9, status="FAILED", final=True)
    assert state_after(START, FINISHED, LATER, failed) == ("FAILED", 5, True, True)


def test_a_run_that_failed_and_resumes_is_running_again() -> None:
    assert state_after(START, FAILED, LATER)[:3] == ("RUNNING", 7, False)


def test_an_unreadable_line_says_nothing_about_the_run() -> None:
    unreadable = an_event("unreadable", 0, line="?")
    assert state_after(START, FINISHED, unreadable) == state_after(START, FINISHED)


def test_a_line_has_sorted_keys_and_characters_as_they_are() -> None:
    line = encode_event("tags", {"tags": {"z": "ö", "a": "θ"}}).decode()
    assert '"event": "tags", "tags": {"a": "θ", "z": "ö"}, "time": ' in line
    assert line == line.strip() + "\n"
