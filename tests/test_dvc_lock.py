import shutil
from pathlib import Path

import pytest

from linreg.dvc_lock import (
    LockedPath,
    changed_parameters,
    locked_hashes,
    locked_inputs,
    locked_outputs,
    read_lock,
    stages_in_order,
)
from linreg.errors import UserError
from linreg.params.edit import set_values

ROOT = Path(__file__).parents[1]
TABLE, DATA, OLD_DATA, MODEL = ("1a" * 16, "2b" * 16 + ".dir", "9f" * 16 + ".dir", "3c" * 16)
STAGES = "stages:\n  train: {}\n  ingest: {}\n  evaluate: {}\n"
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
    (tmp_path / "dvc.yaml").write_text(STAGES)
    (tmp_path / "dvc.lock").write_text(LOCK)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_outputs_come_in_the_order_in_which_the_stages_run(folder: Path) -> None:
    """dvc.yaml has `train` first, and `train` reads what `ingest` writes."""
    assert locked_outputs(folder) == [
        LockedPath("ingest", "data/ingested", DATA),
        LockedPath("train", "models/model.json", MODEL),
    ]


def test_a_stage_of_ones_own_runs_before_those_that_read_its_outputs(folder: Path) -> None:
    """`dvc stage add` appends it, whatever reads its outputs; `wdir` is where its paths begin."""
    append(
        folder,
        "  clean:\n    wdir: prep\n",
        f"""
  clean:
    cmd: python clean.py
    deps:
    - {{path: clean.py, md5: {MODEL}, size: 1}}
    outs:
    - {{path: ../data/raw, md5: {DATA}, size: 1, nfiles: 1}}
""",
    )
    names = list(stages_in_order(folder))
    assert names.index("clean") < names.index("ingest") < names.index("train")
    assert LockedPath("clean", "data/raw", DATA) in locked_outputs(folder)
    assert [each.path for each in locked_inputs(folder)] == ["prep/clean.py"]


def test_a_stage_for_each_of_a_list_is_as_many_stages(folder: Path) -> None:
    outs = "".join(
        f"  plot@{each}:\n    cmd: plot\n    outs:\n    - {{path: {each}, md5: {MODEL}, size: 1}}\n"
        for each in ("a", "b")
    )
    append(folder, "  plot:\n    foreach: [a, b]\n    do: {cmd: plot}\n", outs)
    assert {"plot@a", "plot@b"} < set(stages_in_order(folder))


@pytest.mark.parametrize("what", ["always_changed", "frozen"])
def test_what_comes_from_elsewhere_is_an_input(folder: Path, what: str) -> None:
    """DVC runs such a stage every time, or never: nothing here says what it would write."""
    (folder / "dvc.yaml").write_text(STAGES.replace("ingest: {}", f"ingest: {{{what}: true}}"))
    assert list(stages_in_order(folder)) == ["train", "evaluate"]
    assert LockedPath("train", "data/ingested", OLD_DATA) in locked_inputs(folder)


def append(folder: Path, stage: str, locked: str) -> None:
    """Add a stage to dvc.yaml and to dvc.lock."""
    (folder / "dvc.yaml").write_text(STAGES + stage)
    (folder / "dvc.lock").write_text(LOCK.rstrip() + "\n" + locked.lstrip("\n"))


def test_inputs_are_what_no_stage_writes_each_once(folder: Path) -> None:
    assert [each.path for each in locked_inputs(folder)] == ["data/raw/table.csv"]


def test_the_hash_of_an_output_is_the_one_it_was_written_with(folder: Path) -> None:
    """`train` has last read an earlier version of what `ingest` wrote."""
    paths = ["data/ingested", "data/ingested/schema.json", "unknown"]
    expected = {"data/ingested": DATA, "data/ingested/schema.json": MODEL}
    assert locked_hashes(folder / "dvc.lock", paths) == expected


def test_a_stage_that_was_never_run_is_named(folder: Path) -> None:
    (folder / "dvc.yaml").write_text(STAGES + "  report: {}\n")
    with pytest.raises(UserError, match=r"^dvc\.lock: stage report: has never been run; run `dvc"):
        locked_outputs(folder)


@pytest.mark.parametrize("file", ["dvc.lock", "dvc.yaml"])
def test_a_file_that_is_absent_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(UserError, match=rf"^{file}: there is no such file"):
        locked_outputs(folder)


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
