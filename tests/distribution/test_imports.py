"""What prediction imports where every library is there: nothing that takes long."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.project import Project, copy_of, small_run

SLOW = {"dvc", "jinja2", "mlflow", "numba", "optuna", "pandas", "sklearn", "torch", "uvicorn"}
PROGRAM = """
import atexit, sys
from linreg.cli import main
atexit.register(lambda: print("imported:", *{name.partition(".")[0] for name in sys.modules}))
main()
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return copy_of(small_run(tmp_path_factory), tmp_path_factory.mktemp("project"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["predict", "--help"],
        ["predict", "models/model", "data/raw/generated.parquet", "out.csv"],
        ["predict", "models/model", "data/raw/generated.parquet", "out.csv", "--interval", "0.9"],
    ],
    ids=" ".join,
)
def test_prediction_imports_no_slow_library(arguments: list[str], project: Project) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=project.folder,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    imported = set(done.stdout.splitlines()[-1].removeprefix("imported:").split())
    assert "linreg" in imported
    assert not imported & SLOW
    out = Path(project.folder / "out.csv")
    assert out.exists() or "out.csv" not in arguments
