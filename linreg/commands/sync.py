"""Send to MLflow what it does not have yet: runs whose server was down, or whose sender was
stopped.
"""

import argparse
import logging
import os
import sys

from linreg.errors import UserError
from linreg.tracking.journal.run_folder import RunFolder, lost_journals, run_folders

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
    folders = run_folders()
    logging.getLogger("urllib3").setLevel(
        logging.ERROR
        # it tells every try that fails; one line is enough
    )
    if args.follow:
        return _follow(args.follow, folders)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    waiting = [folder for folder in folders if args.all or not folder.is_complete()]
    num_points, trouble, todo = 0, "", "run `linreg sync` again later"
    if waiting:
        from linreg.tracking.mlflow.store_errors import remedy

        # imports MLflow, which takes seconds
        from linreg.tracking.mlflow.sync import send_all

        result = send_all(waiting, again=args.all)
        num_points, trouble = result.num_points, result.trouble
        todo = remedy(trouble, todo)
    lost = lost_journals()
    for journal in lost:
        again = "delete its folder; `dvc repro --force --single-item evaluate` tracks the model that is here again"
        print(
            f"{journal}: its first line is damaged, so that nothing of it can be sent; {again}",
            file=sys.stderr,
        )
    pending = {folder.key: folder.pending() for folder in folders if not folder.is_complete()}
    line = (
        f"{_count(len(folders) - len(pending), 'run')} complete, {_count(num_points, 'point')} sent"
    )
    if pending:
        line += f"; {_count(len(pending), 'run')} with {_count(sum(pending.values()), 'event')} pending: "
        line += f"{trouble or 'more was written meanwhile'}; {todo}"
    print(line)
    return 1 if pending or lost else 0


def _follow(key: str, folders: list[RunFolder]) -> int:
    folder = RunFolder(key)
    if folder not in folders:
        raise UserError(
            "--follow", "there is no such run", found=key, todo="look into .linreg/runs"
        )
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    # the stage that is being followed has the first call on the processor
    os.nice(_NICENESS)
    if not folder.has_sender():
        # imports MLflow, which takes seconds
        from linreg.tracking.mlflow.sync import follow

        follow(folder)
    return 0 if folder.is_complete() else 1


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
