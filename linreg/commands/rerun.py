"""Execute a run again from its id: its commit, its parameters and its data, in a temporary folder
without any cache.

θ and b are compared bit for bit. The exit code is 0 when the model is the same, 1 when it is
different, 2 when the run could not be made again.
"""

import argparse
import sys
import time
from datetime import datetime

from linreg.errors import UserError
from linreg.lineage.lineage import run_named
from linreg.tracking.runs import KnownRun
from linreg.verify.clone import git
from linreg.verify.fingerprint import fingerprint
from linreg.verify.model_match import compare_model
from linreg.verify.run_clone import SOURCE, PastState, state_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the run."""
    parser.add_argument(
        "run_id",
        metavar="RUN_ID",
        help="its MLflow run id or its key, as `linreg runs` lists them; the beginning is enough",
    )


def run(args: argparse.Namespace) -> int:
    """Print from which state the run is made again, what was compared, and the verdict."""
    began = time.monotonic()
    past = run_named(args.run_id)
    with state_of(past) as state:
        _say_what_is_executed(past, state)
        state.project.execute()
        verdict = compare_model(past, state.project.folder)
        print("\n".join(["", *verdict.lines]))
        if verdict.data and state.source:
            raise UserError(
                past.label,
                f"its data differ: {', '.join(verdict.data)}",
                found=f"another {state.source} than then, which its commit does not hold",
                todo=f"bring the table that {SOURCE} named then",
            )
    words = "θ and b are the same, bit for bit" if verdict.same else "the model is NOT the same"
    print(f"\nrerun: {words}; {time.monotonic() - began:.0f} s")
    return 0 if verdict.same else 1


def _say_what_is_executed(past: KnownRun, state: PastState) -> None:
    started = datetime.fromtimestamp(past.started / 1000).strftime("%Y-%m-%d %H:%M:%S")
    print(f"{past.label}: {past.name}, {started}, {past.status}")
    print(
        f"commit {state.project.commit[:10]}: {git('log', '-1', '--format=%s', state.project.commit)}"
    )
    for change in state.changes:
        print(f"params.yaml: {change}")
    for each in state.project.brought:
        print(f"{each.path}: not in git, taken from here; its MD5 is that in dvc.lock")
    if state.source:
        print(f"{state.source}: not in git, taken as it is now")
    for note in state.notes:
        print(note)
    environment = fingerprint(state.project.folder / "requirements.lock")
    print("\n".join(environment.lines), flush=True)
    if not environment.matches:
        print("the environment is not the locked one, so that results may differ", file=sys.stderr)
