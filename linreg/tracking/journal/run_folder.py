"""What is kept of a run until MLflow has it, and who works on it.

.linreg/runs/KEY/
    journal.jsonl   every event in the order it happened; its writers hold a shared lock on it
    files/          copies of the artifacts and models that the journal names
    sent.json       how much of the journal MLflow has
    sender.lock     held by the one process that sends
    sync.log        what that process had to say
"""

import dataclasses
import logging
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from linreg.errors import UserError
from linreg.files import read_document, write_document
from linreg.process.lock import exclusive_lock, lock
from linreg.tracking.journal.events import ENDED, read
from linreg.tracking.journal.location import (
    is_own_store,
    own_database,
    root,
    tracking_uri,
    without_credentials,
)

PATIENCE_FOR_STORE = 60.0
"""Seconds; whoever holds the store's lock opens the store, which takes two."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sent:
    """How much of a journal a store has: everything before byte `offset`."""

    tracking_uri: str = ""
    run_id: str = ""
    model_id: str = ""
    status: str = ""
    offset: int = 0
    trouble: str = ""
    """Why the last try to send failed; empty when it did not."""
    trouble_time: float = 0.0
    """When that was, in seconds since 1970."""


@dataclass(frozen=True)
class RunFolder:
    """The folder of the run that is known by `key`, whether it exists or not."""

    key: str

    @property
    def path(self) -> Path:
        """The folder itself."""
        return _runs() / self.key

    @property
    def journal(self) -> Path:
        """The file that the run's events are appended to."""
        return self.path / "journal.jsonl"

    @property
    def log(self) -> Path:
        """The file that a follower's messages go to."""
        return self.path / "sync.log"

    def copy(self, path: str) -> Path:
        """Return where a copy that the journal names lies; raises UserError for one outside of the
        folder.
        """
        copy = self.path / path
        if not copy.resolve().is_relative_to(self.path.resolve()):
            raise UserError(
                self.journal,
                "names a file outside of the run's folder",
                found=path,
                todo="delete the run",
            )
        return copy

    def sent(self) -> Sent:
        """Return how much the present store has, which is nothing if something was sent to another
        one.
        """
        file = self.path / "sent.json"
        here = Sent(tracking_uri=without_credentials(tracking_uri()))
        if not file.exists() or (is_own_store() and not own_database().exists()):
            return here
        try:
            sent = Sent(**read_document(file))
        except (UserError, TypeError) as error:
            # Sending everything again adds nothing that MLflow has already, so this is safe.
            _log.warning("%s; the run is sent from its beginning", error)
            return here
        return sent if sent.tracking_uri == here.tracking_uri else here

    def record(self, sent: Sent) -> None:
        """Remember how much the present store has."""
        write_document(self.path / "sent.json", dataclasses.asdict(sent))

    def forget(self) -> None:
        """Have everything sent again; what MLflow has already stays as it is."""
        (self.path / "sent.json").unlink(missing_ok=True)

    def pending(self) -> int:
        """Return the number of events that are yet to be sent."""
        offset = self.sent().offset
        with self.journal.open("rb") as file:
            file.seek(offset)
            return sum(line.endswith(b"\n") for line in file)

    def is_complete(self) -> bool:
        """Tell whether MLflow has every event and knows how the run ended."""
        return self.pending() == 0 and (self.sent().status in ENDED or self.has_writer())

    def has_writer(self) -> bool:
        """Tell whether a living process has the journal open for writing."""
        with self.journal.open("rb") as file:
            # Another process that only asks holds the lock too, for a moment.
            return not lock(file.fileno(), timeout=0.01)

    def has_sender(self) -> bool:
        """Tell whether a living process is sending the journal."""
        with self.sending(timeout=0) as ours:
            return not ours

    def sending(self, timeout: float = 0.5) -> AbstractContextManager[bool]:
        """Hold the lock of this run's one sender for the block; yields whether it is held."""
        return exclusive_lock(self.path / "sender.lock", timeout=timeout)


def run_folders() -> list[RunFolder]:
    """Return the runs that have begun, in a fixed order."""
    return [
        RunFolder(journal.parent.name)
        for journal in _journals()
        if next(_kinds(journal), "") == "start"
    ]


def lost_journals() -> list[Path]:
    """Return the journals whose first line is damaged: nothing tells which run they are of."""
    return [journal for journal in _journals() if next(_kinds(journal), "start") != "start"]


@contextmanager
def store_lock() -> Iterator[None]:
    """Hold the lock that keeps two processes from creating the same store or experiment at once.

    Raises UserError when another process, a stopped one for instance, does not give it back.
    """
    path = state_folder() / "store.lock"
    with exclusive_lock(path, timeout=PATIENCE_FOR_STORE) as acquired:
        if not acquired:
            raise UserError(
                path,
                f"has been held by another process for {PATIENCE_FOR_STORE:.0f} s",
                todo="`fuser` shows which; end it",
            )
        yield


def state_folder() -> Path:
    """Return the folder for what is ours and nobody else's, which exists afterwards."""
    folder = root() / ".linreg"
    folder.mkdir(exist_ok=True)
    return folder


def _runs() -> Path:
    return root() / ".linreg" / "runs"


def _journals() -> list[Path]:
    return sorted(journal for journal in _runs().glob("*/journal.jsonl") if journal.is_file())


def _kinds(journal: Path) -> Iterator[str]:
    """Yield what kinds of events a journal holds; the first is missing where a process died before
    it said anything.
    """
    return (event.kind for event in read(journal))


def lock_for_writing(journal: Path) -> int:
    """Open a journal for appending and return its descriptor; closing it, or dying, gives the lock
    back.

    The lock is shared, because a stage that outlived a killed `dvc repro` may still write when the
    next one does. Its lines and ours do not mix: each is one write to a file opened for appending.
    """
    descriptor = os.open(journal, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    lock(descriptor, shared=True)
    return descriptor
