"""The process that sends a run to MLflow while its stage writes it: `linreg sync --follow`."""

import logging
import os
import subprocess
import sys
import threading
import time

from linreg.tracking.journal.run_folder import RunFolder
from linreg.tracking.journal.store_location import project_root

SYNC = "LINREG_SYNC"
"""Environment variable; with `later` no process is started, and `linreg sync` sends the journal."""
LONGEST_RETRY_SECONDS = 20.0
"""For so long a failure shows that a sender is alive, which tries again sooner than that."""
_log = logging.getLogger(__name__)
_started: dict[str, "subprocess.Popen[bytes]"] = {}
"""The senders that this process has started, by the keys of their runs."""


def start(folder: RunFolder) -> None:
    """Start the process that sends this run's journal, unless there is one or none is wanted.

    It outlives the stage (a session of its own, no terminal). It runs at the top of the project,
    because the working directory of a queued experiment is deleted under it.
    """
    if os.environ.get(SYNC) == "later" or _has_sender(folder):
        return
    command = [sys.executable, "-m", "linreg", "sync", "--follow", folder.key]
    try:
        with folder.log.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own command
                command,
                cwd=project_root(),
                # SQLite takes the bytes of a path for UTF-8, whatever the locale.
                env={**os.environ, "DVC_ROOT": str(project_root()), "PYTHONUTF8": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        _log.warning("cannot start `linreg sync --follow`: %s; run `linreg sync` later", error)
        return
    _started[folder.key] = process
    # Without this it would stay a zombie until the stage ends.
    threading.Thread(target=process.wait, name=f"sender-{folder.key}", daemon=True).start()


def wait(folder: RunFolder, timeout: float) -> int:
    """Wait until MLflow has every event, at most `timeout` seconds; returns the number pending.

    No stage does this, only a command that needs the run in MLflow. With LINREG_SYNC=later nothing
    is waited for, and nothing counts as pending.
    A sender that died is started again, once. One that fails from now on, such as at a server that
    is down, is not waited for.
    """
    if os.environ.get(SYNC) == "later":
        return 0
    began = time.time()
    deadline = time.monotonic() + timeout
    restarted = False
    while pending := folder.num_pending():
        failure = _last_failure(folder)
        if failure > began or time.monotonic() >= deadline:
            break
        is_retrying = time.time() - failure < LONGEST_RETRY_SECONDS
        if not restarted and not is_retrying and not _has_sender(folder):
            start(folder)
            restarted = True
        time.sleep(0.05)
    return pending


def wait_for_run_id(folder: RunFolder, timeout: float) -> str:
    """Return the run's id in MLflow; empty if there is none and no process is about to send it.

    timeout  the seconds that such a process is waited for
    """
    deadline = time.monotonic() + timeout
    while not (run_id := folder.sync_state().run_id) and time.monotonic() < deadline:
        if not folder.has_sender():
            break
        time.sleep(0.05)
    return run_id


def _has_sender(folder: RunFolder) -> bool:
    """Tell whether a process is sending the journal, or is about to since this one started it."""
    started = _started.get(folder.key)
    return (started is not None and started.poll() is None) or folder.has_sender()


def _last_failure(folder: RunFolder) -> float:
    """Return when sending failed, in seconds since 1970, or 0 if the last try succeeded."""
    state = folder.sync_state()
    return state.last_error_time if state.last_error else 0.0
