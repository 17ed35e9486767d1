"""Copies of outputs that are kept elsewhere: with a run, or as a version of a registered model."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from linreg.lineage.evaluation_lookup import FOLDER, fetch_evaluation
from linreg.lineage.fitted_models import model_of_run
from linreg.lineage.model_lookup import URI_SCHEMES, find_model
from linreg.lineage.run_lookup import find_run_by_id
from linreg.tracking.runs import DATA, MODEL, KnownRun


class OutputCopies(NamedTuple):
    """The copies of outputs by the paths of these, and the MD5s of others as dvc.lock has them."""

    name: str
    folders: dict[str, Path]
    hashes: dict[str, str]


@contextmanager
def copies_of_version(name: str) -> Iterator[OutputCopies]:
    """Yield the model of a registered model's version; what was fetched is deleted at the end.

    `name` is NAME/VERSION, NAME@ALIAS, or NAME alone for its champion. Raises UserError if there is
    no such version.
    """
    uri = name if name.startswith(URI_SCHEMES) else f"{URI_SCHEMES[0]}{name}"
    if not {"/", "@"} & set(uri.removeprefix(URI_SCHEMES[0])):
        uri += "@champion"
    with find_model(uri) as folder:
        yield OutputCopies(uri, {MODEL: folder}, {})


@contextmanager
def copies_of_run(run_id: str) -> Iterator[OutputCopies]:
    """Yield the model and the evaluation of a run, from its local copies or from MLflow.

    Raises UserError if there is no such run, or it has no model.
    """
    run = find_run_by_id(run_id)
    with tempfile.TemporaryDirectory() as scratch:
        folders = {MODEL: model_of_run(run, Path(scratch) / "model")}
        if _was_evaluated(run):
            folders[FOLDER] = fetch_evaluation(run, Path(scratch))
        hashes = {path: run.tags[path] for path in DATA if path in run.tags}
        yield OutputCopies(run.label, folders, hashes)


def _was_evaluated(run: KnownRun) -> bool:
    return run.evaluation is not None or "gates" in run.tags
