import shutil
from pathlib import Path

import pytest

from linreg.dvc_lock import changed_parameters, locked_hashes, read_lock
from linreg.errors import UserError
from linreg.params.edit import set_values

ROOT = Path(__file__).parents[1]
TABLE, DATA, OLD_DATA, MODEL = ("1a" * 16, "2b" * 16 + ".dir", "9f" * 16 + ".dir", "3c" * 16)
LOCK = f"""
schema: '2.0'
stages:
  ingest:
    cmd: python -m stages.ingest
    deps:
    - {{path: data/raw/table.csv, md5: {TABLE}, size: 1}}
    - {{path: "http://localhost/x.csv", hash: md5, checksum: '"abc"', size: 1}}
    params:
      params.yaml:
        ingest.missing: error
        ingest.names:
        model.formula: y ~ x1 + x2
    outs:
    - {{path: data/ingested, md5: {DATA}, size: 1, nfiles: 1}}
  train:
    cmd: python -m stages.train
    deps:
    - {{path: data/ingested, md5: {OLD_DATA}, size: 1, nfiles: 1}}
    - {{path: data/ingested/schema.json, md5: {MODEL}, size: 1}}
    - {{path: data/raw/table.csv, md5: {TABLE}, size: 1}}
    params:
      params.yaml:
        train:
          epochs: 20
          lr: 0.01
    outs:
    - {{path: models/model.json, md5: {MODEL}, size: 1}}
    - {{path: "s3://bucket/copy.json", etag: abc, size: 1}}
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


def test_the_hash_of_an_output_is_the_one_it_was_written_with(folder: Path) -> None:
    """`train` has last read an earlier version of what `ingest` wrote."""
    paths = ["data/ingested", "data/ingested/schema.json", "unknown"]
    expected = {"data/ingested": DATA, "data/ingested/schema.json": MODEL}
    assert locked_hashes(folder / "dvc.lock", paths) == expected


def test_a_lock_that_is_absent_is_named(folder: Path) -> None:
    (folder / "dvc.lock").unlink()
    with pytest.raises(UserError, match=r"^dvc\.lock: there is no such file"):
        read_lock(folder / "dvc.lock")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("schema: '2.0'", "schema: '1.0'"),
        ("cmd: python -m stages.train", ""),
        (MODEL, MODEL[:-1]),
        (f", md5: {MODEL}", ""),
        ("stages:", "stages: ["),
        (LOCK, "stages: 1\n"),
        (LOCK, ""),
        ("min: 0.9\n", "min: 0.9"),
    ],
)
def test_a_damaged_lock_is_one_line_with_the_way_to_repair_it(
    folder: Path, old: str, new: str
) -> None:
    (folder / "dvc.lock").write_text(LOCK.replace(old, new))
    message = r"^dvc\.lock: is damaged; found .*; run `linreg repair`, then `dvc repro`$"
    with pytest.raises(UserError, match=message):
        read_lock(folder / "dvc.lock")


def test_nothing_has_changed_since_the_stages_ran(folder: Path) -> None:
    assert changed_parameters() == []


def test_parameters_that_changed_since_the_stages_ran_are_named(folder: Path) -> None:
    changes = {
        "model.formula": "y ~ x1",
        "train.lr": 0.1,
        "evaluate.gates": {},
        "ingest.names": ["a"],
    }
    set_values(folder / "params.yaml", changes)
    assert changed_parameters() == sorted(changes)


@pytest.mark.parametrize("file", ["dvc.lock", "params.yaml"])
def test_without_a_file_no_parameter_has_changed(folder: Path, file: str) -> None:
    (folder / file).unlink()
    assert changed_parameters() == []
