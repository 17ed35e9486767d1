"""Look up models with their moments by what a command calls them: a folder, a run or a revision."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from linreg.errors import UserError
from linreg.files import content_hash
from linreg.lineage.evaluation_lookup import MIN_ID_LENGTH, WORKSPACE, fetch_from_revision
from linreg.lineage.model_lookup import URI_SCHEMES, find_model
from linreg.lineage.run_lookup import find_run_by_id, only_run, runs_with_id
from linreg.tracking.journal.store_location import project_root
from linreg.tracking.runs import MODEL, KnownRun, journal_runs


class NamedModel(NamedTuple):
    """A folder like models/model, and what it is called."""

    name: str
    folder: Path


@contextmanager
def find_fitted_model(name: str) -> Iterator[NamedModel]:
    """Yield the model of that name; what was downloaded is deleted at the end.

    `name` is the folder of a model or of a project with one, `workspace`, a run (its name, or the
    beginning of its id), a revision, or a URI of MLflow. Raises UserError if there is none.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        if name == WORKSPACE:
            yield NamedModel(name, project_root() / MODEL)
        elif name.startswith(URI_SCHEMES):
            with find_model(name) as found:
                yield NamedModel(name, found)
        elif Path(name).is_dir():
            inside = Path(name) / MODEL
            yield NamedModel(name, inside if inside.is_dir() else Path(name))
        elif run := _run_with_journal(name):
            yield NamedModel(run.name, model_of_run(run, folder))
        elif name and fetch_from_revision(name, MODEL, folder):
            yield NamedModel(name, folder)
        else:
            run = find_run_by_id(name, "model")
            yield NamedModel(run.name, model_of_run(run, folder))


def _run_with_journal(name: str) -> KnownRun | None:
    """Return the run of that id or key, or the newest of that name; None if no journal has one."""
    runs = journal_runs()
    by_id = runs_with_id(name, runs) if len(name) >= MIN_ID_LENGTH else []
    by_name = [run for run in runs if run.name == name and run.model]
    found = by_id or by_name[:1]
    return only_run(found, f"run {name}") if found else None


def model_of_run(run: KnownRun, folder: Path) -> Path:
    """Return the local copy of a run's model, or one downloaded into `folder`."""
    model_hash = run.tags.get(MODEL, "")
    if not model_hash:
        raise UserError(run.label, "has no model", found=f"a run that is {run.status}")
    if run.model is not None and content_hash(run.model) == model_hash:
        return run.model
    if not run.run_id:
        raise UserError(run.label, "has no copy of its model here, and MLflow does not have it")
    # Imports MLflow, which takes seconds.
    from linreg.tracking.mlflow.model_registry import Registry

    _, artifact = Registry.open("", create=False).model_of_run(run.run_id, model_hash, folder)
    return artifact
