"""List the runs that produced the outputs in dvc.lock, the newest first.

A run is found by the MD5s of its outputs, also where DVC restored them from its cache. The exit
code is 1 if there is none.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from linreg.dvc_lock import locked_hashes
from linreg.lineage.run_lookup import find_all_runs, find_runs_by_hash
from linreg.text import table
from linreg.tracking.journal.run_folder import RunFolder
from linreg.tracking.journal.sender_process import wait_for_run_id
from linreg.tracking.journal.store_location import project_root
from linreg.tracking.runs import OUTPUTS, KnownRun

NOT_SENT = "not sent yet"
HEADER = ("run", "key", "name", "started", "status", "commit", "experiment", "produced")
KEY_LENGTH = 8
COMMIT_LENGTH = 10
SECONDS_TO_SEND = 10.0
"""How long a run that is being sent is waited for, to show its id in MLflow."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--all", action="store_true", help="list all runs, whatever they produced")
    parser.add_argument(
        "--mlflow", action="store_true", help="also ask MLflow, for runs without a journal here"
    )


def run(args: argparse.Namespace) -> int:
    """Print a table; return 1 if it would be empty."""
    lock = project_root() / "dvc.lock"
    hashes = {} if args.all and not lock.exists() else locked_hashes(lock, OUTPUTS)
    if args.all:
        runs = find_all_runs(ask_mlflow=args.mlflow)
    else:
        runs = find_runs_by_hash(hashes, ask_mlflow=args.mlflow)
    if not runs:
        print(_no_runs(args.all, args.mlflow), file=sys.stderr)
        return 1
    print("\n".join(run_table([_with_id(run) for run in runs], hashes)))
    return 0


def _with_id(run: KnownRun) -> KnownRun:
    """Return the run with its id in MLflow, which is about to have it where a stage just ended."""
    if run.run_id or not run.key:
        return run
    return replace(run, run_id=wait_for_run_id(RunFolder(run.key), SECONDS_TO_SEND))


def run_table(runs: Sequence[KnownRun], hashes: Mapping[str, str]) -> list[str]:
    """Return a header and a line for each run; `hashes` are the outputs' MD5s by path."""
    return table([HEADER, *(_row(run, hashes) for run in runs)])


def _row(run: KnownRun, hashes: Mapping[str, str]) -> tuple[str, ...]:
    commit = run.tags.get("git.commit", "")[:COMMIT_LENGTH] or "–"
    dirty = " dirty" if run.tags.get("git.dirty") == "true" else ""
    cells = (
        run.run_id or NOT_SENT,
        run.key[:KEY_LENGTH] or "–",
        run.name,
        datetime.fromtimestamp(run.started / 1000).strftime("%Y-%m-%d %H:%M:%S"),
        run.status,
        commit + dirty,
        run.tags.get("dvc.experiment", "–"),
        run.produced(hashes) or "–",
    )
    # A name may have line breaks.
    return tuple(" ".join(cell.split()) for cell in cells)


def _no_runs(every_run: bool, mlflow: bool) -> str:
    where = "here or in MLflow" if mlflow else "here"
    if every_run:
        hint = "" if mlflow else "; `linreg runs --all --mlflow` also asks MLflow"
        return f"there are no runs {where}{hint}"
    hint = "" if mlflow else ", `linreg runs --mlflow` also asks MLflow"
    return (
        f"no run {where} produced the outputs in dvc.lock; `linreg runs --all` lists all runs{hint}"
    )
