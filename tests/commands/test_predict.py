import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from linreg.commands import predict
from linreg.data.formula.design import Design
from linreg.errors import UserError
from linreg.fit.model import LinearModel
from tests.prediction.fitted import save_model, training_rows

Learn = Callable[..., Design]
AFTERWARDS = "import sys; from linreg.cli import main\ntry: main()\nfinally: print({})"
CSV = "id,x,z,g\n007,0.5,2,a\n008,,3,b\n009,1.5,oops,c\n010,9,2.5,a\n011,1,1,q\n"
REASONS = [
    "ok",
    "missing value: x",
    "not a number: z",
    "outside the training range: x",
    "unseen level: g",
]


def run(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    predict.add_arguments(parser)
    return predict.run(parser.parse_args([str(each) for each in arguments]))


def refused(*arguments: object) -> str:
    with pytest.raises(UserError) as caught:
        run(*arguments)
    return str(caught.value)


@pytest.fixture
def model(tmp_path: Path, learn: Learn, monkeypatch: pytest.MonkeyPatch) -> LinearModel:
    monkeypatch.chdir(tmp_path)
    model = save_model(Path("model"), learn, "y ~ x + z + g")
    Path("in.csv").write_text(CSV)
    return model


def test_every_row_has_its_number_its_prediction_or_its_reason(
    model: LinearModel, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("model", "in.csv", "out.csv", "--keep", "id", "g") == 0
    found = pd.read_csv("out.csv", dtype={"id": str})
    assert list(found.columns) == ["row", "id", "g", "prediction", "reason"]
    assert found["row"].tolist() == [1, 2, 3, 4, 5]
    assert found["id"].tolist() == ["007", "008", "009", "010", "011"]
    assert found["reason"].tolist() == REASONS
    alone = pd.DataFrame({"x": [0.5, 9.0], "z": [2.0, 2.5], "g": ["a", "a"]})
    assert found["prediction"].dropna().tolist() == model.predict(alone).tolist()
    assert capsys.readouterr().out.splitlines() == [
        "predict: 5 rows, 2 predicted, 3 without a prediction → out.csv",
        "           1  predicted: ok",
        "           1  predicted: outside the training range: x",
        "           1  no prediction: missing value: x",
        "           1  no prediction: not a number: z",
        "           1  no prediction: unseen level: g",
    ]


def test_csv_and_parquet_hold_the_same_predictions(model: LinearModel) -> None:
    good = pd.DataFrame({"x": [0.5, None, 9.0], "z": [2.0, 3.0, 2.5], "g": ["a", "b", "a"]})
    good.to_csv("same.csv", index=False)
    good.to_parquet("same.parquet", index=False)
    for source in ("same.csv", "same.parquet"):
        for output in ("out.csv", "out.parquet"):
            assert run("model", source, output) == 0
    # Text of CSV is text of Parquet, but the values are the same bits.
    from_csv, from_parquet = pd.read_csv("out.csv"), pd.read_parquet("out.parquet")
    pd.testing.assert_frame_equal(from_csv, from_parquet, check_exact=True)
    run("model", "same.csv", "other.parquet")
    assert Path("other.parquet").read_bytes() == Path("out.parquet").read_bytes()


def test_keep_all_keeps_every_column_and_the_types_of_parquet(model: LinearModel) -> None:
    table = pa.table(
        {
            "z": [1.0],
            "when": pa.array([0], pa.timestamp("us")),
            "x": [0.0],
            "n": pa.array([7], pa.int8()),
        }
    )
    pq.write_table(table.append_column("g", pa.array(["a"])), "in.parquet")
    assert run("model", "in.parquet", "out.parquet", "--keep", ".") == 0
    schema = pq.read_schema("out.parquet")
    assert schema.names == ["row", "z", "when", "x", "n", "g", "prediction", "reason"]
    assert [str(schema.field(name).type) for name in ("z", "when", "n")] == [
        "double",
        "timestamp[us]",
        "int64",
    ]


def test_the_rows_of_a_folder_name_their_file(model: LinearModel) -> None:
    Path("in").mkdir()
    for name in ("a.csv", "b.csv"):
        (Path("in") / name).write_text(CSV)
    assert run("model", "in", "out.csv") == 0
    found = pd.read_csv("out.csv")
    assert found["file"].tolist() == ["in/a.csv"] * 5 + ["in/b.csv"] * 5
    assert found["row"].tolist() == [1, 2, 3, 4, 5] * 2
    assert found["reason"].tolist() == REASONS * 2


def test_intervals_come_with_how_far_predictions_are_off_centre(
    model: LinearModel, learn: Learn, capsys: pytest.CaptureFixture[str]
) -> None:
    save_model(Path("off"), learn, "y ~ x + z + g", off=0.5)
    assert run("off", "in.csv", "out.csv", "--interval", 0.9) == 0
    found = pd.read_csv("out.csv")
    assert list(found.columns) == ["row", "prediction", "low", "high", "reason"]
    assert (
        found[["low", "high"]]
        .isna()
        .equals(found[["prediction", "prediction"]].isna().set_axis(["low", "high"], axis=1))
    )
    share = (0.5 / ((found["high"] - found["low"]) / 2)).max()
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.endswith(f"predictions are off-centre by at most {share:.3%} of their half-width")


def test_intervals_after_a_dropped_column_say_for_which_rows_they_are_valid(
    model: LinearModel, learn: Learn, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = training_rows()
    rows = rows.append_column("w", pa.array(2 * rows["x"].to_numpy()))
    save_model(Path("dropped"), learn, "y ~ x + w", rows, collinear="drop")
    pq.write_table(rows, "in.parquet")
    assert run("dropped", "in.parquet", "out.csv", "--interval", 0.9) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "interval: valid for rows in which w = 2·x, as in training, where w was dropped"


def test_too_many_rows_without_a_prediction_are_exit_code_1(
    model: LinearModel, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("model", "in.csv", "out.csv", "--max-bad", 0.6) == 0
    Path("out.csv").unlink()
    assert run("model", "in.csv", "out.csv", "--max-bad", 0.59) == 1
    assert len(pd.read_csv("out.csv")) == 5
    assert capsys.readouterr().err.splitlines()[-1] == (
        "error: 60.000% of the rows have no prediction, more than --max-bad 0.59; out.csv is"
        " written all the same"
    )


def test_the_output_of_a_table_without_rows_has_no_rows(model: LinearModel) -> None:
    Path("in.csv").write_text("x,z,g\n")
    assert run("model", "in.csv", "out.csv", "--max-bad", 0) == 0
    assert Path("out.csv").read_text() == '"row","prediction","reason"\n'


def test_a_model_of_the_intercept_alone_needs_no_column(model: LinearModel, learn: Learn) -> None:
    mean = save_model(Path("mean"), learn, "y ~ 1")
    pq.write_table(pa.table({"x": [1.0, None]}), "in.parquet")
    Path("in.csv").write_text("w,x\n1,2\n3,\n")
    for source in ("in.parquet", "in.csv"):
        assert run("mean", source, "out.csv") == 0
        assert pd.read_csv("out.csv")["prediction"].tolist() == [mean.b, mean.b]


MISTAKES = [
    (
        ("model", "no.csv", "out.csv"),
        "no.csv: there is no such file or folder; name a file to predict",
    ),
    (
        ("model", "in.csv", "out.txt"),
        "out.txt: must end in .csv or .parquet, which decides the format",
    ),
    (("model", "in.csv", "in.csv"), "in.csv: is the input too; name another file for the output"),
    (
        ("model", ".", "out.csv"),
        "out.csv: lies in the folder of the input; write it elsewhere, or it is read as input",
    ),
    (
        ("models", "in.csv", "out.csv"),
        "models: is not a folder with a model; name one such as models/model, or models:/",
    ),
    ((".", "in.csv", "out.csv"), "model.json: there is no such file; run `dvc repro` to make it"),
    (
        ("model", "in.csv", "out.csv", "--interval", "95"),
        "--interval: must be between 0 and 1; found 95.0; 0.95 is",
    ),
    (
        ("model", "in.csv", "out.csv", "--max-bad", "2"),
        "--max-bad: must be a share from 0 to 1; found 2.0; 0.01 ",
    ),
    (
        ("model", "in.csv", "out.csv", "--keep", "ID"),
        "in.csv: column ID: is not in the file, but --keep names it; f",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES)
def test_a_mistake_is_one_line_and_nothing_is_written(
    model: LinearModel, arguments: tuple[str, ...], message: str
) -> None:
    assert refused(*arguments).startswith(message)
    assert not Path("out.csv").exists()
    assert Path("in.csv").read_text() == CSV


def test_the_error_about_a_missing_column_lists_the_columns(model: LinearModel) -> None:
    Path("in.csv").write_text("X,z,g\n1,2,a\n")
    assert refused("model", "in.csv", "out.csv") == (
        "in.csv: column x: is not in the file, but the model needs it; found X, z, g; "
        "correct the name, in the file or here"
    )


def test_the_error_about_a_column_of_another_type_names_both_types(model: LinearModel) -> None:
    pq.write_table(pa.table({"x": [True], "z": [1.0], "g": ["a"]}), "in.parquet")
    assert (
        refused("model", "in.parquet", "out.csv")
        == "in.parquet: column x: must hold double; found bool, such as True"
    )
    pq.write_table(pa.table({"x": [1.0], "z": [1.0], "g": [5]}), "in.parquet")
    assert (
        refused("model", "in.parquet", "out.csv")
        == "in.parquet: column g: must hold string; found int64, such as 5"
    )


def test_the_error_about_a_row_with_too_many_cells_names_the_row(model: LinearModel) -> None:
    Path("in.csv").write_text("x,z,g\n1,2,a\n1,2,a,4\n")
    assert "in.csv: row 2: has 4 cells where the header has 3" in refused(
        "model", "in.csv", "out.csv"
    )
    assert not Path("out.csv").exists()


def test_intervals_need_the_exact_reference_of_the_same_model(
    model: LinearModel, learn: Learn
) -> None:
    save_model(Path("other"), learn, "y ~ x + z")
    for name in ("exact.json", "moments.safetensors"):
        (Path("other") / name).replace(Path("model") / name)
    assert refused("model", "in.csv", "out.csv", "--interval", 0.9) == (
        "model: holds a model and an exact reference with other coefficients; found x, z"
    )
    (Path("model") / "exact.json").unlink()
    assert refused("model", "in.csv", "out.csv", "--interval", 0.9).startswith(
        "model: has no exact reference, which --interval needs"
    )


@pytest.mark.slow
def test_predict_imports_no_torch_mlflow_or_pandas_and_exits_with_2_for_a_mistake(
    model: LinearModel,
) -> None:
    program = AFTERWARDS.format("sorted({'torch', 'mlflow', 'pandas'} & set(sys.modules))")
    command = [sys.executable, "-c", program, "predict", "model", "in.csv"]
    done = subprocess.run([*command, "out.csv"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    wrong = subprocess.run([*command, "out"], capture_output=True, text=True)
    assert wrong.returncode == 2
    assert wrong.stderr.splitlines()[-1].startswith("error: out: must end in")


@pytest.mark.very_slow
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_memory_does_not_grow_with_the_table(model: LinearModel, suffix: str) -> None:
    # Not getrusage, whose peak is also that of the process which this one was forked from.
    program = AFTERWARDS.format(
        "next(line.split()[1] for line in open('/proc/self/status') if 'VmHWM' in line)"
    )
    peaks = []
    for num_rows in (500_000, 4_000_000):
        random = np.random.default_rng(1)
        table = pa.table(
            {"x": random.uniform(-2, 2, num_rows), "z": random.uniform(1, 9, num_rows)}
        )
        table = table.append_column("g", pa.array(["b"] * num_rows))
        path = Path(f"{num_rows}{suffix}")
        pq.write_table(
            table, path, row_group_size=100_000
        ) if suffix == ".parquet" else pa.csv.write_csv(table, path)
        command = [sys.executable, "-c", program, "predict", "model", str(path), f"out{suffix}"]
        done = subprocess.run(
            [*command, "--interval", "0.9"], capture_output=True, text=True, check=True
        )
        peaks.append(int(done.stdout.splitlines()[-1]) / 1024)
    assert peaks[1] < 500, peaks
    assert peaks[1] < peaks[0] + 40, peaks
