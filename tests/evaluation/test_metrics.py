import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as sklearn_metrics

from linreg.data.formula.design import Design
from linreg.data.rows import Rows
from linreg.data.tables.parquet import write_table
from linreg.evaluation.metrics import compute_metrics
from linreg.fit.exact.reference import ExactReference
from linreg.fit.squared_error import mean_squared_error
from linreg.params.model import WeightsKind
from linreg.params.train import Train

Shards = Callable[..., list[Rows]]
Floats = NDArray[np.float64]

CELLS = st.floats(-1e3, 1e3).map(lambda x: round(x, 3))


def in_fractions(X: Floats, y: Floats, theta: Floats, b: float) -> dict[str, float | None]:
    """The metrics in exact rational arithmetic, each rounded once."""
    rows = [[Fraction(cell) for cell in row] for row in X.tolist()]
    target, coefficients = (
        [Fraction(cell) for cell in y.tolist()],
        [Fraction(value) for value in theta.tolist()],
    )
    predicted = [
        Fraction(b) + sum(x * c for x, c in zip(row, coefficients, strict=True)) for row in rows
    ]
    errors = [t - p for t, p in zip(target, predicted, strict=True)]
    n, mean = len(errors), sum(target) / len(errors)
    squares, spread = sum(e * e for e in errors), sum((t - mean) ** 2 for t in target)
    return {
        "n": n,
        "mse": float(squares / n),
        "rmse": math.sqrt(squares / n),
        "mae": float(sum(map(abs, errors)) / n),
        "r2": float(1 - squares / spread) if spread else None,
        "max_error": float(max(map(abs, errors))),
    }


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=20),
    theta=st.tuples(CELLS, CELLS),
    b=CELLS,
    num_shards=st.integers(1, 3),
    rows_per_group=st.integers(1, 20),
)
def test_metrics_are_those_of_exact_arithmetic(
    shards_of: Shards,
    rows: list[tuple[float, ...]],
    theta: tuple[float, float],
    b: float,
    num_shards: int,
    rows_per_group: int,
) -> None:
    table = np.array(rows)
    X, y = table[:, :2], table[:, 2]
    found = compute_metrics(shards_of(X, y, num_shards, rows_per_group), np.array(theta), b)
    exact = in_fractions(X, y, np.array(theta), b)
    assert list(found) == list(exact)
    # A prediction is rounded three times, at the size of its largest part; sums add rounding of the
    # same order.
    size = max(1.0, np.abs(y).max(), abs(b), np.abs(X * theta).max()) * 1e-14
    assert found["n"] == exact["n"]
    for name in ("rmse", "mae", "max_error"):
        assert found[name] == pytest.approx(exact[name], rel=1e-14, abs=size)
    assert found["mse"] == pytest.approx(
        exact["mse"], rel=1e-14, abs=2 * size * (size + found["rmse"])
    )
    assert (found["r2"] is None) == (exact["r2"] is None)
    spread = float(np.square(y - y.mean()).mean())
    if found["r2"] is not None and exact["r2"] is not None:
        assert 1 - found["r2"] == pytest.approx(
            1 - exact["r2"], rel=1e-12, abs=1e-15 + 2 * size * (size + found["rmse"]) / spread
        )


@pytest.mark.parametrize(("num_shards", "rows_per_group"), [(1, 10_000), (3, 100), (2, 7)])
def test_metrics_agree_with_scikit_learn(
    shards_of: Shards, num_shards: int, rows_per_group: int
) -> None:
    rng = np.random.default_rng(1)
    X, theta = rng.normal(size=(1000, 3)), np.array([1.0, -2.0, 0.5])
    y = X @ theta + 3 + rng.normal(size=1000)
    found = compute_metrics(shards_of(X, y, num_shards, rows_per_group), theta, 2.9)
    predicted = X @ theta + 2.9
    expected = {
        "n": 1000,
        "mse": sklearn_metrics.mean_squared_error(y, predicted),
        "rmse": sklearn_metrics.root_mean_squared_error(y, predicted),
        "mae": sklearn_metrics.mean_absolute_error(y, predicted),
        "r2": sklearn_metrics.r2_score(y, predicted),
        "max_error": sklearn_metrics.max_error(y, predicted),
    }
    assert found == {
        name: pytest.approx(value, rel=1e-13) for name, value in expected.items()
    }  # measured 6e-16


@pytest.mark.parametrize("kind", [None, "analytic", "frequency", "sampling"])
def test_metrics_of_rows_with_an_offset_are_those_of_the_target(
    tmp_path: Path, learn: Callable[..., Design], kind: WeightsKind | None
) -> None:
    random = np.random.default_rng(4)
    x, k, w = random.normal(size=50), 5 * random.normal(size=50), random.integers(0, 4, 50)
    y = 1 + 2 * x + k + random.normal(size=50)
    table = pa.table({"x": x, "k": k, "w": w.astype(np.float64), "y": y})
    design = learn("y ~ x + offset(k)", table)
    if kind:
        design = replace(design, schema=replace(design.schema, weights="w", weights_kind=kind))
    write_table(tmp_path / "rows.parquet", table.schema, [table])
    found = compute_metrics([Rows(tmp_path / "rows.parquet", design)], np.array([2.0]), 1.0)
    counts = w if kind == "frequency" else None
    expected = sklearn_metrics.r2_score(y, 1 + 2 * x + k, sample_weight=counts)
    assert found["r2"] == pytest.approx(expected, rel=1e-13)
    assert found["n"] == (50 if counts is None else w.sum())


def test_a_perfect_model_has_no_error(shards_of: Shards) -> None:
    X = np.arange(12.0).reshape(6, 2)
    found = compute_metrics(shards_of(X, 2 * X[:, 0] - X[:, 1] + 1, 2), np.array([2.0, -1.0]), 1.0)
    assert found == {"n": 6, "mse": 0, "rmse": 0, "mae": 0, "r2": 1, "max_error": 0}


def test_predicting_the_mean_explains_nothing(shards_of: Shards) -> None:
    y = np.array([1.0, 2.0, 4.0, 9.0])
    shards = shards_of(np.zeros((4, 1)), y)
    assert ExactReference.compute(shards, ["x1"], True, Train(collinear="drop")).mean_target == 4.0
    assert compute_metrics(shards, np.zeros(1), 4.0)["r2"] == 0


@pytest.mark.parametrize("num_rows", [1, 3, 7, 30, 1000])
@pytest.mark.parametrize("value", [0.0, 4.0, 0.1, 1e9 + 0.1])
def test_a_constant_target_has_no_r2(shards_of: Shards, value: float, num_rows: int) -> None:
    shards = shards_of(np.zeros((num_rows, 1)), np.full(num_rows, value), 2)
    found = compute_metrics(shards, np.zeros(1), 1.0)
    assert found["r2"] is None
    assert found["mse"] == pytest.approx((value - 1) ** 2, rel=1e-14)


def test_one_row_has_no_r2(shards_of: Shards) -> None:
    assert (
        compute_metrics(shards_of(np.zeros((1, 1)), np.array([2.0])), np.zeros(1), 0.0)["r2"]
        is None
    )


def test_a_loss_over_no_rows_is_none(shards_of: Shards) -> None:
    empty = shards_of(np.zeros((0, 1)), np.zeros(0))
    assert mean_squared_error(empty, np.zeros(1), 0.0) is None
    full = shards_of(np.zeros((2, 1)), np.array([1.0, 3.0]))
    assert mean_squared_error([*empty, *full], np.zeros(1), 0.0) == 5.0


def test_the_loss_is_the_mse_bit_for_bit(shards_of: Shards) -> None:
    rng = np.random.default_rng(1)
    shards = shards_of(rng.normal(size=(500, 4)), rng.normal(size=500), 3, 50)
    theta = rng.normal(size=4)
    assert mean_squared_error(shards, theta, 0.3) == compute_metrics(shards, theta, 0.3)["mse"]


def test_the_order_of_the_files_changes_no_bit(shards_of: Shards) -> None:
    rng = np.random.default_rng(1)
    shards = shards_of(rng.normal(size=(501, 2)), rng.lognormal(5, 3, 501), 5, 20)
    assert compute_metrics(shards, np.ones(2), 0.3) == compute_metrics(
        shards[::-1], np.ones(2), 0.3
    )
