"""Sends runs to MLflow: all journals at once, or one of them while it is written."""

import logging
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace

from mlflow import MlflowClient

from linreg.tracking.journal.events import RUNNING, has_ended
from linreg.tracking.journal.run_folder import RunFolder
from linreg.tracking.journal.store_location import tracking_uri
from linreg.tracking.mlflow.send import RunSender
from linreg.tracking.mlflow.store import open_store, require_answer
from linreg.tracking.mlflow.store_errors import TRACKING_ERRORS, reason

POLL_SECONDS = 0.1
SECONDS_BETWEEN_BATCHES = 1.0
SECONDS_FOR_NEXT_STAGE = 20.0
"""How long the sender of a finished run waits for the stage that evaluates the model."""
SECONDS_OF_RETRIES = 30.0
"""How long sending is retried after the last writer has ended."""
MAX_BACKOFF_SECONDS = 15.0
SECONDS_FOR_SENDER = 60.0
"""How long the sender of an ended stage may need for what is left, most of it to import MLflow.

It does not hold its lock while it waits after a failure, and a request that is not answered fails
after ten seconds.
"""
_log = logging.getLogger(__name__)


@dataclass
class SyncResult:
    """The outcome of sending several runs."""

    num_points: int = 0
    error: str = ""
    """Why the first run that could not be sent could not."""


def send_all(folders: Sequence[RunFolder], *, from_start: bool = False) -> SyncResult:
    """Send the runs one after the other, what MLflow does not have yet or everything `from_start`.

    A failure of one does not hold up the others, unless the store is down.
    """
    result = SyncResult()
    try:
        client = open_store()
    except TRACKING_ERRORS as error:
        return SyncResult(error=reason(error))
    for folder in folders:
        timeout = 0.5 if folder.has_writer() else SECONDS_FOR_SENDER
        with folder.sender_lock(timeout) as acquired:
            if not acquired:
                result.error = result.error or "another process is sending it"
                continue
            if from_start:
                folder.reset_sync_state()
            try:
                result.num_points += RunSender(folder, client).send()
            except TRACKING_ERRORS as error:
                recorded = _record_error(folder, error)
                result.error = result.error or recorded
                if not _is_up(client):
                    break
    return result


def follow(folder: RunFolder, lock: ExitStack) -> None:
    """Send a run while it is written, until it has ended, its writer died or the store stays down.

    This process is the run's one sender, except while it waits after a failure; it ends if another
    process is.

    lock  holds the run's `sender_lock`
    """
    _LiveSender(folder).run(lock)


class _LiveSender:
    """The sender of one run that is being written, with the times that decide when it sends."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._sender: RunSender | None = None
        self._num_failures = 0
        self._last_try = -SECONDS_BETWEEN_BATCHES
        self._size_tried = 0
        self._last_activity = time.monotonic()

    def run(self, lock: ExitStack) -> None:
        """Send until there is nothing more to wait for."""
        acquired = True
        while True:
            has_writer = self._folder.has_writer()
            if has_writer or self._has_news():
                self._last_activity = time.monotonic()
            if self._is_due(has_writer):
                acquired = acquired or lock.enter_context(self._folder.sender_lock())
                if not acquired:
                    return
                self._try_to_send()
            if self._sender is not None and self._sender.is_deleted:
                return
            if self._num_failures:
                # So that `linreg sync` need not wait for the next try.
                lock.close()
                acquired = False
            if not has_writer and self._is_over():
                return
            time.sleep(POLL_SECONDS)

    def _has_news(self) -> bool:
        """Tell whether the journal has grown since the last success; not while sending fails."""
        if self._num_failures:
            return False
        return self._sender is None or self._folder.journal.stat().st_size > self._sender.offset

    def _is_due(self, has_writer: bool) -> bool:
        waited = time.monotonic() - self._last_try
        journal = self._folder.journal
        if self._num_failures:
            # The stage that has ended may be the last one for long.
            just_ended = journal.stat().st_size > self._size_tried and has_ended(journal)
            backoff = min(0.5 * 2.0**self._num_failures, MAX_BACKOFF_SECONDS)
            return just_ended or waited >= backoff
        if self._sender is None or (not has_writer and self._sender.state.status == RUNNING):
            return True
        return self._has_news() and (waited >= SECONDS_BETWEEN_BATCHES or has_ended(journal))

    def _try_to_send(self) -> None:
        self._last_try = time.monotonic()
        self._size_tried = self._folder.journal.stat().st_size
        try:
            if self._sender is None:
                self._sender = RunSender(self._folder, open_store())
            num_points = self._sender.send()
        except TRACKING_ERRORS as error:
            self._num_failures += 1
            # Another process may send until the next try, which then has to read what it has sent.
            self._sender = None
            _log.warning("not sent: %s", _record_error(self._folder, error))
        else:
            self._num_failures = 0
            status = self._sender.state.status
            _log.info("sent %d points; MLflow shows the run as %s", num_points, status)

    def _is_over(self) -> bool:
        idle = time.monotonic() - self._last_activity
        if self._num_failures or self._sender is None:
            return idle >= SECONDS_OF_RETRIES
        state = self._sender.state
        if self._has_news() or state.status == RUNNING:
            return False
        return not state.ended or state.final or idle >= SECONDS_FOR_NEXT_STAGE


def _record_error(folder: RunFolder, error: BaseException) -> str:
    """Record why sending failed, for the stages and commands that tell the user; returns it."""
    text = reason(error)
    # The reason may be a full disk, on which there is no place for it either.
    with suppress(OSError):
        state = replace(folder.sync_state(), last_error=text, last_error_time=time.time())
        folder.write_sync_state(state)
    return text


def _is_up(client: MlflowClient) -> bool:
    try:
        require_answer(tracking_uri())
        client.search_experiments(max_results=1)
    except TRACKING_ERRORS as error:
        _log.info("the store does not answer: %s", reason(error))
        return False
    return True
