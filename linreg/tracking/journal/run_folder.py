"""The folder of a run, kept until MLflow has everything, and the locks of its writers and sender.

.linreg/runs/KEY/
    journal.jsonl   every event in the order it happened; its writers hold a shared lock on it
    files/          copies of the artifacts and models that the journal names
    sent.json       how much of the journal MLflow has
    sender.lock     held by the one process that sends
    sync.log        the messages of that process
"""

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from linreg.errors import UserError
from linreg.process.lock import exclusive_lock, lock
from linreg.tracking.journal.events import ENDED, read_events
from linreg.tracking.journal.store_location import project_root
from linreg.tracking.journal.sync_state import DELETED, SyncState


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
        """The file for the messages of the process that sends the run while it is written."""
        return self.path / "sync.log"

    def resolve(self, path: str) -> Path:
        """Return where a copy is that the journal names by its path within the folder.

        Raises UserError for a path out of the folder.
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

    def sync_state(self) -> SyncState:
        """Return how much of the journal the present store has."""
        return SyncState.read(self._sync_file)

    def write_sync_state(self, state: SyncState) -> None:
        """Record how much of the journal the present store has."""
        state.write(self._sync_file)

    def reset_sync_state(self) -> None:
        """Have everything sent again; what MLflow has already stays as it is."""
        # Whether the run was deleted there is known from nothing else once `mlflow gc` has run.
        if not self.is_deleted():
            self._sync_file.unlink(missing_ok=True)

    def is_deleted(self) -> bool:
        """Tell whether the run was deleted in MLflow, as far as a sender has noticed."""
        return self.sync_state().status == DELETED

    def num_pending(self) -> int:
        """Return the number of events that are still to be sent: none of a run that was deleted."""
        state = self.sync_state()
        if state.status == DELETED:
            return 0
        offset = state.offset
        with self.journal.open("rb") as file:
            file.seek(offset)
            return sum(line.endswith(b"\n") for line in file)

    def is_synced(self) -> bool:
        """Tell whether MLflow has every event and knows how the run ended."""
        has_end = self.sync_state().status in (*ENDED, DELETED)
        return self.num_pending() == 0 and (has_end or self.has_writer())

    def has_writer(self) -> bool:
        """Tell whether a living process has the journal open for writing."""
        with self.journal.open("rb") as file:
            # Another process that only asks holds the lock too, for a moment.
            return not lock(file.fileno(), timeout=0.01)

    def has_sender(self) -> bool:
        """Tell whether a living process is sending the journal."""
        try:
            with self._sender_file.open("rb") as file:
                return not lock(file.fileno(), timeout=0)
        except FileNotFoundError:
            return False

    def sender_lock(self, timeout: float = 0.5) -> AbstractContextManager[bool]:
        """Hold the lock of this run's one sender for the block; yields whether it is held.

        timeout  seconds; a process that only asks whether there is a sender holds it for a moment
        """
        return exclusive_lock(self._sender_file, timeout=timeout)

    @property
    def _sender_file(self) -> Path:
        return self.path / "sender.lock"

    @property
    def _sync_file(self) -> Path:
        return self.path / "sent.json"


def run_folders() -> list[RunFolder]:
    """Return the runs that have started, in a fixed order."""
    return [
        RunFolder(journal.parent.name) for journal in _journals() if _first_kind(journal) == "start"
    ]


def unreadable_journals() -> list[Path]:
    """Return the journals whose first line is damaged: nothing tells which run they are of."""
    return [journal for journal in _journals() if _first_kind(journal) not in ("start", None)]


def open_journal(journal: Path) -> int:
    """Open a journal for appending, under a shared lock, and return its descriptor.

    The lock is shared because a stage that outlived a killed `dvc repro` may still write when the
    next one does. Their lines do not mix: each is one write to a file opened for appending. Closing
    the file, or dying, releases the lock.
    """
    descriptor = os.open(journal, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    lock(descriptor, shared=True)
    return descriptor


def _runs() -> Path:
    return project_root() / ".linreg" / "runs"


def _journals() -> list[Path]:
    return sorted(journal for journal in _runs().glob("*/journal.jsonl") if journal.is_file())


def _first_kind(journal: Path) -> str | None:
    """Return the kind of the first event, or None where a process died before it wrote one."""
    return next((event.kind for event in read_events(journal)), None)
