"""When to send: all journals at once, or one of them while it is being written."""

import logging
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace

from mlflow import MlflowClient

from linreg.tracking.journal.events import RUNNING, ends_with_end
from linreg.tracking.journal.location import tracking_uri
from linreg.tracking.journal.run_folder import RunFolder
from linreg.tracking.mlflow.send import Sender
from linreg.tracking.mlflow.store import open_store, require_answer
from linreg.tracking.mlflow.store_errors import TRACKING_ERRORS, reason

POLL_SECONDS = 0.1
SECONDS_BETWEEN_BATCHES = 1.0
SECONDS_FOR_NEXT_STAGE = 20.0
"""How long a finished run is watched on, since the stage that judges the model writes to it too."""
SECONDS_OF_TROUBLE = 30.0
"""How long sending is tried again once nobody writes any more."""
LONGEST_PAUSE = 15.0
SECONDS_FOR_FOLLOWER = 15.0
"""How long a follower whose stage has ended may take for what it is sending; a call that is not
answered takes ten.
"""
_log = logging.getLogger(__name__)


@dataclass
class Result:
    """What came of sending several runs."""

    num_points: int = 0
    trouble: str = ""
    """Why the first run that could not be sent could not."""


def send_all(folders: Sequence[RunFolder], *, again: bool = False) -> Result:
    """Send the runs one after the other, from their beginning if `again`.

    Trouble with one does not keep back the others, unless the store is down.
    """
    result = Result()
    try:
        client = open_store()
    except TRACKING_ERRORS as error:
        return Result(trouble=reason(error))
    for folder in folders:
        with folder.sending(timeout=0.5 if folder.has_writer() else SECONDS_FOR_FOLLOWER) as ours:
            if not ours:
                result.trouble = result.trouble or "another process is sending it"
                continue
            if again:
                folder.forget()
            try:
                result.num_points += Sender(folder, client).send()
            except TRACKING_ERRORS as error:
                result.trouble = result.trouble or _noted(folder, error)
                if not _answers(client):
                    break
    return result


def follow(folder: RunFolder) -> None:
    """Send a run while it is written, until it has ended, its writer died or the store stays away.

    This process is the run's one sender, except when it pauses after a failure; it ends if another
    is.
    """
    _Follower(folder).run()


class _Follower:
    """One run's sender, with the times that decide when it acts and when it stops."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._sender: Sender | None = None
        self._failures = 0
        self._last_try = -SECONDS_BETWEEN_BATCHES
        self._size_tried = 0
        self._last_sign_of_life = time.monotonic()

    def run(self) -> None:
        """Send until there is nothing more to wait for."""
        with ExitStack() as lock:
            is_ours = False
            while True:
                has_writer = self._folder.has_writer()
                if has_writer or self._has_news():
                    self._last_sign_of_life = time.monotonic()
                if self._is_due(has_writer):
                    is_ours = is_ours or lock.enter_context(self._folder.sending())
                    if not is_ours:
                        return
                    self._try()
                if self._failures:
                    # so that `linreg sync` need not wait for the next try
                    lock.close()
                    is_ours = False
                if not has_writer and self._is_over():
                    return
                time.sleep(POLL_SECONDS)

    def _has_news(self) -> bool:
        """Tell whether the journal has grown since the last success; what cannot be sent is no
        news.
        """
        if self._failures:
            return False
        return self._sender is None or self._folder.journal.stat().st_size > self._sender.offset

    def _is_due(self, has_writer: bool) -> bool:
        waited = time.monotonic() - self._last_try
        if self._failures:
            # A stage that ends waits to hear whether the store is back, and may be the last one for
            # long.
            has_ended = self._folder.journal.stat().st_size > self._size_tried and ends_with_end(
                self._folder.journal
            )
            return has_ended or waited >= min(0.5 * 2.0**self._failures, LONGEST_PAUSE)
        if self._sender is None or (not has_writer and self._sender.ending.status == RUNNING):
            return True
        return self._has_news() and (
            waited >= SECONDS_BETWEEN_BATCHES or ends_with_end(self._folder.journal)
        )

    def _try(self) -> None:
        self._last_try = time.monotonic()
        self._size_tried = self._folder.journal.stat().st_size
        try:
            if self._sender is None:
                self._sender = Sender(self._folder, open_store())
            num_points = self._sender.send()
        except TRACKING_ERRORS as error:
            self._failures += 1
            # another process may send until the next try
            self._sender = None
            _log.warning("not sent: %s", _noted(self._folder, error))
        else:
            self._failures = 0
            _log.info(
                "sent %d points; MLflow shows the run as %s", num_points, self._sender.ending.status
            )

    def _is_over(self) -> bool:
        silence = time.monotonic() - self._last_sign_of_life
        if self._failures or self._sender is None:
            return silence >= SECONDS_OF_TROUBLE
        ending = self._sender.ending
        if self._has_news() or ending.status == RUNNING:
            return False
        return not ending.ended or ending.final or silence >= SECONDS_FOR_NEXT_STAGE


def _noted(folder: RunFolder, error: BaseException) -> str:
    """Keep the reason where the stage that waits for the follower sees it; returns it."""
    text = reason(error)
    # of a full disk, on which the reason finds no place either
    with suppress(OSError):
        folder.record(replace(folder.sent(), trouble=text, trouble_time=time.time()))
    return text


def _answers(client: MlflowClient) -> bool:
    try:
        require_answer(tracking_uri())
        client.search_experiments(max_results=1)
    except TRACKING_ERRORS as error:
        _log.info("the store does not answer: %s", reason(error))
        return False
    return True
