"""Predictions for a CSV file, written as CSV: `linreg predict` against polars with scikit-learn.

    python -m benchmarks.predict_csv MODEL IN.csv OUT.csv        predicts with the peer

Ours writes the number of every row and its reason, too, and checks every cell.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from benchmarks.compare import Ratio, in_turns, ratio_of, seconds
from benchmarks.csv_ingest import HAS_POLARS, NO_POLARS, write_doubles
from linreg.data.formula.design import Design
from linreg.data.formula.design_spec import design_spec
from linreg.data.formula.formula import parse_formula
from linreg.data.formula.schema import Column, Schema
from linreg.fit.model import LinearModel

NAMES = ("x1", "x2", "x3", "x4", "x5")


def compare(num_rows: int, turns: int) -> Iterator[Ratio]:
    """Compare whole processes; the target is to be as fast."""
    if not HAS_POLARS:
        print(NO_POLARS)
        return
    with tempfile.TemporaryDirectory() as folder:
        table, model = Path(folder) / "rows.csv", Path(folder) / "model"
        write_doubles(table, 10_000)
        _save_model(model, pa.csv.read_csv(table))
        write_doubles(table, num_rows)
        arguments = [str(model), str(table), f"{folder}/out.csv"]
        times = in_turns(
            lambda: _run("linreg", "predict", *arguments),
            lambda: _run("benchmarks.predict_csv", *arguments),
            turns,
        )
    note = "whole processes: read_csv, LinearRegression.predict, write_csv"
    yield ratio_of(
        "predict_csv", len(NAMES), "polars + sklearn", times, num_rows, bar=1.0, note=note
    )


def _run(*module_and_arguments: str) -> float:
    command = [sys.executable, "-m", *module_and_arguments]
    return seconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))


def _save_model(folder: Path, rows: pa.Table) -> None:
    schema = Schema(
        **design_spec(parse_formula(f"y ~ {' + '.join(NAMES)}", NAMES)),
        formula="",
        columns={name: Column("double", "number") for name in [*NAMES, "y"]},
        fill_missing=False,
    )
    folder.mkdir()
    LinearModel(Design.fit(schema, [rows]), np.ones(len(NAMES)), 0.5, {}).save(folder)


def predict_with_peer(folder: Path, table: Path, output: Path) -> None:
    """Predict with the same θ and b."""
    import polars
    from sklearn.linear_model import LinearRegression

    document = json.loads((folder / "model.json").read_text())
    model = LinearRegression()
    model.coef_ = np.array([document["theta"][name] for name in NAMES])
    model.intercept_ = document["b"]
    predictions = model.predict(polars.read_csv(table).select(NAMES).to_numpy())
    polars.DataFrame({"prediction": predictions}).write_csv(output)


if __name__ == "__main__":
    predict_with_peer(*map(Path, sys.argv[1:]))
