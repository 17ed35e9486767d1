"""Starts `linreg sync --follow` beside a stage and waits for it, if only for a moment."""

import logging
import os
import subprocess
import sys
import threading
import time

from linreg.tracking.journal.location import root
from linreg.tracking.journal.run_folder import RunFolder

SECONDS_OF_TROUBLE = 20.0
"""How long a failure tells that there is a follower, which tries again sooner than that."""
_log = logging.getLogger(__name__)


def start(folder: RunFolder) -> None:
    """Start the process that sends this run's journal, unless there is one.

    It outlives the stage (a session of its own, no terminal) and works in the repository's top,
    because the working directory of a queued experiment is deleted under it.
    """
    if folder.has_sender():
        return
    command = [sys.executable, "-m", "linreg", "sync", "--follow", folder.key]
    try:
        with folder.log.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own command
                command,
                cwd=root(),
                env={**os.environ, "DVC_ROOT": str(root())},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        _log.warning("cannot start `linreg sync --follow`: %s; run `linreg sync` later", error)
        return
    # Whoever starts a process has to wait for it, or it stays as a zombie until the stage ends.
    threading.Thread(target=process.wait, name=f"follower-{folder.key}", daemon=True).start()


def wait(folder: RunFolder, timeout: float) -> int:
    """Wait until MLflow has everything, at most `timeout` seconds; returns the number of events
    pending.

    A follower that died is started again, once. One that tells of trouble, such as a server that is
    down, has tried once more when the stage ended; if that failed too, there is little sense in
    waiting for it.
    """
    began, deadline = time.time(), time.monotonic() + timeout
    started_again = False
    while pending := folder.pending():
        trouble = _last_trouble(folder)
        if trouble > began or time.monotonic() >= deadline:
            break
        if (
            not started_again
            and not folder.has_sender()
            and time.time() - trouble >= SECONDS_OF_TROUBLE
        ):
            start(folder)
            started_again = True
        time.sleep(0.05)
    return pending


def _last_trouble(folder: RunFolder) -> float:
    """Return when the last try to send failed, in seconds since 1970; 0 if it did not."""
    sent = folder.sent()
    return sent.trouble_time if sent.trouble else 0.0
