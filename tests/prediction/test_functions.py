"""Models whose formula has functions that learn, and an offset: saved, loaded, damaged."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from linreg.data.formula.coercion import coerce
from linreg.data.formula.compact_matrix import as_array
from linreg.data.formula.design import Design
from linreg.errors import UserError
from linreg.files import read_document, write_document
from linreg.fit.exact.reference import ExactReference
from linreg.fit.model import load
from linreg.prediction.row_predictions import PredictionInterval, predict_rows
from tests.prediction.fitted import save_model, training_rows

FORMULA = "y ~ poly(x, 2) + cut(z, 3) + C(g, Sum) + offset(k)"
ROWS = training_rows()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, learn: Callable[..., Design]) -> Path:
    folder = tmp_path_factory.mktemp("model")
    save_model(folder, learn, FORMULA)
    return folder


def test_a_loaded_model_predicts_what_the_saved_one_does_with_the_offset(
    folder: Path, learn: Callable[..., Design]
) -> None:
    model = load(folder)
    without = as_array(model.design.matrix(ROWS)) @ model.theta + model.b
    np.testing.assert_allclose(model.predict(ROWS) - without, ROWS["k"].to_numpy(), atol=1e-12)
    assert [column.name for column in model.columns] == ["x", "z", "k", "g"]


def test_an_interval_moves_with_the_offset(folder: Path) -> None:
    model, exact = load(folder), ExactReference.read(folder)
    interval = PredictionInterval(exact, 0.9)
    found = predict_rows(model, coerce(ROWS, model.design.schema, "rows"), interval)
    np.testing.assert_allclose((found.low + found.high) / 2, found.predicted, rtol=1e-12)
    np.testing.assert_array_equal(found.predicted, model.predict(ROWS))


def test_a_row_without_its_offset_has_no_prediction(folder: Path) -> None:
    model = load(folder)
    k = pa.array([None, *ROWS["k"].to_pylist()[1:]], pa.int64())
    rows = ROWS.set_column(ROWS.schema.get_field_index("k"), "k", k)
    found = predict_rows(model, coerce(rows, model.design.schema, "rows"))
    assert found.errors["missing value: k"].tolist() == [True] + [False] * (len(k) - 1)
    with pytest.raises(UserError, match="row 1: column k: is missing"):
        model.predict(rows)


@pytest.mark.parametrize(
    ("name", "learned"),
    [
        ("poly(x, 2)", None),
        ("poly(x, 2)", {}),
        ("poly(x, 2)", {"center": 0.0, "scale": 2.0, "alpha": [0.0], "norm2": [60.0, 1.0]}),
        ("poly(x, 2)", {"center": "a", "scale": 2.0, "alpha": [0.0, 0.0], "norm2": [1, 1, 1]}),
        ("cut(z, 3)", {"levels": ["(0,1]"]}),
        ("cut(z, 3)", {"breaks": [0, 1], "levels": None}),
    ],
)
def test_a_model_whose_functions_are_damaged_is_refused(
    folder: Path, tmp_path: Path, name: str, learned: Any
) -> None:
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    document = dict(read_document(folder / "model.json"))
    functions = {**document["functions"], name: learned}
    if learned is None:
        del functions[name]
    write_document(tmp_path / "model.json", {**document, "functions": functions})
    with pytest.raises(UserError, match="is a damaged model"):
        load(tmp_path)
