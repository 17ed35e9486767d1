"""linreg init as a command: what it prints, where it writes, and what it refuses."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from linreg.params.file import load_params
from tests.project import ROOT

CARS = ROOT / "data/examples/auto-mpg.csv"


def init(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "linreg", "init", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_a_table_from_elsewhere_is_copied_and_set_up(tmp_path: Path) -> None:
    shutil.copy(CARS, tmp_path / "cars.csv")
    done = init(tmp_path, "price model", "--data", "cars.csv", "--target", "mpg")
    assert done.returncode == 0, done.stderr
    project = tmp_path / "price model"
    params = load_params(project / "params.yaml")
    assert params.ingest.source == "data/own/cars.csv"
    assert params.model.formula.startswith("mpg ~ cylinders")
    assert (project / "data/own/cars.csv").read_bytes() == CARS.read_bytes()
    assert "To undo" not in done.stdout
    assert done.stdout.splitlines()[-5:] == [
        "The steps from here:",
        "  cd 'price model'",
        "  dvc repro",
        "  git add --all && git commit",
        "  linreg verify",
    ]


@pytest.mark.slow
def test_what_is_wrong_is_one_line_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for arguments, message in (
        (["--data", "none.csv"], "none.csv: there is no such file"),
        (["--target", "y"], "--target: needs a table; name it with --data FILE"),
        (["file"], "file: is not a folder"),
        ([str(ROOT)], "is a clone of linreg"),
    ):
        done = init(tmp_path, *arguments)
        assert done.returncode == 2, arguments
        assert message in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("command", ["upgrade", "lock"])
def test_outside_of_a_project_the_others_are_refused(tmp_path: Path, command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "linreg", command],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "works in a project" in done.stderr
    assert not list(tmp_path.iterdir())
