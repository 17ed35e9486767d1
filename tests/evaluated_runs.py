"""Evaluated runs: a folder like models/evaluation, made by the functions that the stages call."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from linreg.data.formula.design import Design
from linreg.data.rows import Rows
from linreg.data.tables.parquet import write_table
from linreg.evaluation.gates import judge
from linreg.evaluation.inference import inference
from linreg.evaluation.metrics import metrics
from linreg.evaluation.predictions import write_predictions
from linreg.evaluation.robust import RobustErrors
from linreg.files import write_document
from linreg.fit.exact.learning_rate import check_learning_rate
from linreg.fit.exact.reference import ExactReference
from linreg.fit.history import History
from linreg.fit.model import LinearModel
from linreg.fit.sgd.autograd import gradient_descent
from linreg.fit.squared_error import mean_squared_error
from linreg.params import Evaluate, Gate, Params, Train, flat
from linreg.report.context import background
from linreg.report.page import write_report
from linreg.report.results import RunResults

Evaluated = Callable[..., RunResults]


@pytest.fixture
def evaluated(tmp_path: Path, learn: Callable[..., Design]) -> Evaluated:
    """Fits `formula` to `table`, judges it on `test` (or on the same rows) and returns what
    evaluate would write.

    `gates` are those of params.yaml, further options those of `train`; the folder is `tmp_path /
    name`.
    """

    def evaluated(
        formula: str,
        table: pa.Table,
        test: pa.Table | None = None,
        gates: dict[str, dict[str, float]] | None = None,
        truth: dict[str, Any] | None = None,
        profile: dict[str, Any] | None = None,
        name: str = "evaluation",
        **options: Any,
    ) -> RunResults:
        folder = tmp_path / name
        folder.mkdir()
        usual: dict[str, Any] = {"epochs": 4, "batch_size": 16}
        train = Train(**(usual | options))
        design = learn(formula, table)
        shards = [_on_disk(folder / "train.parquet", table, design)]
        names, intercept = design.names, design.schema.intercept
        exact = ExactReference.compute(shards, names, intercept, train)
        history = History(names, train, quiet=True)
        epochs = iter([exact.as_epoch()])
        if train.solver == "sgd":
            check_learning_rate(exact, train)
            epochs = gradient_descent(
                shards, len(names), intercept, exact.scaling(train.standardize), train
            )
        for epoch in epochs:
            mse = exact.loss.mean_squared_error(epoch.theta, epoch.b)
            watched = mean_squared_error(shards, epoch.theta, epoch.b)
            history.add(epoch, mse, watched, exact.loss.convergence(epoch.theta, epoch.b))
        history.write(folder)
        model = LinearModel(
            design, history.selected.theta, history.selected.b, {"data/split": "0" * 32}
        )

        parts = {"train": shards} | (
            {} if test is None else {"test": [_on_disk(folder / "test.parquet", test, design)]}
        )
        found = {
            part: metrics(rows, model.theta, model.b, guess=exact.mean_target)
            for part, rows in parts.items()
        }
        measures = exact.loss.convergence(model.theta, model.b)
        evaluate = Evaluate(gates={key: Gate(**bounds) for key, bounds in (gates or {}).items()})
        robust = RobustErrors.of(exact.solution, shards)
        write_document(folder / "metrics.json", found | measures)
        write_document(folder / "inference.json", inference(exact.solution, 0.95, robust).as_data())
        write_document(folder / "gates.json", judge(evaluate.gates, found | measures))
        judged = "test" if test is not None else "train"
        write_predictions(folder / "predictions.csv", parts[judged][0], model)
        about = {
            "judged": judged,
            "profile": profile
            or {"rows_read": len(table), "rows": len(table), "dropped": {}, "columns": {}},
            "truth": truth,
            "parameters": flat(Params(train=train, evaluate=evaluate)),
            "hashes": dict(model.hashes),
        }
        write_report(folder, background(model, exact, folder, train, about))
        return RunResults.read(folder)

    return evaluated


def _on_disk(path: Path, table: pa.Table, design: Design) -> Rows:
    write_table(path, table.schema, [table])
    return Rows(path, design)
