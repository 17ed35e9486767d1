"""Where a training goes on that was killed: its state on disk, apart from the outputs, gone when it
has succeeded.

The state is weights, momentum, average, the number of steps taken, and the history of the epochs.
The random generators need no place in it: each is made from the seed and from what it is for, such
as the rows of a window in an epoch, so the number of steps says which batch comes next.
"""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from linreg.errors import Interrupted, UserError, refusal
from linreg.files import checksum, read_json, write_text
from linreg.fit.history import History
from linreg.params import Train
from linreg.process.signals import defer_signals, pending_signal
from linreg.process.source_hash import code_hash
from linreg.process.workers import Workers

CHECKPOINTS = Path(".linreg/checkpoints")
SECONDS, MOST_SECONDS = 5.0, 10.0
"""Between two checkpoints within an epoch, and between any two: the work that is lost at most."""
SHARE_OF_TIME = 0.05
"""What writing may take of the time, unless that would be too seldom; more checkpoints would buy
nothing.
"""

State = Mapping[str, Any]


class Checkpoint:
    """The state of one training, known by its inputs: their hashes, the code's, and the parameters
    of train.

    state  what an earlier process left, or None; the history then has the epochs that it had done
    """

    def __init__(
        self, inputs: Mapping[str, str], params: Train, history: History, workers: Workers
    ) -> None:
        document = {
            "inputs": dict(inputs),
            "code": code_hash(),
            "train": params.model_dump(mode="json"),
        }
        self._key = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
        self._path = CHECKPOINTS / f"{self._key[:32]}.json"
        self._history, self._workers = history, workers
        self._written, self._cost, self._told = time.monotonic(), 0.0, False
        self.state: State | None = None
        self._resume()

    def _resume(self) -> None:
        """Take up what an earlier process left, the same in all processes: `state`, and the
        history's epochs.

        A damaged file is no reason to stop: it is said and deleted.
        """
        found = self._workers.broadcast(self._read() if self._workers.first else None)
        if found is not None:
            self._history.restore(found["history"])
            self.state = found["state"]
            if self._workers.first:
                print(f"train: goes on from step {found['state']['step']}, where it was stopped")

    def at_step(self, state: Callable[[], State]) -> None:
        """Write the state if the last time is long enough ago; raises Interrupted, the state
        written, if asked to.
        """
        self._write_after(max(SECONDS, self._cost / SHARE_OF_TIME), state)

    def at_epoch(self, state: Callable[[], State]) -> None:
        """Do the same, unless epochs are so short that writing would take much of the time."""
        self._write_after(self._cost / SHARE_OF_TIME, state)

    def _write_after(self, seconds: float, state: Callable[[], State]) -> None:
        defer_signals()
        if pending_signal() and self._workers.first:
            step, saved = state()["step"], self.write(state)
            how = (
                f"step {step} is saved, run it again to go on from there"
                if saved
                else f"step {step} is lost"
            )
            raise Interrupted(pending_signal(), f"train: interrupted; {how}")
        if time.monotonic() - self._written >= min(MOST_SECONDS, seconds):
            self.write(state)

    def write(self, state: Callable[[], State]) -> bool:
        """Write the state now; where that cannot be done, training goes on all the same and it is
        said once.

        Returns whether the state is on the disk.
        """
        if not self._workers.first:
            return False
        began = time.monotonic()
        document = {"key": self._key, "state": state(), "history": self._history.as_data()}
        try:
            write_text(
                self._path,
                json.dumps(document | {"checksum": checksum(document)}, sort_keys=True) + "\n",
            )
        except (OSError, UserError) as error:
            if not self._told:
                why = (
                    f"{self._path.parent}: {refusal(error)}"
                    if isinstance(error, OSError)
                    else error
                )
                print(
                    f"train: no checkpoint can be written, so that a kill costs all the work: {why}",
                    file=sys.stderr,
                )
            self._told = True
            return False
        finally:
            self._written = time.monotonic()
            self._cost = self._written - began
        return True

    def delete(self) -> None:
        """Have the next training start from its beginning; raises Interrupted instead if asked
        to.
        """
        if self._workers.first:
            if pending_signal():
                raise Interrupted(pending_signal())
            with suppress(
                OSError
                # the same training, done again, would go on from it to the same result
            ):
                self._path.unlink(missing_ok=True)

    def _read(self) -> Mapping[str, Any] | None:
        if not self._path.exists():
            return None
        try:
            found: dict[str, Any] = read_json(self._path)
            if found.pop("checksum") == checksum(found) and found["key"] == self._key:
                return found
            damage = "its checksum does not fit"
        except (OSError, UserError, KeyError, TypeError, AttributeError) as error:
            damage = type(error).__name__
        print(f"train: {self._path} is damaged ({damage}); starting from the beginning")
        with suppress(OSError):
            self._path.unlink()
        return None
