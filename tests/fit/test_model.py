import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.numpy import save_file

from linreg.data.formula.compact_matrix import as_array
from linreg.data.formula.design import Design
from linreg.errors import UserError
from linreg.fit.model import LinearModel, ModelColumn, linear, load

Floats = NDArray[np.float64]
Learn = Callable[..., Design]

TRAIN = pa.table(
    {
        "y": [1.0, 2.0, 3.0, 4.0],
        "x": pa.array([0.5, 1.5, 2.5, 4.5], pa.float32()),
        "k": [1, 2, 1, 3],
        "g": ["a", "b", "a", "c"],
        "flag": [True, False, True, True],
        "a name": [1.0, 2.0, 4.0, 8.0],
    }
)
FORMULA = "y ~ x + C(k) + g + flag + log(`a name`)"
THETA = np.array([1 / 3, -2.0, 5e-324, 1e300, 0.1, 7.0, -0.0])
ROW = {"x": [0.5], "k": [1], "g": ["a"], "flag": [False], "a name": [1.0]}


@pytest.fixture(scope="module")
def model(learn: Learn) -> LinearModel:
    return LinearModel(
        learn(FORMULA, TRAIN), THETA, 0.1 + 0.2, {"params": "abc", "data/split": "def.dir"}
    )


@pytest.fixture
def plain(learn: Learn) -> LinearModel:
    """ỹ = 1 + 2x + 10 where g is b."""
    return LinearModel(learn("y ~ x + g", TRAIN), np.array([2.0, 10.0, 20.0]), 1.0, {})


@pytest.fixture
def folder(model: LinearModel, tmp_path: Path) -> Path:
    model.save(tmp_path)
    return tmp_path


def test_a_model_is_read_back_bit_for_bit(model: LinearModel, folder: Path) -> None:
    back = load(folder)
    assert back.theta.tobytes() == model.theta.tobytes()
    assert (back.b.hex(), back.hashes, back.design.statistics) == (
        model.b.hex(),
        model.hashes,
        model.design.statistics,
    )
    assert back.design.schema == model.design.schema
    assert back.design.names == model.design.names
    frame = TRAIN.to_pandas()
    assert back.predict(frame).tobytes() == model.predict(frame).tobytes()


def test_a_model_that_was_read_back_is_written_to_the_same_bytes(
    folder: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    again.mkdir()
    load(folder).save(again)
    for name in ("model.json", "model.safetensors"):
        assert (again / name).read_bytes() == (folder / name).read_bytes()


def test_the_artifact_is_two_plain_files(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["model.json", "model.safetensors"]
    document = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    names = ["x", "C(k)[T.2]", "C(k)[T.3]", "g[T.b]", "g[T.c]", "flag[T.True]", "log(`a name`)"]
    assert document["theta"] == dict(zip(names, THETA.tolist(), strict=True))
    assert document["b"] == 0.1 + 0.2
    assert document["learned"]["g"]["levels"] == ["a", "b", "c"]
    assert document["learned"]["k"]["levels"] == [1, 2, 3]
    statistics = {"levels": None, "max": 4.5, "mean": 2.25, "min": 0.5, "other": None}
    assert document["learned"]["x"] == statistics
    assert "truth" not in document
    # safetensors: eight bytes with the length of a JSON header, the header, then the numbers.
    content = (folder / "model.safetensors").read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    start, end = header["theta"]["data_offsets"]
    assert header["theta"]["dtype"] == "F64"
    assert content[8 + length + start : 8 + length + end] == THETA.tobytes()


def test_reading_and_predicting_need_neither_pickle_nor_torch_nor_formulaic(folder: Path) -> None:
    program = """if True:
        import sys
        from linreg.fit.model import load
        import pyarrow as pa
        model = load(sys.argv[1])
        row = {"x": [0.5], "k": [1], "g": ["a"], "flag": [False], "a name": [1.0]}
        assert model.predict(pa.table(row))[0] == model.b + 0.5 * model.theta[0]
        print({"torch", "formulaic", "mlflow"} & set(sys.modules))
    """
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "set()\n"
    for path in folder.iterdir():
        assert b"\x80\x04" not in path.read_bytes()[:2]  # how a pickle begins


@pytest.mark.parametrize(
    "formula", ["y ~ 1", "y ~ 0 + x", "y ~ 0 + g", "log(y) ~ x:g", "y ~ C(g, 'b') + {x / k}"]
)
def test_models_of_every_kind_come_back(learn: Learn, tmp_path: Path, formula: str) -> None:
    design = learn(formula, TRAIN)
    theta = np.arange(1.0, len(design.names) + 1) / 3
    model = LinearModel(design, theta, 0.25 if design.schema.intercept else 0.0, {})
    model.save(tmp_path)
    back = load(tmp_path)
    assert back.coefficients == model.coefficients
    assert back.predict(TRAIN).tolist() == model.predict(TRAIN).tolist()


# damage


def failure(folder: Path) -> str:
    with pytest.raises(UserError) as error:
        load(folder)
    assert str(folder) in str(error.value)
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


def test_a_missing_file_says_how_to_make_it(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    assert "model.safetensors: there is no such file; run `dvc repro" in failure(folder)
    (folder / "model.json").unlink()
    assert "model.json: there is no such file; run `dvc repro" in failure(folder)


def test_files_of_two_models_are_distinguished(folder: Path, learn: Learn, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    changed = THETA.copy()
    changed[0] = np.nextafter(changed[0], 1)
    LinearModel(learn(FORMULA, TRAIN), changed, 0.1 + 0.2, {}).save(other)
    shutil.copyfile(other / "model.safetensors", folder / "model.safetensors")
    assert "model.safetensors and model.json differ; delete both and run `dvc repro`" in failure(
        folder
    )


@pytest.mark.parametrize(
    "content", [b"", b"x", b"\xff" * 100, b"\x08\0\0\0\0\0\0\0{}      ", b"PK\x03\x04"], ids=repr
)
def test_damaged_weights_are_one_line(folder: Path, content: bytes) -> None:
    (folder / "model.safetensors").write_bytes(content)
    assert "is a damaged model" in failure(folder)


def without(key: str) -> Callable[[Any], object]:
    return lambda data: data.pop(key)


DAMAGE: dict[str, Callable[[Any], object]] = {
    **{
        f"no {key}": without(key)
        for key in ("learned", "theta", "b", "hashes", "formula", "format")
    },
    "learned is a list": lambda data: data.update(learned=[]),
    "nothing learned": lambda data: data.update(learned={}),
    "a column not learned": lambda data: data["learned"].pop("g"),
    "a level too few": lambda data: data["learned"]["g"].update(levels=["a", "b"]),
    "no levels": lambda data: data["learned"]["g"].update(levels=None),
    "theta is null": lambda data: data.update(theta=None),
    "columns is a number": lambda data: data.update(columns=3),
    "terms is a number": lambda data: data.update(terms=3),
    "a term too few": lambda data: data["terms"].pop(),
    "another format": lambda data: data.update(format=99),
    "no target": lambda data: data.update(target={}),
}


@pytest.mark.parametrize("change", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_description_is_one_line(folder: Path, change: Callable[[Any], object]) -> None:
    path = folder / "model.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")
    assert "was changed after it was written" in failure(folder)


@pytest.mark.parametrize("content", ["", "{", "[]", "3", "null", '"text"'])
def test_a_description_that_is_none_is_one_line(folder: Path, content: str) -> None:
    (folder / "model.json").write_text(content)
    assert "damaged" in failure(folder)


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
def test_a_file_cut_short_anywhere_is_one_line(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    for length in range(0, len(content) - 1, 41):
        (folder / name).write_bytes(content[:length])
        assert "damaged" in failure(folder)


# predictions


def test_a_prediction_is_the_formula_by_hand(model: LinearModel) -> None:
    frame = pd.DataFrame({"x": [2.0], "k": [2], "g": ["b"], "flag": [True], "a name": [math.e]})
    calm = LinearModel(model.design, np.arange(1.0, 8.0), 0.5, {})
    # 0.5 + 1·x + 2·[k = 2] + 3·[k = 3] + 4·[g = b] + 5·[g = c] + 6·flag + 7·log(e)
    assert calm.predict(frame)[0] == pytest.approx(0.5 + 2 + 2 + 4 + 6 + 7, rel=1e-15)


@given(st.lists(st.tuples(*[st.floats(-1e3, 1e3)] * 4), min_size=1, max_size=5), st.floats(-10, 10))
def test_linear_adds_the_columns_one_after_the_other(
    rows: list[tuple[float, ...]], b: float
) -> None:
    X, theta = np.array(rows), np.array([0.1, -3.0, 1 / 3, 1e-3])
    for row, found in zip(rows, linear(X, theta, b).tolist(), strict=True):
        expected = b
        for x, coefficient in zip(row, theta.tolist(), strict=True):
            expected += x * coefficient
        assert found == expected
    np.testing.assert_array_equal(linear(np.asfortranarray(X), theta, b), linear(X, theta, b))


def test_a_prediction_needs_the_features_in_any_order_and_nothing_else(plain: LinearModel) -> None:
    frame = pd.DataFrame({"g": ["b", "a"], "unused": [pd.NA, {}], "x": [1.0, 2.0]}, index=[7, 7])
    assert plain.predict(frame).tolist() == [13.0, 5.0]
    assert plain.columns == (
        ModelColumn("x", "float", "number"),
        ModelColumn("g", "string", "category"),
    )
    assert plain.target == "y"


@pytest.mark.parametrize(
    "x",
    [
        np.array([3], np.int64),
        np.array([3], np.int8),
        np.array([3], np.uint64),
        np.array([3], np.float16),
        np.array([3], np.float32),
        pd.array([3], dtype="Int32"),
        pd.array([3.0], dtype="Float64"),
        [3],
        [3.0],
    ],
    ids=lambda x: str(getattr(x, "dtype", type(x[0]))),
)
def test_a_number_may_be_of_any_numeric_type(plain: LinearModel, x: Any) -> None:
    assert plain.predict(pd.DataFrame({"x": x, "g": ["a"]})).tolist() == [7.0]


@pytest.mark.parametrize(
    "g",
    [
        pd.Categorical(["b"], categories=["z", "b"]),
        pd.array(["b"], dtype="string"),
        np.array(["b"], object),
        ["b"],
    ],
    ids=["category", "string", "object", "list"],
)
def test_a_category_may_be_any_text(plain: LinearModel, g: Any) -> None:
    assert plain.predict(pd.DataFrame({"x": [1.0], "g": g})).tolist() == [13.0]


@pytest.mark.parametrize(
    "type_",
    [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())],
    ids=str,
)
def test_a_table_may_hold_text_of_any_arrow_type(plain: LinearModel, type_: pa.DataType) -> None:
    table = pa.table({"x": [1.0], "g": pa.array(["b"], pa.string()).cast(type_)})
    assert plain.predict(table).tolist() == [13.0]


def test_a_category_of_whole_numbers_may_come_as_floats_that_are_whole(learn: Learn) -> None:
    model = LinearModel(learn("y ~ C(k)", TRAIN), np.array([10.0, 20.0]), 1.0, {})
    assert model.predict(pd.DataFrame({"k": [1.0, 2.0, 3.0]})).tolist() == [1.0, 11.0, 21.0]
    with pytest.raises(
        UserError, match=r"row 1: column k: holds a level that .* found 1\.5; known levels: 1, 2, 3"
    ):
        model.predict(pd.DataFrame({"k": [1.5]}))


def test_an_integer_column_of_the_training_takes_fractions_in_a_prediction(learn: Learn) -> None:
    model = LinearModel(learn("y ~ k", TRAIN), np.array([2.0]), 0.0, {})
    assert model.predict(pd.DataFrame({"k": [1.5, 10.0]})).tolist() == [3.0, 20.0]


def refused(model: LinearModel, frame: Any) -> str:
    with pytest.raises(UserError) as error:
        model.predict(frame)
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


FRAME = pd.DataFrame({"x": [1.0, 2.0, 3.0], "g": ["a", "b", "a"]})


def with_cell(column: str, row: int, cell: object) -> pd.DataFrame:
    cells: list[Any] = FRAME[column].tolist()
    cells[row] = cell
    return FRAME.assign(**{column: pd.Series(cells, dtype=object)})


@pytest.mark.parametrize("missing", [None, math.nan, pd.NA])
@pytest.mark.parametrize("column", ["x", "g"])
def test_a_missing_cell_is_reported_with_column_and_row(
    plain: LinearModel, column: str, missing: object
) -> None:
    expected = f"the input: row 2: column {column}: is missing; fill the cell or leave the row out"
    assert refused(plain, with_cell(column, 1, missing)) == expected


def test_nan_in_an_arrow_table_is_reported_too(plain: LinearModel) -> None:
    table = pa.table({"x": [1.0, math.nan], "g": ["a", "b"]})
    assert refused(plain, table).startswith("the input: row 2: column x: ")


@pytest.mark.parametrize("cell", [math.inf, -math.inf])
def test_an_infinite_cell_is_reported_with_column_and_row(plain: LinearModel, cell: float) -> None:
    message = refused(plain, FRAME.assign(x=[1.0, 2.0, cell]))
    assert message == f"the input: row 3: column x: is not finite; found x = {cell}"


def test_a_missing_column_is_reported_with_those_there_are(plain: LinearModel) -> None:
    message = refused(plain, FRAME.rename(columns={"x": "X"}))
    assert message == "the input: column x: is missing; found X, g; name the columns as in training"


@pytest.mark.parametrize(
    ("column", "cells", "wanted"),
    [
        ("x", ["1", "2", "3"], "double"),
        ("x", ["a", "b", "c"], "double"),
        ("g", [1, 2, 3], "string"),
        ("g", [True, False, True], "string"),
        ("x", pd.to_datetime(["2020"] * 3), "double"),
    ],
)
def test_a_column_of_another_kind_is_reported_with_the_kind_wanted(
    plain: LinearModel, column: str, cells: Any, wanted: str
) -> None:
    assert refused(plain, FRAME.assign(**{column: cells})).startswith(
        f"the input: column {column}: must hold {wanted}"
    )


def test_mixed_cells_in_a_column_are_one_line(plain: LinearModel) -> None:
    assert refused(plain, with_cell("x", 2, "three")).startswith(
        "the input: column x: must hold double"
    )
    assert refused(plain, with_cell("g", 2, 3)).startswith("the input: column g: must hold string")


@pytest.mark.parametrize("cells", [[{}], [[1.0]], [b"1"], [complex(1)], [Path()]], ids=repr)
def test_cells_that_are_no_numbers_at_all_are_one_line(
    plain: LinearModel, cells: list[Any]
) -> None:
    frame = pd.DataFrame({"x": pd.Series(cells, dtype=object), "g": ["a"]})
    assert refused(plain, frame).startswith("the input: column x: must hold double")


def test_a_column_that_comes_twice_is_one_line(plain: LinearModel) -> None:
    assert "column x" in refused(plain, pd.concat([FRAME, FRAME[["x"]]], axis=1))


def test_an_unseen_level_is_reported_with_the_row_and_the_known_ones(plain: LinearModel) -> None:
    message = refused(plain, FRAME.assign(g=["a", "b", "zebra"]))
    assert message == (
        "the input: row 3: column g: holds a level that the training rows do not have; "
        "found 'zebra'; known levels: a, b, c"
    )


def test_a_truth_value_may_not_come_as_text(learn: Learn) -> None:
    model = LinearModel(learn("y ~ flag", TRAIN), np.array([10.0]), 1.0, {})
    assert model.predict(pd.DataFrame({"flag": [True, False]})).tolist() == [11.0, 1.0]
    assert "column flag: must hold bool" in refused(model, pd.DataFrame({"flag": ["yes"]}))


def test_a_prediction_that_overflows_is_reported_with_its_row(learn: Learn) -> None:
    model = LinearModel(learn("y ~ x", TRAIN), np.array([1e300]), 0.0, {})
    message = refused(model, pd.DataFrame({"x": [1.0, 1e300]}))
    assert message == "the input: row 2: is too large to predict from; found inf"


def test_a_missing_number_is_filled_with_the_training_mean_where_training_did_so(
    learn: Learn, tmp_path: Path
) -> None:
    design = learn("y ~ x + g", TRAIN, fill_missing=True)
    LinearModel(design, np.array([2.0, 10.0, 20.0]), 1.0, {}).save(tmp_path)
    model = load(tmp_path)
    frame = pd.DataFrame({"x": [None, 1.0], "g": ["a", "b"]})
    assert model.predict(frame).tolist() == [1 + 2 * 2.25, 13.0]
    assert "row 2: column g: is missing" in refused(
        model, pd.DataFrame({"x": [1.0, 2.0], "g": ["a", None]})
    )


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_a_model_without_features_predicts_b_for_every_row(learn: Learn, rows: int) -> None:
    model = LinearModel(learn("y ~ 1", TRAIN), np.array([]), 2.5, {})
    assert model.predict(pd.DataFrame({"unused": range(rows)})).tolist() == [2.5] * rows
    assert model.predict(pa.table({"unused": pa.array(range(rows))})).tolist() == [2.5] * rows


def test_no_rows_give_no_predictions(plain: LinearModel) -> None:
    assert plain.predict(FRAME[:0]).tolist() == []


def test_predicting_changes_neither_the_frame_nor_later_predictions(plain: LinearModel) -> None:
    frame = FRAME.copy()
    first = plain.predict(frame)
    pd.testing.assert_frame_equal(frame, FRAME)
    assert plain.predict(frame).tolist() == first.tolist() == [3.0, 15.0, 7.0]


def test_the_coefficients_are_theta_by_name(model: LinearModel) -> None:
    assert list(model.coefficients) == list(model.design.names)
    assert list(model.coefficients.values()) == THETA.tolist()


def test_numbers_as_text_are_taken_only_where_the_caller_says_so(plain: LinearModel) -> None:
    frame = pd.DataFrame({"x": ["1.5", "-2"], "g": ["a", "b"]})
    assert as_array(plain.design_matrix(frame, text=True)).tolist() == [[1.5, 0, 0], [-2, 1, 0]]
    assert plain.predict(frame, text=True).tolist() == [4.0, 7.0]
    for refuses in (plain.design_matrix, plain.predict):
        with pytest.raises(UserError, match="column x: must hold double"):
            refuses(frame)


def test_the_design_matrix_of_a_frame_has_a_column_for_each_name(plain: LinearModel) -> None:
    assert plain.design.names == ("x", "g[T.b]", "g[T.c]")
    frame = FRAME.assign(g=["a", "b", "c"])
    assert as_array(plain.design_matrix(frame)).tolist() == [[1, 0, 0], [2, 1, 0], [3, 0, 1]]


@pytest.mark.parametrize("extra", [[], [1.0]])
def test_weights_of_another_length_are_a_damaged_model(folder: Path, extra: list[float]) -> None:
    theta = np.array([*THETA, *extra] if extra else THETA[:-1])
    save_file({"theta": theta, "b": np.array([0.1 + 0.2])}, folder / "model.safetensors")
    assert "is a damaged model" in failure(folder)


def test_another_b_in_the_weights_is_noticed(folder: Path) -> None:
    save_file({"theta": THETA, "b": np.array([0.3])}, folder / "model.safetensors")
    assert "model.safetensors and model.json differ" in failure(folder)


def test_the_hashes_of_files_are_kept_with_the_model(plain: LinearModel, tmp_path: Path) -> None:
    assert load_saved(plain, tmp_path).files == {}
    of_files = LinearModel(plain.design, plain.theta, plain.b, {}, {"a.csv": "0123"})
    assert load_saved(of_files, tmp_path).files == {"a.csv": "0123"}


def load_saved(model: LinearModel, folder: Path) -> LinearModel:
    model.save(folder)
    return load(folder)
