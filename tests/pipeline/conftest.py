"""A project of one's own: a copy of this one, committed, with nothing made yet."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Project:
    """A copy of the project in a folder of its own, and how to run commands there."""

    folder: Path

    def environment(self) -> dict[str, str]:
        """Return the environment of a user who has activated the project's, and nothing of the
        tests' own.
        """
        own = ("DVC", "MLFLOW", "GIT", "WORKERS")
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(own)
        }
        return environment | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}",
            "GIT_AUTHOR_NAME": "test",
            "GIT_AUTHOR_EMAIL": "test@localhost",
            "GIT_COMMITTER_NAME": "test",
            "GIT_COMMITTER_EMAIL": "test@localhost",
        }

    def run(
        self, *command: str, check: bool = True, env: Mapping[str, str] = MappingProxyType({})
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the project, with `env` besides."""
        environment = self.environment() | dict(env)
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        assert not check or done.returncode == 0, (
            f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        )
        return done

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
        """Ask the project's MLflow store, in a process of its own, what runs it has."""
        program = """
import json, mlflow
client = mlflow.MlflowClient("sqlite:///mlflow.db")
runs = client.search_runs([each.experiment_id for each in client.search_experiments()])
print(json.dumps([{
    "id": run.info.run_id, "name": run.info.run_name, "status": run.info.status,
    "params": run.data.params, "tags": run.data.tags,
    "metrics": run.data.metrics, "datasets": [each.dataset.digest for each in run.inputs.dataset_inputs],
    "models": len(run.outputs.model_outputs), "model": run.outputs.model_outputs[0].model_id,
    "curves": {key: [[p.step, p.value] for p in client.get_metric_history(run.info.run_id, key)]
               for key in run.data.metrics},
} for run in runs]))
"""
        return list(
            json.loads(
                self.run(sys.executable, "-W", "ignore", "-c", program).stdout.splitlines()[-1]
            )
        )


def copy_of_the_project(folder: Path) -> Project:
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
    project = Project(folder)
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "copy"]):
        project.run("git", *command)
    return project


def committed_run(folder: Path, **params: object) -> Project:
    """Copy the project, change parameters as `Project.set_params` does, run it once and commit what
    that changed.
    """
    project = copy_of_the_project(folder)
    project.set_params(**params)
    project.run("dvc", "repro")
    project.run("git", "commit", "-qam", "small")
    return project


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy in which `dvc repro` has run once."""
    project = copy_of_the_project(tmp_path_factory.mktemp("project"))
    project.run("dvc", "repro")
    return project
