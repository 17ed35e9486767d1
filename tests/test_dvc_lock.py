import shutil
from pathlib import Path

import pytest

from linreg.commands.stale import changed_parameters
from linreg.params_file import set_values

ROOT = Path(__file__).parents[1]
LOCK = """
schema: '2.0'
stages:
  ingest:
    cmd: python -m stages.ingest
    params:
      params.yaml:
        ingest.missing: error
        ingest.names:
        model.formula: y ~ x1 + x2
  train:
    cmd: python -m stages.train
    params:
      params.yaml:
        train:
          epochs: 20
          lr: 0.01
  evaluate:
    cmd: python -m stages.evaluate
    params:
      params.yaml:
        evaluate.gates:
          test_r2:
            min: 0.9
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    (tmp_path / "dvc.lock").write_text(LOCK)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_has_changed_since_the_stages_ran(folder: Path) -> None:
    assert changed_parameters() == []


def test_what_has_changed_since_is_named(folder: Path) -> None:
    changes = {
        "model.formula": "y ~ x1",
        "train.lr": 0.1,
        "evaluate.gates": {},
        "ingest.names": ["a"],
    }
    set_values(folder / "params.yaml", changes)
    assert changed_parameters() == sorted(changes)


@pytest.mark.parametrize("file", ["dvc.lock", "params.yaml"])
def test_without_a_file_nobody_can_tell(folder: Path, file: str) -> None:
    (folder / file).unlink()
    assert changed_parameters() == []
