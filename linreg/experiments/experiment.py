"""A DVC experiment: the pipeline run with some parameters changed, in a copy of the workspace.

DVC makes the copy (`dvc exp run --temp`), so params.yaml, data/ and models/ of the workspace do not
change, whatever becomes of the experiment. DVC stores its results under its name, for `dvc exp
show` and `dvc exp apply`.
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

from linreg.dvc_command import UTF_8
from linreg.errors import UserError
from linreg.git import git
from linreg.params.file import PARAMS_FILE, load_params, parse_params
from linreg.params.params import flatten
from linreg.table_tracking import is_in_experiments, is_in_git

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
        for part in ("test", "validation", "train"):
            of_part = metrics.get(part, {})
            for name in METRIC_NAMES:
                if of_part.get(name) is not None:
                    values[f"{part}_{name}"] = of_part[name]
        return values

    def _read_json(self, path: str) -> dict[str, Any]:
        # It takes a second to import.
        import dvc.api

        return dict(json.loads(dvc.api.read(path, rev=self.commit)))


def run_experiment(name: str, changes: Mapping[str, Any]) -> Experiment:
    """Run the pipeline with parameters changed, named as `section.key`, unless it has run before.

    Raises RefusedError when a stage refuses its parameters or its training diverges; UserError when
    DVC fails, or an experiment of that name has other parameters. Ctrl-C is passed on to DVC, which
    removes its copy of the workspace.
    """
    if commit := _commit_of(name):
        _require_same_parameters(name, commit, changes)
        return Experiment(name, commit, existed=True)
    command = [sys.executable, "-m", "dvc", "exp", "run", "--temp", "--name", name]
    for key, value in changes.items():
        command += ["-S", f"{key}={json.dumps(value, ensure_ascii=False)}"]
    command += _untracked_table()
    process = subprocess.Popen(  # noqa: S603 - our own command
        command,
        env=os.environ | UTF_8,
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
    return Experiment(name, _commit_of(name), existed=False)


def _failure(name: str, output: str, changes: Mapping[str, Any]) -> RefusedError | UserError:
    """Return the error for a failure that the changed parameters caused, or for any other one."""
    lines = [line for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    caused_by_changes = ("training: ", *(f"{PARAMS_FILE}: {key}" for key in changes))
    if errors and errors[-1].startswith(caused_by_changes):
        return RefusedError(errors[-1])
    dvc_errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    found = (errors[-1:] or dvc_errors or lines[-1:] or ["no message"])[0]
    # DVC writes the path of its cache into a file of ASCII.
    is_path = "codec can't encode" in found and not str(Path.cwd()).isascii()
    todo = "DVC needs a path of ASCII letters here: move the project to one" if is_path else ""
    return UserError(f"experiment {name}", "failed", found=found, todo=todo)


def _commit_of(name: str) -> str:
    """Return the commit of an experiment that started from HEAD; empty if there is none."""
    head = git("rev-parse", "HEAD")
    return git("for-each-ref", "--format=%(objectname)", f"refs/exps/{head[:2]}/{head[2:]}/{name}")


def _require_same_parameters(name: str, commit: str, changes: Mapping[str, Any]) -> None:
    wanted = flatten(load_params(changes=changes))
    text = git("show", f"{commit}:./{PARAMS_FILE}")
    found = flatten(parse_params(text, Path(f"experiment {name}: {PARAMS_FILE}")))
    different = [f"{key}={found.get(key)}" for key in wanted if found.get(key) != wanted[key]]
    if different:
        raise UserError(
            f"experiment {name}",
            "exists already, with other parameters",
            found=", ".join(different),
            todo=f"choose another --name, or run `dvc exp remove {name}`",
        )


def _untracked_table() -> list[str]:
    """Return the option that copies the user's table where an experiment would not have it.

    One outside of the project is read where it is. DVC makes no folder for what it copies, so the
    table's folder is copied where the experiment's copy of the project would not have it.
    """
    source = Path(load_params().ingest.source)
    if source.is_absolute() or source == Path(GENERATED) or is_in_experiments(source):
        return []
    missing = source
    while missing.parent != Path() and not is_in_git(missing.parent):
        missing = missing.parent
    return ["--copy-paths", str(missing)]
