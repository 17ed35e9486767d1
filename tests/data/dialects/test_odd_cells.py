"""A cell has one reading: what ingest makes of it is what a prediction is made from."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from linreg.data.formula.design import Design
from linreg.data.source import open_source
from linreg.errors import UserError
from linreg.fit.model import LinearModel
from linreg.prediction.predict_table import predict_table
from tests.data.dialects.odd_cells import odd_column
from tests.data.dialects.reading import ingest_file


@pytest.mark.parametrize(
    "seeds", [range(60), pytest.param(range(60, 3000), marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_prediction_is_made_from_the_value_that_ingest_has_read(
    seeds: range, delimiter: str, tmp_path: Path
) -> None:
    for seed in seeds:
        folder = tmp_path / str(seed)
        folder.mkdir()
        check_agreement(odd_column(seed), delimiter, folder)


def check_agreement(cells: Sequence[str], delimiter: str, folder: Path) -> None:
    """Ingest y ~ x for these cells of x, and predict x with coefficients that show each value."""
    path = folder / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerows([("y", "x"), *((row, cell) for row, cell in enumerate(cells))])
    try:
        rows, schema = ingest_file(path, {}, "y ~ x", folder)
    except UserError:
        return
    design = Design.fit(schema, [rows])
    model = LinearModel(design, np.arange(1.0, len(design.names) + 1), 0.5, {})
    meant = dict(zip(rows.column("y").to_pylist(), model.predict(rows).tolist(), strict=True))
    output = folder / "predicted.parquet"
    predict_table(model, open_source(path, schema.reading), output, [], None, with_file=False)
    found = pq.read_table(output).column("prediction").to_pylist()
    assert len(found) == len(cells)
    for row, (cell, prediction) in enumerate(zip(cells, found, strict=True)):
        assert prediction == meant.get(row), f"row {row + 1}: {cell!r} of {list(cells)}"
