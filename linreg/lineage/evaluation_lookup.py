"""Look up the evaluation of a run or revision: the folder that the evaluate stage has written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from linreg.dvc_command import dvc_error, run_dvc
from linreg.errors import UserError
from linreg.git import path_from_top
from linreg.lineage.run_lookup import find_run_by_id, only_run, runs_with_id
from linreg.tracking.journal.store_location import project_root
from linreg.tracking.runs import EVALUATION, KnownRun, journal_runs

WORKSPACE = "workspace"
FOLDER = "models/evaluation"
MIN_ID_LENGTH = 4
"""Fewer characters are no beginning of an id: they may be the name of a branch."""
NO_REVISION = ("unknown git revision", "failed to resolve")
"""DVC's messages for a revision that does not exist, in lower case."""


class NamedEvaluation(NamedTuple):
    """A folder like models/evaluation, and the name of its run or revision."""

    name: str
    folder: Path


@contextmanager
def find_evaluation(name: str) -> Iterator[NamedEvaluation]:
    """Yield the evaluation of a run or revision; what was downloaded is deleted at the end.

    `name` is `workspace`, the name of a run, the beginning of its id or key, the folder of an
    evaluation or of a project with one, or a revision: commit, branch, tag or DVC experiment. Runs
    with a journal come first, runs that only MLflow has last.
    Raises UserError if there is nothing of that name, or nothing evaluated.
    """
    with TemporaryDirectory() as scratch:
        if name == WORKSPACE:
            yield NamedEvaluation(name, project_root() / FOLDER)
        elif run := _run_with_journal(name):
            yield NamedEvaluation(run.name, fetch_evaluation(run, Path(scratch)))
        elif Path(name).is_dir():
            inside = Path(name) / FOLDER
            yield NamedEvaluation(name, inside if inside.is_dir() else Path(name))
        elif name and fetch_from_revision(name, FOLDER, folder := Path(scratch) / "evaluation"):
            yield NamedEvaluation(name, folder)
        else:
            run = find_run_by_id(name, "run or revision")
            yield NamedEvaluation(run.name, fetch_evaluation(run, Path(scratch)))


def fetch_evaluation(run: KnownRun, scratch: Path) -> Path:
    """Return the folder of a run's evaluation: its local copy, or one downloaded into `scratch`.

    Raises UserError if the run has none.
    """
    if run.evaluation:
        return run.evaluation
    if not run.run_id:
        raise UserError(run.label, "has no evaluation", found=f"a run that is {run.status}")
    # Imports MLflow, which takes seconds.
    from linreg.tracking.mlflow.search import fetch_artifact

    return fetch_artifact(run, EVALUATION, scratch)


def _run_with_journal(name: str) -> KnownRun | None:
    """Return the run of that id or key, or the newest of that name; None if no journal has one."""
    runs = journal_runs()
    by_id = runs_with_id(name, runs) if len(name) >= MIN_ID_LENGTH else []
    by_name = [run for run in runs if run.name == name and run.evaluation]
    found = by_id or by_name[:1]
    return only_run(found, f"run {name}") if found else None


def fetch_from_revision(name: str, output: str, folder: Path) -> bool:
    """Fetch an output of the pipeline at a revision into a folder; False without such a revision.

    Raises UserError if the revision does not have it, or it is in no cache.
    """
    project = project_root()
    path = path_from_top(output, project)
    done = run_dvc("get", ".", path, "--rev", name, "-o", str(folder), folder=project)
    if done.returncode == 0:
        return True
    error = dvc_error(done)
    if any(message in error.lower() for message in NO_REVISION):
        return False
    raise UserError(
        f"revision {name}",
        f"has no {output} that could be fetched",
        found=error,
        todo="run `dvc pull`, or the pipeline at that revision",
    )
