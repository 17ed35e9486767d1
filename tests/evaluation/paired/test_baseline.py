"""A file of predictions as the baseline: read strictly, and compared by the paired test."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats

from linreg.data.formula.design import Design
from linreg.data.rows import Rows
from linreg.errors import UserError
from linreg.evaluation.metrics import compute_metrics
from linreg.evaluation.own_metrics import OwnMetrics
from linreg.evaluation.paired.baseline import compare_with_baseline, read_predictions
from linreg.fit.model import LinearModel
from linreg.params.evaluate import Evaluate
from linreg.params.file import load_params
from linreg.params.params import flatten

ACTUAL = np.array([1.0, 0.0, 4.0, 0.1])
PREDICTED = [1.5, 2.5, 3.5, 4.5]
TABLE = Path("data/split/test.parquet")


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"row": [1, 2, 3, 4], "actual": ACTUAL, "predicted": PREDICTED} | columns)


def write(rows: pd.DataFrame, path: Path) -> Path:
    if path.suffix == ".parquet":
        rows.to_parquet(path)
    else:
        rows.to_csv(path, index=False)
    return path


def read(path: Path) -> list[float]:
    found: list[float] = read_predictions(path, ACTUAL, TABLE).tolist()
    return found


@pytest.mark.parametrize("name", ["p.csv", "p.parquet"])
@pytest.mark.parametrize(
    "rows",
    [
        frame(),
        frame().sample(frac=1, random_state=2),
        frame().drop(columns="row"),
        frame().drop(columns="actual").iloc[::-1],
        frame(residual=0.0, file="t.csv"),
        frame().rename(columns={"predicted": "prediction"}),
        # What float32 makes of the target.
        frame(actual=ACTUAL.astype(np.float32)),
        frame(row=[1.0, 2.0, 3.0, 4.0]),
    ],
)
def test_predictions_are_those_of_the_rows_in_whatever_order(
    rows: pd.DataFrame, name: str, tmp_path: Path
) -> None:
    assert read(write(rows, tmp_path / name)) == PREDICTED


WRONG = {
    "a row is missing": (
        frame().iloc[[0, 1, 3]],
        "each row of .*; found none for row 3, and for 1",
    ),
    "a row is there twice": (
        pd.concat([frame(), frame().iloc[:1]]),
        "more than one prediction for row 1 of data/split/test.parquet; found 2",
    ),
    "another row": (frame(row=[1, 2, 3, 5]), "row 4: column row: must be the number .* found 5"),
    "row 0": (frame(row=[0, 2, 3, 4]), "row 1: column row: must be the number of a row"),
    "half a row": (frame(row=[1, 2.5, 3, 4]), "row 2: column row: must be the number of a row"),
    "a missing number": (frame(row=[1, None, 3, 4]), "row 2: column row: is missing"),
    "too few in order": (frame().iloc[:3].drop(columns="row"), "each of the 4 rows .* found 3"),
    "NaN": (frame(predicted=[1, np.nan, 3, 4]), "row 2: column predicted: (is missing|must be f)"),
    "infinity": (frame(predicted=[1, 2, np.inf, 4]), "row 3: column predicted: must be finite"),
    "text": (frame(predicted=["1", "x", "3", "4"]), "column predicted: must hold numbers; found"),
    "truth values": (
        frame(predicted=[True] * 4),
        "column predicted: must hold numbers; found bool",
    ),
    "no prediction": (frame().drop(columns="predicted"), "one column predicted or prediction"),
    "two": (frame(prediction=1.0), "must have one column predicted or prediction"),
    "other rows": (
        frame(actual=[1, 0, 4.1, 0.1]),
        "row 3: column actual: must be the target of row 3 of .*, 4; found 4.1",
    ),
    "rows of another order": (
        frame().drop(columns="row").iloc[::-1],
        "row 1: column actual: must be the target of row 1",
    ),
}


@pytest.mark.parametrize("name", ["p.csv", "p.parquet"])
@pytest.mark.parametrize(("rows", "message"), WRONG.values(), ids=WRONG)
def test_what_is_no_prediction_for_each_row_is_one_line(
    rows: pd.DataFrame, message: str, name: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=f"{name}: .*{message}"):
        read(write(rows, tmp_path / name))


@pytest.mark.parametrize(
    "content", [b"", b"PAR1 cut off", b"\x00\xff\xfe", b"a,b\n1\n2,3,4\n", b"predicted\n"]
)
def test_what_is_no_table_is_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_bytes(content)
    with pytest.raises(
        UserError, match=r"p\.csv: (must have|must be a table|column predicted: must hold numbers)"
    ):
        read(path)


@pytest.mark.parametrize(("name", "what"), [("nothing.csv", "no such file"), ("", "a folder")])
def test_what_is_no_file_is_one_line(name: str, what: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"params.yaml: evaluate.baseline: .*{what}"):
        read(tmp_path / name)


@pytest.fixture
def compare(
    tmp_path: Path, shards_of: Callable[..., list[Rows]], learn: Callable[..., Design]
) -> Callable[..., dict[str, Any]]:
    """Compares y ≈ x, 500 rows in row groups of 70, with predictions that are y plus noise."""

    def compare(noise: float, by: str = "row") -> dict[str, Any]:
        rng = np.random.default_rng(1)
        x = rng.normal(size=500)
        y = x + rng.normal(0, 0.5, 500)
        rows = shards_of(x[:, None], y, 1, rows_per_group=70)
        path = write(pd.DataFrame({"predicted": y + rng.normal(0, noise, 500)}), tmp_path / "p.csv")
        design = learn("y ~ x1", pa.table({"y": [0.0], "x1": [0.0]}))
        model = LinearModel(design, np.array([1.0]), 0.0, {})
        settings = Evaluate(baseline=str(path))
        own = tmp_path / "metrics.py"
        own.write_text("def bias(actual, predicted):\n    return (predicted - actual).mean()\n")
        found = compare_with_baseline(settings, rows, model, by, OwnMetrics(own))
        baseline = pd.read_csv(path).predicted.to_numpy()
        found["d"] = (y - baseline) ** 2 - (y - x) ** 2
        found["bias"] = (baseline - y).mean()
        found["model"] = compute_metrics(rows, model.theta, 0.0)
        return found

    return compare


@pytest.mark.parametrize("noise", [0.3, 0.5, 0.52, 0.9])
def test_the_confidence_is_that_of_the_paired_t_test(
    compare: Callable[..., dict[str, Any]], noise: float
) -> None:
    found = compare(noise)
    test = stats.ttest_1samp(found["d"], 0)
    expected = 1 - test.pvalue if found["d"].mean() > 0 else 0.0
    assert found["beats_baseline"] == pytest.approx(expected, rel=1e-9)
    improvement = found["baseline_file"]["improvement"]
    # What register asks: the whole interval is above 0.
    assert (improvement["low"] > 0) == (found["beats_baseline"] > 0.95)
    assert improvement["before"] == pytest.approx(found["baseline_file"]["mse"], rel=1e-12)
    assert improvement["after"] == pytest.approx(found["model"]["mse"], rel=1e-12)


def test_the_baseline_has_all_metrics_that_the_model_has(
    compare: Callable[..., dict[str, Any]],
) -> None:
    found = compare(0.5)
    metrics = found["baseline_file"]
    assert metrics["bias"] == pytest.approx(found["bias"], rel=1e-12)
    assert set(metrics) == {*found["model"], "bias", "file", "improvement"}


def test_the_mean_is_compared_with_beside_every_part_already(tmp_path: Path) -> None:
    own = OwnMetrics(tmp_path / "none.py")
    assert compare_with_baseline(Evaluate(), [], None, "row", own) == {}  # type: ignore[arg-type]


def test_a_run_without_a_baseline_of_its_own_logs_none(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("evaluate: {baseline: data/split}\n")
    assert "evaluate.baseline" not in flatten(load_params(path))
    path.write_text("evaluate: {baseline: p.csv, gates: {beats_baseline: {min: 0.95}}}\n")
    assert flatten(load_params(path))["evaluate.baseline"] == "p.csv"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("evaluate: {gates: {beats_baseline: {min: 0.9}}}", "needs a file of predictions"),
        ("evaluate: {baseline: p.csv}\nsplit: {train: 0.8, validation: 0.2, test: 0}", "test rows"),
        ("evaluate: {baseline: null}", "evaluate.baseline"),
    ],
)
def test_a_baseline_that_cannot_be_compared_with_is_one_line(
    text: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        load_params(path)
