"""An experiment of DVC: the pipeline run with some parameters changed, in a copy beside the
workspace.

The copy is DVC's own (`dvc exp run --temp`), so that params.yaml, data/ and models/ here stay as
they are, whatever becomes of the experiment. What it found is kept by DVC under its name, for `dvc
exp show` and `dvc exp apply`.
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

from linreg.errors import UserError
from linreg.params import PARAMS_FILE, changed_params, flat, load_params, params_from
from linreg.verify.clone import git

METRICS, MODEL, GENERATED = (
    "models/evaluation/metrics.json",
    "models/model/model.json",
    "data/raw/generated.parquet",
)
NAMES = ("rmse", "r2", "mae", "max_error", "mse")


class RefusedError(Exception):
    """A stage refused the parameters of an experiment, which was therefore not made; the message is
    the stage's.
    """


@dataclass(frozen=True)
class Experiment:
    """An experiment that has run: its name, its commit, and whether it was found instead of run
    now.
    """

    name: str
    commit: str
    found: bool

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """What evaluate has found, as metrics.json has it."""
        return self._output(METRICS)

    def numbers(self) -> dict[str, float]:
        """Return θ, b and all metrics by the names that MLflow shows: b, theta.x1, gap,
        test_rmse.
        """
        model, metrics = self._output(MODEL), self.metrics
        numbers = {"b": model["b"]} if model["intercept"] else {}
        numbers |= {f"theta.{name}": value for name, value in model["theta"].items()}
        if metrics["gap"] is not None:
            numbers["gap"] = metrics["gap"]
        for part in ("test", "validation", "train"):
            of_part = metrics.get(part, {})
            numbers |= {
                f"{part}_{name}": of_part[name] for name in NAMES if of_part.get(name) is not None
            }
        return numbers

    def _output(self, path: str) -> dict[str, Any]:
        # takes a second
        import dvc.api

        return dict(json.loads(dvc.api.read(path, rev=self.commit)))


def experiment(name: str, changes: Mapping[str, Any]) -> Experiment:
    """Run the pipeline with parameters changed by their dotted names; what has been run before is
    found again.

    Raises RefusedError when a stage refuses its parameters or its training diverges, UserError when
    DVC fails or an experiment of that name has other parameters. Ctrl-C is handed on to DVC, which
    clears its copy away.
    """
    if commit := _commit_of(name):
        _require_same(name, commit, changes)
        return Experiment(name, commit, found=True)
    settings = [
        word for key, value in changes.items() for word in ("-S", f"{key}={_as_hydra(value)}")
    ]
    command = [
        sys.executable,
        "-m",
        "dvc",
        "exp",
        "run",
        "--temp",
        "--name",
        name,
        *settings,
        *_copied(),
    ]
    process = subprocess.Popen(  # noqa: S603 - our own command
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        output, _ = process.communicate()
    except KeyboardInterrupt:
        os.killpg(process.pid, signal.SIGINT)
        process.communicate()
        raise
    if process.returncode != 0:
        _tell_failure(name, output, changes)
    return Experiment(name, _commit_of(name), found=False)


def _tell_failure(name: str, output: str, changes: Mapping[str, Any]) -> None:
    """Raise RefusedError for what is due to the parameters that were changed, UserError for
    everything else.
    """
    lines = [line for line in output.splitlines() if line.strip()]
    told = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    if told and told[-1].startswith(("training: ", *(f"{PARAMS_FILE}: {key}" for key in changes))):
        raise RefusedError(told[-1])
    raise UserError(
        f"experiment {name}", "failed", found=(told or lines or ["nothing was said"])[-1]
    )


def _commit_of(name: str) -> str:
    """Return the commit of an experiment that began at HEAD, empty when there is none of that
    name.
    """
    head = git("rev-parse", "HEAD")
    return git("for-each-ref", "--format=%(objectname)", f"refs/exps/{head[:2]}/{head[2:]}/{name}")


def _require_same(name: str, commit: str, changes: Mapping[str, Any]) -> None:
    wanted = flat(changed_params(changes))
    there = flat(
        params_from(
            git("show", f"{commit}:./{PARAMS_FILE}"), Path(f"experiment {name}: {PARAMS_FILE}")
        )
    )
    if other := [f"{key}={there.get(key)}" for key in wanted if there.get(key) != wanted[key]]:
        raise UserError(
            f"experiment {name}",
            "is there already, with other parameters",
            found=", ".join(other),
            todo=f"choose another --name, or run `dvc exp remove {name}`",
        )


def _copied() -> list[str]:
    """Return the option that brings the user's table along where neither git nor DVC does."""
    source = load_params().ingest.source
    known = source == GENERATED or Path(f"{source}.dvc").exists() or git("ls-files", "--", source)
    return [] if known else ["--copy-paths", source]


def _as_hydra(value: Any) -> str:
    """Return a value as `dvc exp run -S` takes it."""
    return json.dumps(value, ensure_ascii=False)
