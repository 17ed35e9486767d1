"""A stage's entry changes with what it runs, and with nothing else."""

import importlib.metadata
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from linreg.code_lock.stage_code import code_of_stages, versions_of

ROOT = Path(__file__).parents[2]


def project(folder: Path) -> Path:
    (folder / "stages").mkdir(parents=True)
    (folder / "stages/clean.py").write_text("import numpy\nimport own\n")
    (folder / "own.py").write_text("x = 1\n")
    (folder / "unused.py").write_text("x = 1\n")
    return folder


def code(folder: Path) -> list[str]:
    return code_of_stages({"clean": [folder / "stages/clean.py"]}, folder)["clean"]


def test_the_same_files_have_the_same_code_wherever_they_are(tmp_path: Path) -> None:
    here, there = project(tmp_path / "here"), project(tmp_path / "there with spaces é")
    assert code(here) == code(there)


@pytest.mark.parametrize("file", ["stages/clean.py", "own.py"])
def test_a_change_of_a_file_that_is_reached_changes_it(tmp_path: Path, file: str) -> None:
    before = code(project(tmp_path))
    with (tmp_path / file).open("a") as text:
        text.write("y = 2\n")
    after = code(tmp_path)
    assert before[0] != after[0]
    assert before[1:] == after[1:]


def test_a_change_of_another_file_does_not(tmp_path: Path) -> None:
    before = code(project(tmp_path))
    (tmp_path / "unused.py").write_text("x = 2\n")
    (tmp_path / "own2.py").write_text("x = 2\n")
    assert code(tmp_path) == before


def test_a_module_that_is_renamed_is_another_one(tmp_path: Path) -> None:
    before = code(project(tmp_path))
    (tmp_path / "own.py").rename(tmp_path / "mine.py")
    (tmp_path / "stages/clean.py").write_text("import numpy\nimport mine\n")
    assert code(tmp_path) != before


@pytest.mark.slow
def test_versions_are_those_that_are_installed_without_their_build() -> None:
    modules = ["numpy.linalg", "ruamel.yaml", "yaml", "jwt.api", "no_such_module", "torch"]
    found = dict(each.split("==") for each in versions_of(modules))
    assert found["numpy"] == importlib.metadata.version("numpy")
    assert found["ruamel.yaml"] == importlib.metadata.version("ruamel.yaml")
    # Distributions whose names are not those of their packages.
    assert found["PyYAML"] == importlib.metadata.version("pyyaml")
    assert found["torch"] == importlib.metadata.version("torch").partition("+")[0]
    assert "no_such_module" not in found


@pytest.mark.slow
def test_the_package_has_the_same_code_from_another_folder(tmp_path: Path) -> None:
    """As where it is installed: there is no clone around it."""
    shutil.copytree(
        ROOT / "linreg", tmp_path / "site/linreg", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copytree(ROOT / "stages", tmp_path / "own/stages")
    program = (
        "from pathlib import Path\n"
        "from linreg.code_lock.stage_code import code_of_stages\n"
        "print(code_of_stages({'train': [Path('stages/train.py')]})['train'])\n"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=folder,
            env={"PYTHONPATH": str(package), "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for folder, package in ((ROOT, ROOT), (tmp_path / "own", tmp_path / "site"))
    ]
    assert outputs[0] == outputs[1]
