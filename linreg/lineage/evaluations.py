"""What a run was found to be: the folder that evaluate wrote, taken from here, from a revision, or
from a run.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from linreg.errors import UserError
from linreg.lineage.lineage import run_named
from linreg.tracking.journal.store_location import project_root
from linreg.tracking.runs import EVALUATION, KnownRun, journal_runs

WORKSPACE = "workspace"
FOLDER = "models/evaluation"
SHORTEST_ID = 4


class Evaluation(NamedTuple):
    """A folder like models/evaluation, and what to call it."""

    name: str
    folder: Path


@contextmanager
def evaluation_of(name: str) -> Iterator[Evaluation]:
    """Find what `name` says; what had to be fetched for it is gone at the end.

    It may be `workspace`, the name of a run, the beginning of its id or key, or a revision: a
    commit, a branch, a tag or an experiment of DVC. A run whose journal is here is found first, one
    that only MLflow knows last. Raises UserError when there is none of that name, or when it has no
    evaluation.
    """
    with TemporaryDirectory() as scratch:
        if name == WORKSPACE:
            yield Evaluation(name, project_root() / FOLDER)
        elif run := _run_here(name):
            yield Evaluation(run.name, evaluation_of_run(run, Path(scratch)))
        elif name and (folder := _of_revision(name, Path(scratch))):
            yield Evaluation(name, folder)
        else:
            run = run_named(name, "run or revision")
            yield Evaluation(run.name, evaluation_of_run(run, Path(scratch)))


def _run_here(name: str) -> KnownRun | None:
    runs = journal_runs()
    named = [run for run in runs if run.name == name and run.evaluation]
    is_id = len(name) >= SHORTEST_ID
    ids = [
        run for run in runs if is_id and (run.key.startswith(name) or run.run_id.startswith(name))
    ]
    # of runs with the same name the newest
    found = ids or named[:1]
    if len(found) > 1:
        raise UserError(
            f"run {name}",
            "is the beginning of more than one",
            todo="name more of it",
            found=", ".join(run.run_id or run.key for run in found),
        )
    return found[0] if found else None


def evaluation_of_run(run: KnownRun, scratch: Path) -> Path:
    """Return the folder that evaluate wrote: the copy that is kept here, or one fetched from MLflow
    into `scratch`.
    """
    if run.evaluation:
        return run.evaluation
    if not run.run_id:
        raise UserError(run.label, "has no evaluation", found=f"a run that is {run.status}")
    # imports MLflow, which takes seconds
    from linreg.tracking.mlflow.search import fetch_artifact

    return fetch_artifact(run, EVALUATION, scratch)


def _of_revision(name: str, scratch: Path) -> Path | None:
    """Return the evaluation at a revision, None where there is no such revision."""
    folder = scratch / "evaluation"
    command = [sys.executable, "-m", "dvc", "get", ".", FOLDER, "--rev", name, "-o", str(folder)]
    done = subprocess.run(command, cwd=project_root(), capture_output=True, text=True, check=False)  # noqa: S603 - no shell
    if done.returncode == 0:
        return folder
    told = [
        line.removeprefix("ERROR: ")
        for line in done.stderr.splitlines()
        if line.startswith("ERROR: ")
    ]
    reason = told[0] if told else "nothing"
    if "unknown Git revision" in reason or "failed to resolve" in reason.lower():
        return None
    raise UserError(
        f"revision {name}",
        f"has no {FOLDER} that could be fetched",
        found=reason,
        todo="run `dvc pull`, or the pipeline at that revision",
    )
