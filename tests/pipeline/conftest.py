from pathlib import Path

import pytest

from tests.project import Project, copy_of, copy_of_the_project, made_once


def reproduce(folder: Path) -> None:
    """Run the default pipeline in a copy of the project; MLflow has its run."""
    project = copy_of_the_project(folder)
    project.run("dvc", "repro")
    project.run("linreg", "sync")


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy in which `dvc repro` has run once."""
    made = made_once(tmp_path_factory, "reproduced", reproduce)
    return copy_of(made, tmp_path_factory.mktemp("project"))
