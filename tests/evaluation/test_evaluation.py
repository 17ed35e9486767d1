import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from linreg.data.formula.column_statistics import Level
from linreg.data.formula.design import Design
from linreg.data.rows import Rows
from linreg.evaluation.evaluation import Evaluation, metrics_by_part
from linreg.evaluation.gates import check_gates
from linreg.evaluation.inference import Inference, infer
from linreg.evaluation.metrics import compute_metrics
from linreg.fit.model import LinearModel
from linreg.params.evaluate import Evaluate
from tests.fit.exact.fits import fit

Shards = Callable[..., list[Rows]]

METRICS = {"n": 5, "mse": 0.04, "rmse": 0.2, "mae": 0.1, "r2": 0.9, "max_error": 0.5}
GAP: dict[str, float | None] = {"gap": None, "distance": 1.0}


@pytest.fixture(scope="module")
def inference() -> Inference:
    X = np.array([[0.0], [1.0], [2.0], [3.0]])
    return infer(fit(X, np.array([1.0, 2.0, 4.0, 4.0])), 0.95)


def evaluation(
    inference: Inference, metrics: dict[str, Any], gates: dict[str, Any] | None = None
) -> Evaluation:
    results = check_gates(Evaluate.model_validate({"gates": gates or {}}).gates, metrics)
    return Evaluation(metrics, GAP, results, inference)


@pytest.mark.parametrize(
    ("parts", "scored"),
    [
        (("train", "validation", "test"), "test"),
        (("train", "validation"), "validation"),
        (("train",), "train"),
        (("train", "test"), "test"),
    ],
)
def test_the_part_least_used_in_training_is_scored(
    inference: Inference, parts: tuple[str, ...], scored: str
) -> None:
    assert evaluation(inference, dict.fromkeys(parts, METRICS)).scored_part == scored


def test_scores_are_the_gap_the_rmse_of_each_part_and_r2_of_the_scored_part(
    inference: Inference,
) -> None:
    metrics = {"train": METRICS | {"rmse": 2.0}, "validation": METRICS | {"rmse": None, "r2": 0.5}}
    assert evaluation(inference, metrics).scores() == {
        "gap": None,
        "train": {"rmse": 2.0},
        "validation": {"rmse": None, "r2": 0.5},
    }


def test_values_have_the_names_of_gates_without_curves_counts_and_undefined_ones(
    inference: Inference,
) -> None:
    of_part = {"n": 3, "mse": 1.0, "rmse": 1.5, "r2": None, "baseline": {"mse": 2.0}}
    metrics = {"train": of_part, "validation": of_part, "test": of_part | {"r2": 0.5}}
    errors = {"standard_error.b", "standard_error.x1"}
    found = evaluation(inference, metrics).values()
    assert {name: value for name, value in found.items() if name not in errors} == {
        "train_rmse": 1.5,
        "validation_rmse": 1.5,
        "test_mse": 1.0,
        "test_rmse": 1.5,
        "test_r2": 0.5,
        "exact.b": 1.1,
        "exact.x1": 1.1,
    }
    assert errors < set(found)


@pytest.mark.parametrize(
    ("gates", "end"),
    [
        ({}, "no gates set"),
        ({"test_r2": {"min": 0.5}, "test_mae": {"max": 1}}, "gates passed: test_mae, test_r2"),
        (
            {"test_r2": {"min": 1}, "test_mae": {"max": 1}, "test_rmse": {"max": 0}},
            "gates failed: test_r2, test_rmse",
        ),
    ],
)
def test_the_summary_names_the_gates_that_failed(
    inference: Inference, gates: dict[str, Any], end: str
) -> None:
    found = evaluation(inference, {"train": METRICS | {"r2": 0.1}, "test": METRICS}, gates)
    assert found.summary() == f"test R² 0.9, RMSE 0.2; {end}"


def test_the_summary_says_what_is_undefined(inference: Inference) -> None:
    found = evaluation(inference, {"train": METRICS | {"r2": None, "rmse": None}})
    assert found.summary() == "train R² undefined, RMSE undefined; no gates set"


def test_the_files_hold_all_that_was_found(inference: Inference, tmp_path: Path) -> None:
    found = evaluation(inference, {"train": METRICS}, {"train_r2": {"min": 0.5}})
    found.write(tmp_path)
    written = {path.name: json.loads(path.read_text()) for path in tmp_path.iterdir()}
    assert set(written) == {"scores.json", "metrics.json", "inference.json", "gates.json"}
    assert written["scores.json"] == found.scores()
    assert written["metrics.json"].items() >= {"train": METRICS, **GAP}.items()
    assert written["inference.json"].items() >= inference.as_data().items()
    assert written["gates.json"]["gates"]["train_r2"]["passed"]
    assert "reference_levels" not in written["inference.json"]
    levels: dict[str, Level] = {"zone": "north", "C(code)": 2}
    replace(found, reference_levels=levels).write(tmp_path)
    assert json.loads((tmp_path / "inference.json").read_text())["reference_levels"] == levels


def test_parts_without_rows_have_no_metrics(
    shards_of: Shards, learn: Callable[..., Design]
) -> None:
    X = np.arange(6.0)[:, None]
    y = 2 * X[:, 0] + 1
    model = LinearModel(
        learn("y ~ x1", pa.table({"y": [0.0], "x1": [0.0]})), np.array([2.0]), 0.5, {}
    )
    full, empty = shards_of(X, y, 2), shards_of(X[:0], y[:0], rows_per_group=7)
    found = metrics_by_part({"train": full, "validation": [*empty], "test": empty + full}, model, 6)
    expected = compute_metrics(full, model.theta, 0.5, baseline=6)
    assert found == {"train": expected, "test": expected}
    assert expected["baseline"]["mse"] == np.square(y - 6).mean()
