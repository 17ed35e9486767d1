"""The rows to predict may come in any format, and get the predictions that CSV gets."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linreg.data.formula.design import Design
from linreg.data.source import open_source
from linreg.fit.model import LinearModel
from linreg.prediction.input_table import InputTable
from linreg.prediction.output import output_rows, output_schema
from linreg.prediction.row_predictions import predict_rows
from tests.prediction.fitted import save_model, training_rows

Learn = Callable[..., Design]


def predicted(model: LinearModel, path: Path, *keep: str) -> pd.DataFrame:
    table = InputTable(open_source(path), model.design.schema, keep)
    schema = output_schema(table.kept, with_file=True, with_interval=False)
    tables = [
        output_rows(chunk, predict_rows(model, chunk.features), schema) for chunk in table.chunks()
    ]
    found: pd.DataFrame = pa.concat_tables(tables).to_pandas()
    return found


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, learn: Learn) -> LinearModel:
    return save_model(tmp_path_factory.mktemp("model"), learn)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, learn: Learn) -> LinearModel:
    return save_model(tmp_path_factory.mktemp("filled"), learn, "y ~ x + z + g", fill_missing=True)


def write_arrow(table: pa.Table, path: Path) -> None:
    compressed = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_file(path, table.schema, options=compressed) as file:
        file.write_table(table)


@pytest.mark.parametrize("suffix", ["feather", "jsonl", "json", "xlsx"])
def test_predictions_are_those_of_csv(tmp_path: Path, model: LinearModel, suffix: str) -> None:
    rows = training_rows().to_pandas().drop(columns="y")
    rows["id"] = [f"r{number}" for number in range(len(rows))]
    rows.to_csv(tmp_path / "t.csv", index=False)
    path = tmp_path / f"t.{suffix}"
    match suffix:
        case "feather":
            write_arrow(pa.Table.from_pandas(rows), path)
        case "xlsx":
            pytest.importorskip("python_calamine")
            rows.to_excel(path, index=False)
        case _:
            # pandas would round its numbers.
            path.write_text(json.dumps(rows.to_dict("records")))
    expected, found = predicted(model, tmp_path / "t.csv", "id"), predicted(model, path, "id")
    assert set(found.pop("file")) == {str(path)}
    pd.testing.assert_frame_equal(found, expected.drop(columns="file"))


def test_a_cell_of_json_that_is_no_number_is_an_error_of_its_row(
    tmp_path: Path, filled: LinearModel
) -> None:
    cells = ["1.5", '"1.5"', '"abc"', "null", "NaN", "[1]", "1e999", "true"]
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join(f'{{"x": {cell}, "z": 2, "g": "a"}}' for cell in cells))
    assert predicted(filled, path)["reason"].tolist() == [
        "ok",
        "ok",
        "not a number: x",
        "filled with the mean: x",
        "filled with the mean: x",
        "not a number: x",
        "not finite: x",
        "not a number: x",
    ]


@pytest.mark.parametrize("write", [pq.write_table, write_arrow])
def test_nan_is_filled_as_null_is(
    tmp_path: Path, filled: LinearModel, write: Callable[[pa.Table, Path], None]
) -> None:
    cells = pa.array([0.5, float("nan"), None], pa.float32())
    write(pa.table({"x": cells, "z": [2.0] * 3, "g": ["a"] * 3}), tmp_path / "t")
    found = predicted(filled, tmp_path / "t")
    assert found["reason"].tolist() == ["ok"] + 2 * ["filled with the mean: x"]
    assert found["prediction"][1] == found["prediction"][2]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_cells_of_folders_are_features(tmp_path: Path, filled: LinearModel, suffix: str) -> None:
    for g in "ab":
        for z in ("2", "3.5", "__HIVE_DEFAULT_PARTITION__"):
            folder = tmp_path / f"g={g}" / f"z={z}"
            folder.mkdir(parents=True)
            rows = pd.DataFrame({"x": [0.5, 1.5]})
            getattr(rows, f"to_{suffix}")(folder / f"p.{suffix}", index=False)
    found = predicted(filled, tmp_path, "z")
    texts = [text for text in ("2", "3.5", None) for _ in range(2)] * 2
    frame = pd.DataFrame({"x": [0.5, 1.5] * 6, "g": ["a"] * 6 + ["b"] * 6})
    frame["z"] = pd.to_numeric(pd.Series(texts))
    assert found["prediction"].tolist() == filled.predict(frame).tolist()
    assert found["z"].dropna().tolist() == [text for text in texts if text]
    assert found["row"].tolist() == [1, 2] * 6
    assert found["file"][0] == str(tmp_path / "g=a" / "z=2" / f"p.{suffix}")
    for part in (tmp_path / "g=b", tmp_path / "g=b" / "z=2" / f"p.{suffix}"):
        of_part = found[found["file"].str.startswith(str(part))]
        assert predicted(filled, part)["prediction"].tolist() == of_part["prediction"].tolist()
