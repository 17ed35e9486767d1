"""A repository with planted stages, in an environment of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.verify.hidden_inputs.planted import Planted, plant

Plant = Callable[[dict[str, Planted]], Path]


def run(*command: str, cwd: Path) -> None:
    subprocess.run(command, cwd=cwd, check=True)


@pytest.fixture(scope="module")
def plant_stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """Make a repository with some stages, go there, and have its user's home as HOME."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "test")
            patch.setenv(f"GIT_{role}_EMAIL", "test@localhost")

        def make(stages: dict[str, Planted]) -> Path:
            folder = tmp_path_factory.mktemp("planted").resolve()
            patch.setenv("HOME", str(folder / "home"))
            repository = plant(folder, stages, run=run)
            patch.chdir(repository)
            return repository

        yield make
