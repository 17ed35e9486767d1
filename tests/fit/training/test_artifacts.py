import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from linreg.data.formula.design import Design
from linreg.data.rows import Rows
from linreg.data.tables.parquet import write_table
from linreg.data.training_data import TrainingData
from linreg.files import file_hash
from linreg.fit.exact.reference import ExactReference
from linreg.fit.history import Epoch, History
from linreg.fit.model import load
from linreg.fit.training.artifacts import save_training
from linreg.params.train import Train

HASHES = {"data/split": "0123.dir", "params": "abc"}
FILES = {"schema.json": "4567"}
LOSSES = [3.0, 1.0, 2.0]
"""Of the validation rows after each epoch."""


@pytest.fixture
def data(tmp_path: Path, learn: Callable[..., Design]) -> TrainingData:
    X = np.random.default_rng(1).normal(size=(20, 2))
    table = pa.table({"x1": X[:, 0], "x2": X[:, 1], "y": X @ [1.0, 2.0] + X[:, 0] ** 2})
    design = learn("y ~ x1 + x2", table)
    write_table(tmp_path / "rows.parquet", table.schema, [table])
    rows = Rows(tmp_path / "rows.parquet", design)
    return TrainingData(design, [rows], rows)


def save(data: TrainingData, patience: int = 0) -> tuple[History, ExactReference]:
    params = Train(epochs=3, patience=patience, collinear="drop")
    reference = ExactReference.compute(data.shards, data.names, data.intercept, params)
    history = History(data.names, params, quiet=True)
    for number, loss in enumerate(LOSSES, start=1):
        epoch = Epoch(number, 10 * number, np.array([number, 0.5]), -1.0 * number, 0.1, 1e6)
        history.add(epoch, 1.0, loss)
    save_training(Path("training"), Path("model"), data, history, reference, params, HASHES, FILES)
    return history, reference


@pytest.mark.parametrize(("patience", "selected"), [(0, 3), (5, 2)])
def test_the_model_is_the_epoch_that_the_history_selects(
    data: TrainingData,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    patience: int,
    selected: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    save(data, patience)
    model = load("model")
    assert (model.theta.tolist(), model.b) == ([selected, 0.5], -selected)
    assert model.design.schema == data.design.schema
    assert model.design.statistics == data.design.statistics
    assert model.hashes == HASHES


def test_the_model_names_the_files_that_were_written_with_it(
    data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    history, _ = save(data)
    written = {f"training/{name}": "" for name in ("history.csv", "theta.csv")}
    assert load("model").files == FILES | {name: file_hash(Path(name)) for name in written}
    assert sorted(path.name for path in Path("training").iterdir()) == ["history.csv", "theta.csv"]
    (tmp_path / "again").mkdir()
    history.write(tmp_path / "again")
    for name in written:
        assert Path(name).read_bytes() == (tmp_path / "again" / Path(name).name).read_bytes()


def test_the_exact_solution_is_saved_beside_the_model(
    data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _, reference = save(data)
    found = ExactReference.read("model").solution
    assert (found.theta.tolist(), found.b) == (
        reference.solution.theta.tolist(),
        reference.solution.b,
    )
    assert json.loads(Path("model/exact.json").read_text())["collinear"] == "drop"


def test_nothing_of_an_earlier_training_stays_in_the_folders(
    data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("training", "model"):
        Path(folder).mkdir()
        Path(folder, "of yesterday").touch()
    save(data)
    assert not list(tmp_path.glob("*/of yesterday"))


@pytest.mark.parametrize("options", [{"l1": 0.1}, {"l2": 0.1}, {}])
def test_a_penalty_has_a_path_whose_hash_the_model_knows(
    data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    monkeypatch.chdir(tmp_path)
    params = Train(solver="exact", **options)
    reference = ExactReference.compute(data.shards, data.names, data.intercept, params)
    history = History(data.names, params, quiet=True)
    history.add(reference.as_epoch(), 1.0, None)
    save_training(Path("training"), Path("model"), data, history, reference, params, HASHES, FILES)
    assert Path("training/path.json").exists() == bool(options)
    if options:
        assert load("model").files["training/path.json"] == file_hash(Path("training/path.json"))
        path = json.loads(Path("training/path.json").read_text())
        assert len(path["theta"]["x1"]) == len(path["l1"]) == len(path["gap"]) == 100
