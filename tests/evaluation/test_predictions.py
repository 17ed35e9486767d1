"""The sample of predicted rows and the worst of them: against a sort of all rows."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linreg.data.formula.design import Design
from linreg.data.rows import Rows
from linreg.data.tables.parquet import write_table
from linreg.evaluation import predictions
from linreg.evaluation.predictions import (
    NUM_WORST,
    PredictedRow,
    PredictedRows,
    predict_rows,
    write_predictions,
)
from linreg.fit.model import LinearModel
from linreg.process.workers import Workers

Shards = Callable[..., list[Rows]]


@pytest.fixture(scope="module")
def design(learn: Callable[..., Design]) -> Design:
    return learn("y ~ x1", pa.table({"y": [0.0], "x1": [0.0]}))


def model_of(design: Design) -> LinearModel:
    return LinearModel(design, np.array([2.0]), 0.1, {})


def written(path: Path, rows: Rows, design: Design) -> list[tuple[float, float, float]]:
    """The rows of the file, as numbers."""
    write_predictions(path, predict_rows([rows], model_of(design), ["y"]).sample)
    with path.open(newline="") as file:
        reader = csv.reader(file)
        assert next(reader) == ["actual", "predicted", "residual"]
        return [
            (float(actual), float(predicted), float(residual))
            for actual, predicted, residual in reader
        ]


def numbered(shards_of: Shards, num_rows: int, rows_per_group: int = 1000) -> Rows:
    """Rows with x = 0, 1, … and y = 3x."""
    x = np.arange(num_rows, dtype=float)
    return shards_of(x[:, None], 3 * x, rows_per_group=rows_per_group)[0]


def test_every_row_of_a_small_part_is_written_to_every_digit(
    shards_of: Shards, design: Design, tmp_path: Path
) -> None:
    rows = numbered(shards_of, 7)
    found = written(tmp_path / "p.csv", rows, design)
    assert found == [(3 * x, 0.1 + 2 * x, 3 * x - (0.1 + 2 * x)) for x in np.arange(7.0).tolist()]
    assert b"\r" not in (tmp_path / "p.csv").read_bytes()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(num_rows=st.integers(0, 120), rows_per_group=st.integers(1, 50), most=st.integers(1, 40))
def test_a_sample_is_evenly_spaced_however_long_the_row_groups_are(
    shards_of: Shards, design: Design, tmp_path: Path, num_rows: int, rows_per_group: int, most: int
) -> None:
    rows = numbered(shards_of, num_rows, rows_per_group)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(predictions, "MAX_POINTS", most)
        found = written(tmp_path / "p.csv", rows, design)
    every = max(1, -(-num_rows // most))
    assert [actual / 3 for actual, _, _ in found] == list(range(0, num_rows, every))
    assert len(found) <= most
    assert len(found) >= min(num_rows, most) / 2


def test_a_large_part_gives_no_more_points_than_a_plot_can_show(
    shards_of: Shards, design: Design, tmp_path: Path
) -> None:
    rows = numbered(shards_of, 5001, 999)
    found = written(tmp_path / "p.csv", rows, design)
    assert predictions.MAX_POINTS / 2 <= len(found) <= predictions.MAX_POINTS


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    residuals=st.lists(st.integers(-5, 5), min_size=1, max_size=60),
    num_shards=st.integers(1, 3),
    rows_per_group=st.integers(1, 25),
)
def test_the_worst_rows_are_those_of_a_sort_and_have_their_cells(
    shards_of: Shards, design: Design, residuals: list[int], num_shards: int, rows_per_group: int
) -> None:
    x = np.arange(len(residuals), dtype=float)
    y = 0.1 + 2 * x + np.array(residuals)
    shards = shards_of(x[:, None], y, num_shards, rows_per_group)
    found = predict_rows(shards, model_of(design), ["y", "x1"])
    # As y − ỹ is rounded, so that two that ought to be equal may differ in the last bit.
    sizes = np.abs(y - (0.1 + 2 * x))
    order = sorted(range(len(y)), key=lambda i: (-sizes[i], i))[:NUM_WORST]
    assert [row.cells["x1"] for row in found.worst] == x[order].tolist()
    assert [row.actual for row in found.worst] == y[order].tolist()
    for row in found.worst:
        assert row.cells == {"y": row.actual, "x1": row.cells["x1"]}
        assert row.residual == row.actual - row.predicted
        shard, index = row.position
        before = sum(each.num_rows for each in shards[:shard])
        assert before + index == row.cells["x1"]


@pytest.mark.parametrize("size", [2, 3, 5])
def test_several_processes_find_the_same_rows(shards_of: Shards, design: Design, size: int) -> None:
    random = np.random.default_rng(1)
    x = random.standard_normal(300)
    rows = shards_of(x[:, None], random.standard_normal(300).round(1), rows_per_group=37)[0]

    def found(own: range, workers: Workers) -> PredictedRows:
        rows.own = own
        return predict_rows([rows], model_of(design), ["x1"], workers)

    alone = found(range(rows.num_chunks), Workers())
    samples: list[list[PredictedRow]] = []
    worst: list[PredictedRow] = []
    for rank in range(size):
        workers = Workers(rank, size)
        of_rank = found(workers.own_range(rows.num_chunks), workers)
        samples.append(list(of_rank.sample))
        worst += of_rank.worst
    # Not from the first row on: a process knows the number of its first row.
    assert tuple(row for sample in samples for row in sample) == alone.sample
    worst.sort(key=lambda row: (-abs(row.residual), row.position))
    assert tuple(worst[:NUM_WORST]) == alone.worst


def test_missing_cells_text_and_times_are_plain_data(
    learn: Callable[..., Design], tmp_path: Path
) -> None:
    columns: dict[str, pa.Array | Sequence[object]] = {
        "y": [1.0, 2.0],
        "x1": [0.0, 1.0],
        "g": ["é <b>", None],
        "at": pa.array([1_700_000_000_123_456_789, None], pa.timestamp("ns", "Europe/Paris")),
        "day": pa.array([19_000, None], pa.date32()),
    }
    table = pa.table(columns)
    write_table(tmp_path / "t.parquet", table.schema, [table])
    rows = Rows(tmp_path / "t.parquet", learn("y ~ x1", table))
    model = LinearModel(learn("y ~ x1", table), np.array([2.0]), 0.1, {})
    first, second = predict_rows([rows], model, ["g", "at", "day"]).sample
    assert first.cells == {"g": "é <b>", "at": "2023-11-14 22:13:20.123456789", "day": "2022-01-08"}
    assert second.cells == {"g": None, "at": None, "day": None}


def test_a_row_beyond_float64_is_among_the_worst(shards_of: Shards, design: Design) -> None:
    x = np.array([*range(20), 1e308])
    rows = shards_of(x[:, None], np.array([*range(20), -1.7e308]))[0]
    worst = predict_rows([rows], model_of(design), ["x1"]).worst[0]
    assert (worst.residual, worst.position) == (-np.inf, (0, 20))
