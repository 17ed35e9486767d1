"""The events of a run: one line of JSON each in its append-only journal.

A line holds all that MLflow gets of the event, so that it may be sent twice and counts once.
"""

import json
import math
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linreg.files import CHECKSUM

RUNNING = "RUNNING"
FINISHED = "FINISHED"
FAILED = "FAILED"
KILLED = "KILLED"
ENDED = (FINISHED, FAILED, KILLED)
_MAX_END_EVENT_BYTES = 256


@dataclass(frozen=True)
class Event:
    """Something that happened in a run."""

    kind: str
    """start, metrics, tags, artifact, model or end; unreadable for a truncated or damaged line."""
    time: int
    """When it happened, in milliseconds since 1970, as MLflow counts."""
    values: Mapping[str, Any]
    """Everything else in the line."""
    offset: int
    """Where the next event begins, in bytes."""


def encode_event(kind: str, values: Mapping[str, Any]) -> bytes:
    """Return the line of the journal for an event that happens now."""
    event = {**values, "event": kind, "time": int(time.time() * 1000)}
    return _as_json({**event, CHECKSUM: _checksum(event)}) + b"\n"


def json_number(value: float) -> float | str:
    """Return a metric's value for JSON; `float` of the result is the value again.

    JSON has neither NaN nor infinity, but a run that diverged must show them.
    """
    value = float(value)
    return value if math.isfinite(value) else str(value)


def read_events(journal: Path, offset: int = 0) -> Iterator[Event]:
    """Yield the events from byte `offset` on, without a last line that is still incomplete."""
    with journal.open("rb") as file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            yield _decode_event(line, offset)


def has_ended(journal: Path) -> bool:
    """Tell whether the last event is an end, without reading the whole journal."""
    with journal.open("rb") as file:
        file.seek(max(0, journal.stat().st_size - _MAX_END_EVENT_BYTES))
        *_, last = file.read().splitlines(keepends=True) or [b""]
    return _decode_event(last, 0).kind == "end"


def _decode_event(line: bytes, offset: int) -> Event:
    try:
        values = json.loads(line)
        # Journals of linreg 0.1 may have no checksums.
        if CHECKSUM not in values or values.pop(CHECKSUM) == _checksum(values):
            return Event(values.pop("event"), values.pop("time"), values, offset)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    return Event("unreadable", 0, {"line": line.decode(errors="replace").strip()}, offset)


def _as_json(event: Mapping[str, Any]) -> bytes:
    return json.dumps(event, sort_keys=True, ensure_ascii=False, allow_nan=False).encode()


def _checksum(event: Mapping[str, Any]) -> str:
    """Return the CRC-32 of an event, which reveals a digit that a damaged disk has changed."""
    return f"{zlib.crc32(_as_json(event)):08x}"


@dataclass
class RunState:
    """The state of a run after some of its events."""

    status: str = RUNNING
    end_time: int = 0
    """When it ended, or the time of its last event, in milliseconds since 1970."""
    ended: bool = False
    """Whether the last event is an end."""
    final: bool = False
    """Whether that end said that no later stage will add to the run."""

    def update(self, event: Event) -> None:
        """Take the next event into account.

        What a later stage adds to a run that has finished does not prolong it. A run that failed or
        was killed and then resumes is running again.
        """
        if event.kind == "unreadable":
            return
        had_finished = self.status == FINISHED
        self.ended = event.kind == "end"
        if self.ended:
            self.status = event.values["status"]
            self.final = event.values["final"]
        elif not had_finished:
            self.status = RUNNING
        if not had_finished:
            self.end_time = event.time
