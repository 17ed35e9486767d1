import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from linreg.data.formula.design import Design
from linreg.data.rows import Rows
from linreg.data.tables.parquet import write_table
from linreg.fit.squared_error import mean_squared_error
from linreg.process.workers import Workers

Shards = Callable[..., list[Rows]]
Floats = NDArray[np.float64]
THETA, B = np.array([0.5, -2.0]), 0.25


def data(num_rows: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(num_rows)
    return rng.normal(size=(num_rows, 2)), rng.normal(size=num_rows)


def by_fractions(X: Floats, y: Floats, w: Floats) -> float:
    total = Fraction(0)
    for x, target, weight in zip(X.tolist(), y.tolist(), w.tolist(), strict=True):
        residual = Fraction(target) - Fraction(B)
        for each, coefficient in zip(x, THETA.tolist(), strict=True):
            residual -= Fraction(each) * Fraction(coefficient)
        total += Fraction(weight) * residual * residual
    return float(total / len(y))


def test_the_mean_squared_error_is_that_of_all_rows_of_all_files(shards_of: Shards) -> None:
    X, y = data(30)
    found = mean_squared_error(shards_of(X, y, 3, rows_per_group=4), THETA, B)
    assert found == pytest.approx(by_fractions(X, y, np.ones(30)), rel=1e-14)


def test_weights_multiply_the_squared_errors_but_not_the_number_of_rows(
    tmp_path: Path, learn: Callable[..., Design]
) -> None:
    X, y = data(20)
    w = np.random.default_rng(1).uniform(0, 5, 20)
    table = pa.table({"x1": X[:, 0], "x2": X[:, 1], "y": y, "w": w})
    design = learn("y ~ x1 + x2", table.drop_columns("w"))
    weighted = replace(design.schema, weights="w")
    write_table(tmp_path / "rows.parquet", table.schema, [table])
    rows = Rows(tmp_path / "rows.parquet", Design(weighted, design.statistics))
    found = mean_squared_error([rows], THETA, B)
    assert found == pytest.approx(by_fractions(X, y, w), rel=1e-14)


def test_several_processes_find_the_bits_of_one_alone(
    shards_of: Shards, together: Callable[..., list[Any]]
) -> None:
    X, y = data(50)
    alone = mean_squared_error(shards_of(X, y, rows_per_group=3), THETA, B)

    def work(workers: Workers) -> float | None:
        (rows,) = opened = [Rows(path, design) for path, design in files]
        rows.own = workers.own_range(rows.num_chunks)
        return mean_squared_error(opened, THETA, B, workers)

    files = [(rows.path, rows._design) for rows in shards_of(X, y, rows_per_group=3)]
    assert together(3, work) == [alone] * 3


def test_without_rows_there_is_no_error(shards_of: Shards) -> None:
    assert mean_squared_error([], THETA, B) is None
    no_rows = shards_of(np.empty((0, 2)), np.empty(0))
    assert mean_squared_error(no_rows, THETA, B) is None


@pytest.mark.parametrize("theta", [1e200, math.inf, math.nan])
def test_an_error_beyond_float64_is_none_without_a_warning(shards_of: Shards, theta: float) -> None:
    X, y = data(5)
    assert mean_squared_error(shards_of(X, y), np.array([theta, 1.0]), B) is None
