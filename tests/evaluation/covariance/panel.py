"""A panel of schools over years, as shards on disk, for tests of clustered standard errors."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from linreg.data.formula.design import Design
from linreg.data.rows import Rows
from linreg.data.tables import parquet
from linreg.data.tables.parquet import write_table
from linreg.evaluation.coefficient_covariance import CoefficientCovariance
from linreg.evaluation.covariance.coefficients import infer_from_rows, robust_covariance
from linreg.evaluation.inference import Inference
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.reference import ExactReference
from linreg.params.evaluate import Evaluate
from linreg.params.train import Train
from linreg.process.workers import ALONE, Workers

Learn = Callable[..., Design]
NUM_ROWS = 240


def panel(num_rows: int = NUM_ROWS, seed: int = 3) -> pd.DataFrame:
    """Rows whose noise is that of their school and of their year; `day` is a time of its own."""
    random = np.random.default_rng(seed)
    school, year = random.integers(0, 17, num_rows), random.integers(2001, 2012, num_rows)
    x1 = random.normal(size=num_rows) + random.normal(size=17)[school]
    x2 = 100.0 + random.normal(size=num_rows) + 0.1 * (year - 2000)
    noise = random.normal(size=17)[school] + random.normal(size=12)[year - 2000]
    days = random.permutation(num_rows)
    return pd.DataFrame(
        {
            "y": 1.0 + x1 - 0.5 * x2 + noise + random.normal(size=num_rows) * (1 + abs(x1)),
            "x1": x1,
            "x2": x2,
            "school": [f"s{each:02d}" for each in school],
            "year": year,
            "day": [date(2020, 1, 1) + timedelta(days=int(day)) for day in days],
            "w": random.uniform(0.2, 3.0, num_rows),
            "n": random.integers(0, 4, num_rows),
        }
    )


def shards_of(
    folder: Path,
    learn: Learn,
    rows: pd.DataFrame,
    formula: str = "y ~ x1 + x2",
    num_shards: int = 1,
    rows_per_group: int = 131_072,
    **schema: Any,
) -> list[Rows]:
    """Rows as they are in a table, in so many shards and row groups of so many rows."""
    columns = {name: pa.array(rows[name].tolist()) for name in rows}
    table = pa.table(columns)
    design = learn(formula, table, **schema)
    paths = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "ROWS_PER_GROUP", rows_per_group)
        for index, of_shard in enumerate(np.array_split(np.arange(len(rows)), num_shards)):
            name = f"{num_shards}-{rows_per_group}-{len(list(folder.iterdir()))}-{index}.parquet"
            paths.append(folder / name)
            write_table(paths[-1], table.schema, [table.take(of_shard)])
    return [Rows(path, design) for path in paths]


def fit_of(shards: list[Rows], workers: Workers = ALONE) -> LeastSquares:
    """The least squares solution of the rows."""
    names = shards[0]._design.names
    intercept = shards[0]._design.schema.intercept
    train = Train(collinear="drop")
    return ExactReference.compute(shards, names, intercept, train, workers).solution


def covariance_of(
    solution: LeastSquares, shards: list[Rows], errors: str, by: str = "row", **evaluate: Any
) -> CoefficientCovariance:
    """The robust covariance that `evaluate.errors` asks for."""
    return robust_covariance(solution, shards, Evaluate(errors=errors, **evaluate), by)[1]


def table_of(
    solution: LeastSquares,
    shards: list[Rows],
    errors: str,
    by: str = "row",
    workers: Workers = ALONE,
) -> Inference:
    """The coefficient table with these standard errors."""
    return infer_from_rows(solution, shards, Evaluate(errors=errors), by, workers)
