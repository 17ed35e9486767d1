"""List the runs that produced the outputs in dvc.lock, the newest first, also where DVC restored
them from its cache.

A run is known by its outputs' MD5s. Exit code 1 when none is found.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime

from linreg.dvc_lock import locked_hashes
from linreg.lineage.lineage import all_runs, runs_of
from linreg.tracking.journal.store_location import project_root
from linreg.tracking.runs import OUTPUTS, KnownRun

NOT_SENT = "not sent yet"
HEADER = ("run", "key", "name", "started", "status", "commit", "experiment", "made")
LENGTH_OF_KEY, LENGTH_OF_COMMIT = 8, 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--all", action="store_true", help="list every run, whatever it made")
    parser.add_argument(
        "--mlflow", action="store_true", help="ask MLflow too, for runs whose journal is not here"
    )


def run(args: argparse.Namespace) -> int:
    """Print a table; 1 when there is nothing in it."""
    lock = project_root() / "dvc.lock"
    hashes = {} if args.all and not lock.exists() else locked_hashes(lock, OUTPUTS)
    runs = all_runs(ask_mlflow=args.mlflow) if args.all else runs_of(hashes, ask_mlflow=args.mlflow)
    if not runs:
        print(_nothing(args.all, args.mlflow), file=sys.stderr)
        return 1
    print("\n".join(table(runs, hashes)))
    return 0


def table(runs: Sequence[KnownRun], hashes: Mapping[str, str]) -> list[str]:
    """Return a header and a line per run: what it is known by, its code, and which outputs of
    `hashes` it made.
    """
    lines = [HEADER, *(_cells(each, hashes) for each in runs)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def _cells(run: KnownRun, hashes: Mapping[str, str]) -> tuple[str, ...]:
    commit = run.tags.get("git.commit", "")[:LENGTH_OF_COMMIT] or "–"
    dirty = " dirty" if run.tags.get("git.dirty") == "true" else ""
    cells = (
        run.run_id or NOT_SENT,
        run.key[:LENGTH_OF_KEY] or "–",
        run.name,
        datetime.fromtimestamp(run.started / 1000).strftime("%Y-%m-%d %H:%M:%S"),
        run.status,
        commit + dirty,
        run.tags.get("dvc.experiment", "–"),
        run.produced(hashes) or "–",
    )
    return tuple(" ".join(cell.split()) for cell in cells)


def _nothing(everything: bool, mlflow: bool) -> str:
    where = "here or in MLflow" if mlflow else "here"
    if everything:
        return f"no run is known {where}{'' if mlflow else '; `linreg runs --all --mlflow` asks MLflow too'}"
    more = "`linreg runs --all` lists every run" + (
        "" if mlflow else ", `linreg runs --mlflow` asks MLflow too"
    )
    return f"no run that is known {where} made the outputs in dvc.lock; {more}"
