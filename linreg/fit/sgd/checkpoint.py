"""Checkpoints: the state of a training on disk, from which a killed one resumes.

The state is parameters, momentum, average, the number of steps taken, and the history of the
epochs. Random generators are not part of it: each is made from the seed and its purpose, such as
the rows of a chunk in an epoch, so the number of steps says which batch comes next. A checkpoint is
no output: it is deleted when the training has succeeded.
"""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from linreg.code_lock.lock_file import code_now
from linreg.errors import Interrupted, UserError, os_error_reason
from linreg.files import checksum, read_json, write_text
from linreg.fit.history import History
from linreg.params.train import Train
from linreg.process.signals import defer_signals, pending_signal
from linreg.process.workers import Workers

CHECKPOINTS = Path(".linreg/checkpoints")
SECONDS_WITHIN_EPOCH = 5.0
"""Between two checkpoints within an epoch, unless writing takes too long."""
MOST_SECONDS = 10.0
"""Between any two checkpoints: the work that a kill loses at most."""
SHARE_OF_TIME = 0.05
"""The share of the time that writing may take, within those limits."""

State = Mapping[str, Any]
"""What an engine's next step depends on, in plain data."""


class Checkpoint:
    """The checkpoint of one training, identified by its inputs: data, code and parameters of train.

    state  what an earlier process saved, or None; the history then has the epochs until there
    """

    def __init__(
        self, inputs: Mapping[str, str], params: Train, history: History, workers: Workers
    ) -> None:
        document = {
            "inputs": dict(inputs),
            "code": code_now(),
            "train": params.model_dump(mode="json"),
        }
        self._key = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
        self._path = CHECKPOINTS / f"{self._key[:32]}.json"
        self._history, self._workers = history, workers
        self._last_write = time.monotonic()
        self._seconds_to_write = 0.0
        self._has_warned = False
        self.state: State | None = None
        self._resume()

    def _resume(self) -> None:
        """Set `state` and the history to what an earlier process saved, in all processes alike."""
        saved = self._workers.broadcast(self._read() if self._workers.is_first else None)
        if saved is not None:
            self._history.restore(saved["history"])
            self.state = saved["state"]
            if self._workers.is_first:
                print(f"train: resuming from step {saved['state']['step']}")

    def at_step(self, state: Callable[[], State]) -> None:
        """Save the state if it is time; when asked to end, save it and raise Interrupted."""
        self._save_if_due(max(SECONDS_WITHIN_EPOCH, self._seconds_to_write / SHARE_OF_TIME), state)

    def at_epoch(self, state: Callable[[], State]) -> None:
        """Do the same after an epoch; epochs may be short for the time that writing takes."""
        self._save_if_due(self._seconds_to_write / SHARE_OF_TIME, state)

    def _save_if_due(self, seconds: float, state: Callable[[], State]) -> None:
        defer_signals()
        if pending_signal() and self._workers.is_first:
            step = state()["step"]
            saved = self.write(state)
            outcome = (
                f"step {step} is saved, run it again to resume from there"
                if saved
                else f"step {step} is lost"
            )
            raise Interrupted(pending_signal(), f"train: interrupted; {outcome}")
        if time.monotonic() - self._last_write >= min(MOST_SECONDS, seconds):
            self.write(state)

    def write(self, state: Callable[[], State]) -> bool:
        """Save the state now; returns whether it is on the disk.

        Training continues where it cannot be written, with one warning.
        """
        if not self._workers.is_first:
            return False
        started = time.monotonic()
        document = {"key": self._key, "state": state(), "history": self._history.as_data()}
        text = json.dumps(document | {"checksum": checksum(document)}, sort_keys=True)
        try:
            write_text(self._path, text + "\n")
        except (OSError, UserError) as error:
            self._warn(error)
            return False
        finally:
            self._last_write = time.monotonic()
            self._seconds_to_write = self._last_write - started
        return True

    def _warn(self, error: OSError | UserError) -> None:
        if not self._has_warned:
            why = error
            if isinstance(error, OSError):
                why = UserError(self._path.parent, os_error_reason(error))
            print(
                f"train: no checkpoint can be written, so a kill loses all the work: {why}",
                file=sys.stderr,
            )
        self._has_warned = True

    def delete(self) -> None:
        """Delete the checkpoint of a finished training; raises Interrupted if asked to end."""
        if self._workers.is_first:
            if pending_signal():
                raise Interrupted(pending_signal())
            # If it stays, the same training resumes from it and ends with the same result.
            with suppress(OSError):
                self._path.unlink()

    def _read(self) -> Mapping[str, Any] | None:
        """Read what was saved; a damaged checkpoint is reported and deleted."""
        if not self._path.exists():
            return None
        try:
            saved: dict[str, Any] = read_json(self._path)
            if saved.pop("checksum") == checksum(saved) and saved["key"] == self._key:
                return saved
            damage = "its checksum does not match"
        except (OSError, UserError, KeyError, TypeError, AttributeError) as error:
            damage = type(error).__name__
        print(f"train: {self._path} is damaged ({damage}); starting from the beginning")
        with suppress(OSError):
            self._path.unlink()
        return None
