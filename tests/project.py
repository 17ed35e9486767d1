"""A project of one's own: a copy of this one, committed, in which tests run what a user runs."""

import fcntl
import importlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from linreg.verify.run_stages import STAGES
from tests.fork_server import forking

ROOT = Path(__file__).parents[1]
NOTHING_CHANGED = "lock:\n\talways changed\n"
"""What `dvc status` prints when nothing has changed: one stage runs every time."""


@dataclass(frozen=True)
class Project:
    """A project in a folder of its own, and how to run commands there.

    Where no test looks at MLflow, `sends` is False: every stage would start a process that sends
    its run there, which takes longer than the stage.
    """

    folder: Path
    sends: bool = True

    def environment(self) -> dict[str, str]:
        """Return the environment of a user who has activated the project's, without the tests'."""
        own = ("DVC", "MLFLOW", "GIT", "LINREG", "WORKERS")
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(own)
        }
        return (
            environment
            | ({} if self.sends else {"LINREG_SYNC": "later"})
            | {
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}",
                "GIT_AUTHOR_NAME": "test",
                "GIT_AUTHOR_EMAIL": "test@localhost",
                "GIT_COMMITTER_NAME": "test",
                "GIT_COMMITTER_EMAIL": "test@localhost",
            }
        )

    def run(
        self, *command: str, check: bool = True, env: Mapping[str, str] = MappingProxyType({})
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the project, with `env` added to the environment.

        The project's own commands are forks of a process with their libraries: see fork_server.
        """
        # Into files, since what a command leaves running, such as DVC's queue, holds a pipe open.
        with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
            code = subprocess.call(
                ["python" if word == sys.executable else word for word in command],
                cwd=self.folder,
                env=forking(self.environment() | dict(env)),
                stdout=stdout,
                stderr=stderr,
            )
            for file in (stdout, stderr):
                file.seek(0)
            done = subprocess.CompletedProcess(command, code, stdout.read(), stderr.read())
        assert not check or done.returncode == 0, (
            f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        )
        return done

    def run_stages(
        self, *stages: str, env: Mapping[str, str] = MappingProxyType({})
    ) -> subprocess.CompletedProcess[str]:
        """Run stages one after the other by the same processes, `WORKERS` in `env` of them."""
        environment = {**env, STAGES: " ".join(stages)}
        return self.run(sys.executable, "-m", "linreg.verify.run_stages", env=environment)

    def json(self, path: str) -> Any:
        """Read one of the pipeline's outputs."""
        return json.loads((self.folder / path).read_text())

    def set_params(self, **values: object) -> None:
        """Change parameters by the names of their keys, each the first of its name."""
        path = self.folder / "params.yaml"
        text = path.read_text()
        for key, value in values.items():
            text, count = re.subn(
                rf"^(  {key}:) \S+", rf"\1 {value}", text, count=1, flags=re.MULTILINE
            )
            assert count == 1, f"params.yaml has no {key}"
        path.write_text(text)

    def mlflow_runs(self) -> list[dict[str, Any]]:
        """Return what MLflow's client finds of each run in the project's own store, when all are
        sent.
        """
        self.run("linreg", "sync")
        with tempfile.TemporaryDirectory() as folder:
            # A copy: MLflow holds a file open that a test may be about to replace.
            copy = Path(folder) / "mlflow.db"
            with (
                closing(sqlite3.connect(self.folder / "mlflow.db")) as store,
                closing(sqlite3.connect(copy)) as database,
            ):
                store.backup(database)
            return runs_in(f"sqlite:///{copy}")


def runs_in(uri: str) -> list[dict[str, Any]]:
    """Return what MLflow's client finds of each run in a store."""
    with warnings.catch_warnings():
        # MLflow's own, when it is imported.
        warnings.simplefilter("ignore")
        client = importlib.import_module("mlflow").MlflowClient(uri)
        runs = client.search_runs([each.experiment_id for each in client.search_experiments()])
    return [
        {
            "id": run.info.run_id,
            "name": run.info.run_name,
            "status": run.info.status,
            "params": run.data.params,
            "tags": run.data.tags,
            "metrics": run.data.metrics,
            "datasets": [each.dataset.digest for each in run.inputs.dataset_inputs],
            "models": len(run.outputs.model_outputs),
            "model": run.outputs.model_outputs[0].model_id,
            "curves": {
                key: [
                    [each.step, each.value]
                    for each in client.get_metric_history(run.info.run_id, key)
                ]
                for key in run.data.metrics
            },
        }
        for run in runs
    ]


def copy_of_the_project(folder: Path, *, sends: bool = True) -> Project:
    """Copy what git tracks or would track, and commit it."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listing.stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    for compiled in (each for top in ("linreg", "stages") for each in ROOT.glob(f"{top}/**/*.pyc")):
        copy = folder / compiled.relative_to(ROOT)
        copy.parent.mkdir(exist_ok=True)
        shutil.copy2(compiled, copy)
    share_kernels(folder)
    project = Project(folder, sends)
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "copy"]):
        project.run("git", *command)
    return project


def share_kernels(folder: Path) -> None:
    """Have a copy of the project use the kernels that this one has compiled, and the reverse.

    numba finds kernels by the path of their source, so that every copy would compile its own for
    some 20 s.
    """
    from numba.core.caching import UserProvidedCacheLocator

    from linreg.fit.kernel_cache import sources_hash

    own = ROOT / ".linreg/kernels" / sources_hash(ROOT / "linreg")
    shared = folder / own.relative_to(ROOT)
    for kernels in (own, shared):
        kernels.mkdir(mode=0o700, parents=True, exist_ok=True)
    name_of: Callable[[str], str] = UserProvidedCacheLocator.get_suitable_cache_subpath
    for package in (ROOT / "linreg").rglob("__init__.py"):
        kernels = own / name_of(str(package))
        kernels.mkdir(exist_ok=True)
        (shared / name_of(str(folder / package.relative_to(ROOT)))).symlink_to(kernels)


def committed_run(folder: Path, *, sends: bool = True, **params: object) -> Project:
    """Copy the project, commit other parameters (see `set_params`), run it, commit what it made."""
    project = copy_of_the_project(folder, sends=sends)
    project.set_params(**params)
    project.run("git", "commit", "-qam", "parameters")
    project.run("dvc", "repro")
    if sends:
        project.run("linreg", "sync")
    project.run("git", "commit", "-qam", "results")
    return project


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder that `make` fills for all test processes of a run; nobody may change it."""
    top = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        # One process's; the others have theirs beside it.
        top = top.parent
    folder = top / name
    with (top / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (top / f"{name}.made").exists():
            folder.mkdir()
            make(folder)
            (top / f"{name}.made").touch()
    return folder


def small_run(factory: pytest.TempPathFactory) -> Path:
    """Return a project that has run once, on 2000 rows in 8 epochs; MLflow has its run."""
    return made_once(factory, "small", lambda path: committed_run(path, rows=2000, epochs=8))


def copy_of(project: Path, folder: Path) -> Project:
    """Copy a project with all that was made in it.

    In the copy's own MLflow store its runs count as new, until `linreg sync` has found them there.
    """
    shutil.copytree(project, folder, symlinks=True, dirs_exist_ok=True)
    return Project(folder)
