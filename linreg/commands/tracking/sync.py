"""Send to MLflow the runs, or parts of runs, that it does not have yet.

It lacks them when its server was down, or when the process that sends a run was stopped.
"""

import argparse
import logging
import os
import sys
from contextlib import ExitStack

from linreg.errors import UserError
from linreg.text import count_of
from linreg.tracking.journal.run_folder import RunFolder, run_folders, unreadable_journals

_NICENESS = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--follow", metavar="KEY", help="send one run as it is written (the stages start this)"
    )
    which.add_argument(
        "--all",
        action="store_true",
        help="send every run from its beginning; what MLflow has stays as it is",
    )


def run(args: argparse.Namespace) -> int:
    """Return 0 when nothing is pending any more, else 1."""
    # urllib3 would log every try that fails, where one line at the end is enough.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    folders = run_folders()
    if args.follow:
        return _follow(args.follow, folders)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    num_points, error = _send(folders, everything=args.all)
    unreadable = unreadable_journals()
    for journal in unreadable:
        print(
            f"{journal}: its first line is damaged, so that nothing of it can be sent; delete its"
            " folder; `dvc repro --force --single-item evaluate` tracks the model that is here"
            " again",
            file=sys.stderr,
        )
    pending = {folder.key: folder.num_pending() for folder in folders if not folder.is_synced()}
    num_complete = len(folders) - len(pending)
    line = f"{count_of(num_complete, 'run')} complete, {count_of(num_points, 'point')} sent"
    if pending:
        events = count_of(sum(pending.values()), "event")
        line += f"; {count_of(len(pending), 'run')} with {events} pending: "
        line += error or "more was written meanwhile; run `linreg sync` again later"
    elif error:
        # What was sent before is on record, whether or not the store still has it.
        line += f"; not everything was sent again: {error}"
    print(line)
    return 1 if pending or error or unreadable else 0


def _send(folders: list[RunFolder], *, everything: bool) -> tuple[int, str]:
    """Send what is pending, or everything; returns the number of points, and why not all are sent.

    The reason says what to do, too.
    """
    folders = [folder for folder in folders if everything or not folder.is_synced()]
    if not folders:
        return 0, ""
    # Imported here because they import MLflow, which takes seconds.
    from linreg.tracking.mlflow.store_errors import remedy
    from linreg.tracking.mlflow.sync import send_all

    result = send_all(folders, from_start=everything)
    todo = remedy(result.error, "run `linreg sync` again later")
    return result.num_points, result.error and f"{result.error}; {todo}"


def _follow(key: str, folders: list[RunFolder]) -> int:
    folder = RunFolder(key)
    if folder not in folders:
        raise UserError(
            "--follow", "there is no such run", found=key, todo="look into .linreg/runs"
        )
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    # The stage that writes the run has priority for the processor.
    os.nice(_NICENESS)
    with ExitStack() as lock:
        if lock.enter_context(folder.sender_lock()):
            # Importing MLflow takes seconds, in which nobody may start another sender.
            from linreg.tracking.mlflow.sync import follow

            follow(folder, lock)
    return 0 if folder.is_synced() else 1
