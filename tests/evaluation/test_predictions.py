import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linreg.data.formula.design import Design
from linreg.data.rows import Rows
from linreg.evaluation import predictions
from linreg.evaluation.predictions import write_predictions
from linreg.fit.model import LinearModel

Shards = Callable[..., list[Rows]]


@pytest.fixture(scope="module")
def design(learn: Callable[..., Design]) -> Design:
    return learn("y ~ x1", pa.table({"y": [0.0], "x1": [0.0]}))


def written(path: Path, rows: Rows, design: Design) -> list[tuple[float, float, float]]:
    """The rows of the file, as numbers."""
    write_predictions(path, rows, LinearModel(design, np.array([2.0]), 0.1, {}))
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
