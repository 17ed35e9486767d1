import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import statsmodels.api as sm
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linreg.data.formula import compact_matrix
from linreg.data.formula.design import Design
from linreg.data.source import open_source
from linreg.errors import UserError
from linreg.fit.exact.reference import ExactReference
from linreg.fit.model import LinearModel
from linreg.prediction.input_table import InputTable
from linreg.prediction.output import output_rows, output_schema
from linreg.prediction.row_predictions import PredictionInterval, predict_rows
from tests.fit.exact.absorbed import panel, reference, shards_of
from tests.prediction.fitted import save_model, training_rows

Learn = Callable[..., Design]

GOOD: dict[str, Any] = {"x": 0.25, "z": 3.0, "k": 4, "g": "b", "c": 20, "flag": True}
NOT_NUMBERS = {"x": ["abc", "1,5", "1 2", "0x10", "1_0"], "z": ["x", "--1"], "k": ["four"]}
INFINITE = {"x": ["inf", "-Infinity", "1e999"], "z": ["inf"], "k": ["-inf"]}
UNSEEN = {
    "g": ["z", " b", "B"],
    "c": ["2", "1.5", "x", "9999999999999999999"],
    "flag": ["yes", "1"],
}
OUTSIDE = {"x": ["2.5", "-1e3"], "z": ["0.5", "10"], "k": ["-1", "10.5"]}
VALID = {"x": ["0.25", "+.5", " 1e-1\t", "-2"], "z": ["3", "9.", "4.5"], "k": ["4", "4.5", "9.0"]}
VALID |= {"g": ["a", "b", "c"], "c": ["20", "1.0", "300", "+1"], "flag": ["true", "FALSE", "True"]}


def choices(name: str) -> list[tuple[str, str]]:
    """Return cells of a column as text in a CSV, each with the reason that belongs to it."""
    found = [(cell, "") for cell in VALID[name]] + [
        ("", f"missing value: {name}"),
        ("NA", f"missing value: {name}"),
    ]
    found += [(cell, f"not a number: {name}") for cell in NOT_NUMBERS.get(name, [])]
    found += [(cell, f"not finite: {name}") for cell in INFINITE.get(name, [])]
    found += [(cell, f"unseen level: {name}") for cell in UNSEEN.get(name, [])]
    found += [(cell, f"outside the training range: {name}") for cell in OUTSIDE.get(name, [])]
    return found


CELLS = {name: st.sampled_from(choices(name)) for name in GOOD}


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory, learn: Learn) -> LinearModel:
    return save_model(tmp_path_factory.mktemp("model"), learn)


def predicted(
    model: LinearModel,
    path: Path,
    keep: list[str] | None = None,
    interval: PredictionInterval | None = None,
) -> pd.DataFrame:
    """Return the output for the rows of a file."""
    table = InputTable(open_source(path), model.design.schema, keep or [])
    schema = output_schema(table.kept, with_file=False, with_interval=interval is not None)
    tables = [
        output_rows(chunk, predict_rows(model, chunk.features, interval), schema)
        for chunk in table.chunks()
    ]
    found: pd.DataFrame = pa.concat_tables(tables).to_pandas()
    return found


def typed_row(cells: dict[str, str]) -> dict[str, Any]:
    """Return a row without errors as a Python program would hold it."""
    numbers = {name: float(cells[name].strip()) for name in ("x", "z", "k")}
    return numbers | {
        "g": cells["g"],
        "c": int(float(cells["c"])),
        "flag": cells["flag"].lower() == "true",
    }


@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.fixed_dictionaries(CELLS), min_size=1, max_size=30))
def test_every_row_of_a_csv_has_its_prediction_or_exactly_its_reasons(
    model: LinearModel, tmp_path: Path, rows: list[dict[str, tuple[str, str]]]
) -> None:
    # The first row has no error: a column without a single number would end the command.
    rows = [{name: (VALID[name][0], "") for name in GOOD}, *rows]
    path = tmp_path / "rows.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", *GOOD])
        writer.writerows([f"r{i}", *(row[name][0] for name in GOOD)] for i, row in enumerate(rows))

    found = predicted(model, path, keep=["id"])
    assert found["row"].tolist() == list(range(1, len(rows) + 1))
    assert found["id"].tolist() == [f"r{i}" for i in range(len(rows))]
    good = []
    for i, row in enumerate(rows):
        reasons = [reason for _, reason in row.values() if reason]
        errors = [reason for reason in reasons if not reason.startswith("outside")]
        expected = set(errors or reasons) or {"ok"}
        assert set(found["reason"][i].split("; ")) == expected, row
        assert math.isnan(found["prediction"][i]) == bool(errors)
        if not errors:
            good.append(i)
    alone = pd.DataFrame(
        [typed_row({name: cell for name, (cell, _) in rows[i].items()}) for i in good]
    )
    assert found["prediction"][good].to_numpy().tobytes() == model.predict(alone).tobytes()


OF_X = [
    (0.5, ""),
    (None, "missing value: x"),
    (math.nan, "missing value: x"),
    (math.inf, "not finite: x"),
]
OF_Z = [
    (4.0, ""),
    (None, "missing value: z"),
    (0.0, "not finite: log(z)"),
    (-1.0, "not finite: log(z)"),
]
OF_C = [(20, ""), (None, "missing value: c"), (7, "unseen level: c")]
CELLS_OF_A_ROW = st.tuples(st.sampled_from(OF_X), st.sampled_from(OF_Z), st.sampled_from(OF_C))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(CELLS_OF_A_ROW, min_size=1, max_size=30), rows_per_group=st.integers(1, 9))
def test_every_row_of_a_parquet_file_has_its_prediction_or_its_reasons(
    model: LinearModel, tmp_path: Path, rows: list[tuple[tuple[Any, str], ...]], rows_per_group: int
) -> None:
    x, z, c = zip(*rows, strict=True)
    table = pa.table(
        {
            "x": pa.array([cell for cell, _ in x], pa.float64()),
            "z": pa.array([cell for cell, _ in z], pa.float32()),
        }
        | {"c": pa.array([cell for cell, _ in c], pa.int16()), "k": [1] * len(rows)}
        | {"g": pa.array(["a"] * len(rows)).dictionary_encode(), "flag": [False] * len(rows)}
    )
    path = tmp_path / "rows.parquet"
    pq.write_table(table, path, row_group_size=rows_per_group)
    found = predicted(model, path)
    for i, row in enumerate(rows):
        reasons = {reason for _, reason in row if reason}
        # An expression is checked only in rows without an error so far, in the formula's order.
        certain = reasons - {"not finite: log(z)"} if len(reasons) > 1 else reasons
        assert certain <= set(found["reason"][i].split("; ")) <= (reasons or {"ok"})
        assert math.isnan(found["prediction"][i]) == bool(reasons)
    good = [i for i, row in enumerate(rows) if not any(reason for _, reason in row)]
    alone = table.take(pa.array(good, pa.int64()))
    assert found["prediction"][good].to_numpy().tobytes() == model.predict(alone).tobytes()


def test_a_missing_number_may_be_filled_but_text_is_not(tmp_path: Path, learn: Learn) -> None:
    model = save_model(tmp_path / "model", learn, "y ~ x + z", fill_missing=True)
    (tmp_path / "in.csv").write_text("x,z\n1,2\n,3\nabc,3\n2.5,?\n")
    found = predicted(model, tmp_path / "in.csv")
    assert found["reason"].tolist() == [
        "ok",
        "filled with the mean: x",
        "not a number: x",
        "outside the training range: x; filled with the mean: z",
    ]
    mean = float(np.mean(training_rows()["x"].to_numpy()))
    assert found["prediction"][1] == model.predict(pd.DataFrame({"x": [mean], "z": [3.0]}))[0]
    assert math.isnan(found["prediction"][2])


def test_a_row_whose_prediction_overflows_has_none(tmp_path: Path, learn: Learn) -> None:
    model = save_model(tmp_path / "model", learn, "y ~ x + z")
    (tmp_path / "in.csv").write_text("x,z\n1,2\n1.7e308,1.7e308\n")
    assert predicted(model, tmp_path / "in.csv")["reason"].tolist() == [
        "ok",
        "too large to predict from",
    ]


def test_prediction_intervals_are_those_of_statsmodels(tmp_path: Path, learn: Learn) -> None:
    model = save_model(tmp_path, learn, "y ~ x + z")
    rows = training_rows().to_pandas()
    fit = sm.OLS(rows["y"], sm.add_constant(rows[["x", "z"]])).fit()
    new = pd.DataFrame({"x": [0.0, 1.9, -1.0], "z": [5.0, 1.5, 8.0]})
    for confidence in (0.5, 0.95, 0.999):
        theirs = fit.get_prediction(sm.add_constant(new, has_constant="add")).summary_frame(
            alpha=1 - confidence
        )
        ours = bounds(model, tmp_path, new, confidence)
        np.testing.assert_allclose(ours["low"], theirs["obs_ci_lower"], rtol=1e-11)
        np.testing.assert_allclose(ours["high"], theirs["obs_ci_upper"], rtol=1e-11)
        np.testing.assert_allclose(ours["prediction"], theirs["mean"], rtol=1e-11)
        assert set(ours["reason"]) == {"ok"}


def test_intervals_stay_with_the_exact_fit_of_a_model_that_stopped_short(
    tmp_path: Path, learn: Learn
) -> None:
    exact = save_model(tmp_path / "exact", learn, "y ~ x + z")
    near, far = (save_model(tmp_path / str(off), learn, "y ~ x + z", off=off) for off in (0.5, 5.0))
    new = pd.DataFrame({"x": [0.0, 1.0], "z": [5.0, 2.0]})
    with_exact, with_near, with_far = (
        bounds(model, tmp_path / name, new, 0.95)
        for model, name in ((exact, "exact"), (near, "0.5"), (far, "5.0"))
    )
    for found in (with_near, with_far):
        assert found[["low", "high"]].equals(with_exact[["low", "high"]])
    assert set(with_near["reason"]) == {"ok"}
    assert set(with_far["reason"]) == {"prediction outside its interval"}
    assert with_far["prediction"].tolist() == far.predict(new).tolist()


def test_bounds_are_absent_without_a_prediction_and_where_they_overflow(
    tmp_path: Path, learn: Learn
) -> None:
    model = save_model(tmp_path, learn, "y ~ x + z")
    found = bounds(model, tmp_path, pd.DataFrame({"x": [None, 1e200], "z": [5.0, 5.0]}), 0.95)
    assert found["low"].isna().all()
    assert found["high"].isna().all()
    assert found["prediction"].isna().tolist() == [True, False]
    assert found["reason"].tolist() == [
        "missing value: x",
        "outside the training range: x; too large for an interval",
    ]


def test_a_fit_without_a_residual_deviation_has_no_interval(tmp_path: Path, learn: Learn) -> None:
    save_model(tmp_path / "ridge", learn, "y ~ x", l2=0.5)
    with pytest.raises(
        UserError, match=r"--interval: a ridge fit is biased .*; found train.l2 = 0.5"
    ):
        PredictionInterval(ExactReference.read(tmp_path / "ridge"), 0.95)
    save_model(tmp_path / "two", learn, "y ~ x", training_rows(2))
    with pytest.raises(
        UserError, match=r"--interval: the model has as many coefficients as training rows"
    ):
        PredictionInterval(ExactReference.read(tmp_path / "two"), 0.95)


def test_two_factors_eliminated_together_leave_no_interval(
    tmp_path: Path, learn: Learn, monkeypatch: pytest.MonkeyPatch
) -> None:
    formula = "y ~ x1 | firm + year"
    assert PredictionInterval(reference(shards_of(tmp_path, learn, formula, panel())), 0.95)
    monkeypatch.setattr(compact_matrix, "MOST_PRODUCTS", 0)
    with pytest.raises(
        UserError, match=r"--interval: two absorbed factors .*; found firm and year; predict"
    ):
        PredictionInterval(reference(shards_of(tmp_path, learn, formula, panel())), 0.95)


def bounds(model: LinearModel, folder: Path, new: pd.DataFrame, confidence: float) -> pd.DataFrame:
    pq.write_table(pa.Table.from_pandas(new), folder / "new.parquet")
    interval = PredictionInterval(ExactReference.read(folder), confidence)
    return predicted(model, folder / "new.parquet", interval=interval)
