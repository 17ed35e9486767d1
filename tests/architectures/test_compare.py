"""What `make test-arm` says of outputs that are the same, and of those that are not."""

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from linreg.params.file import load_params
from tests.architectures.compare import report
from tests.architectures.configurations import CONFIGURATIONS
from tests.project import ROOT

NAME = "exact"
HISTORY = "models/training/history.csv"


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path]:
    """The outputs of one configuration on two machines; they are the same."""
    expected, found = tmp_path / "expected", tmp_path / "found"
    files = {
        "data/raw/generated.parquet": "rows",
        "data/ingested/schema.json": json.dumps({"formula": "y ~ x"}),
        HISTORY: "epoch,train_mse\n0,0.5\n1,0.25\n",
        "models/model/model.json": json.dumps({"checksum": "abc", "theta": {"x": 2.0}}),
        "models/evaluation/scores.json": json.dumps({"r2": 0.75}),
    }
    for path, text in files.items():
        file = expected / NAME / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    shutil.copytree(expected, found)
    return expected, found


def test_the_same_files_are_the_same(sides: tuple[Path, Path]) -> None:
    lines, same = report(*sides, [NAME])
    assert lines == [f"{NAME}  same  generate 1/1  ingest 1/1  train 2/2  evaluate 1/1"]
    assert same


def change_a_loss(folder: Path) -> str:
    """Change the last bit of a loss, and the checksum that follows from it."""
    loss = math.nextafter(0.25, 1.0)
    (folder / HISTORY).write_text(f"epoch,train_mse\n0,0.5\n1,{loss!r}\n")
    model = folder / "models/model/model.json"
    model.write_text(model.read_text().replace("abc", "def"))
    return f"train: {HISTORY}: column train_mse, row 2: 0.25 became {loss!r} (1 ulp)"


def remove_a_file(folder: Path) -> str:
    (folder / "models/evaluation/scores.json").unlink()
    return "evaluate: models/evaluation/scores.json: a file became absent"


def add_a_file(folder: Path) -> str:
    (folder / "data/ingested/part.parquet").write_text("more rows")
    return "ingest: data/ingested/part.parquet: absent became a file"


def change_a_byte(folder: Path) -> str:
    (folder / "data/raw/generated.parquet").write_text("Rows")
    return "generate: data/raw/generated.parquet: line 1, column 1: 'rows' became 'Rows'"


@pytest.mark.parametrize("change", [change_a_loss, remove_a_file, add_a_file, change_a_byte])
def test_the_first_difference_is_named_with_its_stage_file_and_value(
    sides: tuple[Path, Path], change: Callable[[Path], str]
) -> None:
    expected, found = sides
    difference = change(found / NAME)
    lines, same = report(expected, found, [NAME])
    assert not same
    assert lines[0].startswith(f"{NAME}  DIFFERENT  ")
    assert lines[1:] == [f"{NAME}: {difference}"]


def test_a_configuration_that_did_not_run_is_not_the_same(sides: tuple[Path, Path]) -> None:
    expected, found = sides
    for folder in (found, expected):
        shutil.rmtree(folder / NAME / "models/evaluation")
        lines, same = report(expected, found, [NAME])
        assert not same
        assert "DIFFERENT" in lines[0]
    assert lines[1:] == [f"{NAME}: has not run to its end on both machines"]


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_configuration_is_valid(name: str) -> None:
    params = load_params(ROOT / "params.yaml", CONFIGURATIONS[name])
    assert params.train.solver == name.partition("-")[0] or params.train.solver == "sgd"


def test_between_them_they_use_both_engines_in_both_precisions() -> None:
    params = [load_params(ROOT / "params.yaml", each) for each in CONFIGURATIONS.values()]
    used = {(each.train.engine, each.train.dtype) for each in params if each.train.solver == "sgd"}
    assert used == {
        (engine, dtype) for engine in ("autograd", "compiled") for dtype in ("float32", "float64")
    }


@pytest.mark.very_slow
def test_a_run_here_is_what_another_run_here_is(tmp_path: Path) -> None:
    def run(*options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tests.architectures", *options, NAME]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    saved = tmp_path / "saved"
    assert run("--save", str(saved)).returncode == 0
    done = run("--expected", str(saved))
    assert (done.returncode, f"{NAME}  same  " in done.stdout) == (0, True), done.stdout
    add_a_file(saved / NAME)
    done = run("--expected", str(saved))
    assert done.returncode == 1
    assert f"{NAME}: ingest: data/ingested/part.parquet: a file became absent" in done.stdout
