"""The results of a cross-validation wherever those of the parts are."""

import json
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import cross_val_score

from linreg.data.formula.design import Design
from linreg.evaluation.evaluation import Evaluation
from linreg.params.params import Params
from linreg.results.run_results import RunResults
from linreg.summary.terminal import summary_lines
from tests.evaluated_runs import evaluated as evaluated

Evaluated = Callable[..., RunResults]
Learn = Callable[..., Design]
RANDOM = np.random.default_rng(6)
X = RANDOM.normal(size=(90, 2))
Y = 3 + X @ [2.0, -1.0] + RANDOM.normal(size=90)
TABLE = pa.table({"y": Y, "a": X[:, 0], "b": X[:, 1]})
LONELY = TABLE.append_column("c", pa.array([1.0, 2.0, 3.0] + [0.0] * 87))


def scores(name: str) -> Any:
    return cross_val_score(LinearRegression(), X, Y, cv=5, scoring=name)


def shown(results: RunResults, learn: Learn, formula: str, table: pa.Table) -> list[str]:
    lines = "\n".join(summary_lines(results, learn(formula, table).terms)).splitlines()
    return [line for line in lines if "cross-validation" in line or line.startswith("gate cv")]


def test_metrics_gates_summary_and_report_have_the_means_over_folds(
    evaluated: Evaluated, learn: Learn, tmp_path: Path
) -> None:
    gates = {"cv_rmse": {"max": 2.0}, "cv_r2": {"min": 0.99}}
    results = evaluated("y ~ a + b", TABLE, folds=5, gates=gates, solver="exact")
    folder = tmp_path / "evaluation"
    rmse, r2 = -scores("neg_root_mean_squared_error"), scores("r2")
    metrics = json.loads((folder / "metrics.json").read_text())["cv"]
    found = [metrics["rmse"], metrics["r2"], metrics["rmse_standard_error"]]
    np.testing.assert_allclose(found, [rmse.mean(), r2.mean(), rmse.std(ddof=1) / 5**0.5])
    np.testing.assert_allclose([fold["rmse"] for fold in metrics["folds"]], rmse)
    assert json.loads((folder / "scores.json").read_text())["cv"] == {
        "rmse": metrics["rmse"],
        "r2": metrics["r2"],
    }
    assert results.gates["cv_rmse"]["passed"]
    assert not results.gates["cv_r2"]["passed"]
    assert shown(results, learn, "y ~ a + b", TABLE) == [
        f"cross-validation, 5 folds by row: RMSE {rmse.mean():.3f} ±"
        f" {rmse.std(ddof=1) / 5**0.5:.3f}, R² {r2.mean():.3f} ± {r2.std(ddof=1) / 5**0.5:.3f}"
        " (mean ± standard error)",
        f"gate cv_r2 (at least 0.99): FAILED with {r2.mean():.6g}",
        f"gate cv_rmse (at most 2): passed with {rmse.mean():.6g}",
    ]
    page = unescape((folder / "report.html").read_text())
    assert f"<p>5 folds by row: RMSE {rmse.mean():.3f} ± " in page
    for value in rmse:
        assert f"{value:.4f}" in page


def test_mlflow_shows_the_means_and_their_errors_by_name(
    evaluated: Evaluated, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: dict[str, float] = {}
    write = Evaluation.write

    def log_and_write(evaluation: Evaluation, folder: Path) -> None:
        logged.update(evaluation.values())
        write(evaluation, folder)

    monkeypatch.setattr(Evaluation, "write", log_and_write)
    evaluated("y ~ a + b", TABLE, folds=5, solver="exact")
    assert {name for name in logged if name.startswith("cv_")} == {
        f"cv_{measure}{suffix}"
        for measure in ("mse", "rmse", "r2")
        for suffix in ("", "_standard_deviation", "_standard_error")
    }
    np.testing.assert_allclose(logged["cv_mse"], -scores("neg_mean_squared_error").mean())


def test_a_fold_without_a_result_is_one_line_and_its_gate_fails(
    evaluated: Evaluated, learn: Learn, tmp_path: Path
) -> None:
    gates = {"cv_rmse": {"max": 2.0}}
    results = evaluated("y ~ a + b + c", LONELY, folds=5, gates=gates, solver="exact")
    reason = (
        "column c: cannot be estimated from the rows that the fold's model is fitted to;"
        " found c = 0"
    )
    assert shown(results, learn, "y ~ a + b + c", LONELY) == [
        f"cross-validation, 5 folds by row: no result, as fold 1 has none: {reason}",
        "gate cv_rmse (at most 2): FAILED with no value",
    ]
    page = unescape((tmp_path / "evaluation/report.html").read_text())
    assert f'<td class="long">{reason}</td>' in page


def test_without_folds_nothing_is_said_of_them(
    evaluated: Evaluated, learn: Learn, tmp_path: Path
) -> None:
    results = evaluated("y ~ a + b", TABLE)
    assert shown(results, learn, "y ~ a + b", TABLE) == []
    for name in ("metrics.json", "scores.json", "report.html"):
        text = (tmp_path / "evaluation" / name).read_text()
        assert '"cv"' not in text
        assert "ross-validation" not in text


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        (
            {"evaluate": {"gates": {"cv_rmse": {"max": 1.0}}}},
            "cv_rmse needs folds, but split.folds",
        ),
        ({"split": {"folds": 1}}, "folds must be at least 2, or 0 for none; found 1"),
        ({"split": {"folds": 101}}, "less than or equal to 100"),
        (
            {"split": {"folds": 5}, "evaluate": {"gates": {"cv_mae": {"max": 1.0}}}},
            "evaluate.gates.cv_mae",
        ),
    ],
)
def test_parameters_that_make_no_sense_are_refused(sections: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Params.model_validate(sections)
