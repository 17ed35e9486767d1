"""The journal's events: one line of JSON each, with all that is needed to send it twice and count
it once.
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

RUNNING, FINISHED, FAILED, KILLED = "RUNNING", "FINISHED", "FAILED", "KILLED"
ENDED = (FINISHED, FAILED, KILLED)


@dataclass(frozen=True)
class Event:
    """Something that happened in a run."""

    kind: str
    """start, metrics, tags, artifact, model or end; `unreadable` for a line that a crash has torn
    or a disk damaged.
    """
    time: int
    """When it happened, in milliseconds since 1970; MLflow's timestamp."""
    values: Mapping[str, Any]
    """Everything else that the line says."""
    offset: int
    """Where the next event begins, in bytes."""


def line(kind: str, values: Mapping[str, Any]) -> bytes:
    """Return the line for an event that happens now."""
    event = {**values, "event": kind, "time": int(time.time() * 1000)}
    return _as_text({**event, CHECKSUM: _checksum(event)}) + b"\n"


def number(value: float) -> float | str:
    """Return a metric's value as JSON has it; `float` of the result is the value again.

    JSON knows no NaN and no infinity, but a run that diverged must show them.
    """
    value = float(value)
    return value if math.isfinite(value) else str(value)


def read(journal: Path, offset: int = 0) -> Iterator[Event]:
    """Yield the events from byte `offset` on; a last line that is incomplete is left for the next
    time.
    """
    with journal.open("rb") as file:
        file.seek(offset)
        for text in file:
            if not text.endswith(b"\n"):
                return
            offset += len(text)
            yield _parsed(text, offset)


def ends_with_end(journal: Path) -> bool:
    """Tell whether the last event is an end, without reading the whole journal."""
    with journal.open("rb") as file:
        file.seek(max(0, journal.stat().st_size - 256))
        *_, last = file.read().splitlines(keepends=True) or [b""]
    return _parsed(last, 0).kind == "end"


def _parsed(text: bytes, offset: int) -> Event:
    try:
        values = json.loads(text)
        # Journals of before there were checksums are read all the same.
        if CHECKSUM not in values or values.pop(CHECKSUM) == _checksum(values):
            return Event(values.pop("event"), values.pop("time"), values, offset)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    return Event("unreadable", 0, {"line": text.decode(errors="replace").strip()}, offset)


def _as_text(event: Mapping[str, Any]) -> bytes:
    return json.dumps(event, sort_keys=True, ensure_ascii=False, allow_nan=False).encode()


def _checksum(event: Mapping[str, Any]) -> str:
    """Return the CRC-32 of an event, which tells a digit that a damaged disk has changed."""
    return f"{zlib.crc32(_as_text(event)):08x}"


@dataclass
class Ending:
    """How a run stands after the events seen so far."""

    status: str = RUNNING
    end_time: int = 0
    """When it ended, or when it was last heard of."""
    ended: bool = False
    """Nothing has happened since the last end."""
    final: bool = False
    """That end was said to be the last."""

    def see(self, event: Event) -> None:
        """Take one more event into account.

        What a later stage adds to a run that has finished does not prolong it. A run that failed or
        was killed and then goes on is running again.
        """
        if event.kind == "unreadable":
            return
        before = self.status
        self.ended = event.kind == "end"
        if self.ended:
            self.status, self.final = event.values["status"], event.values["final"]
        elif before != FINISHED:
            self.status = RUNNING
        if before != FINISHED:
            self.end_time = event.time
