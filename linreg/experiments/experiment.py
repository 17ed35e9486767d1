"""A DVC experiment: the pipeline run with some parameters changed, in a copy of the workspace.

So nothing in the workspace and its repository changes, whatever becomes of the experiment. In the
end its results are stored under its name, as by `dvc exp run`, for `dvc exp show` and `dvc exp
apply`.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from linreg.dvc_command import UTF_8, require_dvc
from linreg.errors import UserError
from linreg.experiments.workspace_copy import workspace_copy
from linreg.git import environment_of_folder, git, path_from_top
from linreg.params.file import PARAMS_FILE, load_params, parse_params
from linreg.params.metric_names import CV, own_metrics_in
from linreg.params.params import flatten
from linreg.table_tracking import is_in_experiments
from linreg.tracking.journal.store_location import PROJECT, project_root

METRICS = "models/evaluation/metrics.json"
MODEL = "models/model/model.json"
GENERATED = "data/raw/generated.parquet"
METRIC_NAMES = ("rmse", "r2", "mae", "max_error", "mse")


class RefusedError(Exception):
    """A stage refused the parameters of an experiment; the message is the stage's."""


@dataclass(frozen=True)
class Experiment:
    """An experiment that has run; `existed` if it did so before it was asked for."""

    name: str
    commit: str
    existed: bool

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """The metrics by part, as in metrics.json."""
        return self._read_json(METRICS)

    def values(self) -> dict[str, float]:
        """Return θ, b and all metrics by their MLflow names: b, theta.x1, gap, test_rmse."""
        model = self._read_json(MODEL)
        metrics = self.metrics
        values = {"b": model["b"]} if model["intercept"] else {}
        values |= {f"theta.{name}": value for name, value in model["theta"].items()}
        if metrics["gap"] is not None:
            values["gap"] = metrics["gap"]
        for part in ("test", "validation", "train", CV):
            of_part = metrics.get(part, {})
            for name in METRIC_NAMES if part == CV else [*METRIC_NAMES, *own_metrics_in([of_part])]:
                if of_part.get(name) is not None:
                    values[f"{part}_{name}"] = of_part[name]
        return values

    def _read_json(self, path: str) -> dict[str, Any]:
        # It takes a second to import.
        import dvc.api
        from dvc.exceptions import DvcException
        from dvc_data.index import DataIndexDirError

        try:
            return dict(json.loads(dvc.api.read(path_from_top(path), rev=self.commit)))
        except (DvcException, DataIndexDirError) as error:
            what = f"has a {path} that is not in DVC's cache"
            todo = f"run `dvc exp remove {self.name}`, and it is made again"
            raise UserError(f"experiment {self.name}", what, found=error, todo=todo) from None


def run_experiment(name: str, changes: Mapping[str, Any]) -> Experiment:
    """Run the pipeline with parameters changed, named as `section.key`, unless it has run before.

    Raises RefusedError when a stage refuses its parameters or its training diverges; UserError when
    DVC fails, or an experiment of that name has other parameters. Ctrl-C is passed on to DVC.
    """
    # It may be another one when the experiment has run.
    head = git("rev-parse", "HEAD")
    if commit := _commit_of(name, head):
        _require_same_parameters(name, commit, changes)
        return Experiment(name, commit, existed=True)
    require_dvc()
    _require_writable_repository()
    with workspace_copy(head, _untracked_table()) as folder:
        _run_in(folder, name, changes)
        ref = _ref_of(name, head)
        fetch = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance")
        git(*fetch, git("rev-parse", "--show-toplevel", folder=folder), f"{ref}:{ref}")
    return Experiment(name, _commit_of(name, head), existed=False)


def _require_writable_repository() -> None:
    """Raise UserError before the work where its results could not be kept."""
    folder = Path(git("rev-parse", "--git-common-dir")).resolve()
    if not os.access(folder, os.W_OK):
        what = "cannot be written, and experiments are kept there"
        raise UserError(folder, what, todo="clone the repository, and run it in the clone")


def _run_in(folder: Path, name: str, changes: Mapping[str, Any]) -> None:
    command = [sys.executable, "-m", "dvc", "exp", "run", "--name", name]
    for key, value in changes.items():
        command += ["-S", f"{key}={json.dumps(value, ensure_ascii=False)}"]
    environment = {
        # DVC would leave a folder for each copy where it keeps what it knows about projects.
        "DVC_SITE_CACHE_DIR": git("rev-parse", "--absolute-git-dir", folder=folder),
        PROJECT: str(project_root()),
    }
    process = subprocess.Popen(  # noqa: S603 - our own command
        command,
        cwd=folder,
        env=environment_of_folder() | environment | UTF_8,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate()
    except KeyboardInterrupt:
        os.killpg(process.pid, signal.SIGINT)
        process.communicate()
        raise
    if process.returncode != 0:
        raise _failure(name, output, changes)


def _failure(name: str, output: str, changes: Mapping[str, Any]) -> RefusedError | UserError:
    """Return the error for a failure that the changed parameters caused, or for any other one."""
    lines = [line for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    caused_by_changes = ("training: ", *(f"{PARAMS_FILE}: {key}" for key in changes))
    if errors and errors[-1].startswith(caused_by_changes):
        return RefusedError(errors[-1])
    dvc_errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    found = (errors[-1:] or dvc_errors or lines[-1:] or ["no message"])[0]
    return UserError(f"experiment {name}", "failed", found=found)


def _commit_of(name: str, head: str) -> str:
    """Return the commit of an experiment that started from `head`; empty if there is none."""
    return git("for-each-ref", "--format=%(objectname)", _ref_of(name, head))


def _ref_of(name: str, head: str) -> str:
    return f"refs/exps/{head[:2]}/{head[2:]}/{name}"


def _require_same_parameters(name: str, commit: str, changes: Mapping[str, Any]) -> None:
    wanted = flatten(load_params(changes=changes), own=True)
    text = git("show", f"{commit}:./{PARAMS_FILE}")
    found = flatten(parse_params(text, Path(f"experiment {name}: {PARAMS_FILE}")), own=True)
    different = [f"{key}={found.get(key)}" for key in wanted if found.get(key) != wanted[key]]
    if different:
        raise UserError(
            f"experiment {name}",
            "exists already, with other parameters",
            found=", ".join(different),
            todo=f"choose another --name, or run `dvc exp remove {name}`",
        )


def _untracked_table() -> Path | None:
    """Return the user's table if it is in the project and an experiment would not have it."""
    source = Path(load_params().ingest.source)
    if source.is_absolute() or source == Path(GENERATED) or is_in_experiments(source):
        return None
    return source if source.exists() else None
