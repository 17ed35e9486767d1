"""Evaluated runs: a folder like models/evaluation, written by the functions of the stages."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from linreg.data.formula.design import Design
from linreg.data.rows import Rows
from linreg.data.split.folds import FoldsByRow
from linreg.data.tables.parquet import write_table
from linreg.evaluation.covariance.coefficients import infer_from_rows
from linreg.evaluation.evaluation import Evaluation, metrics_by_part
from linreg.evaluation.gates import check_gates
from linreg.evaluation.predictions import predict_rows, write_predictions
from linreg.files import content_hash, write_document
from linreg.fit.coordinates.choice import training_coordinates
from linreg.fit.coordinates.learning_rate import check_learning_rate
from linreg.fit.cross_validation.elastic_net import choose_l1
from linreg.fit.cross_validation.fold_moments import fold_moments
from linreg.fit.cross_validation.folds_file import write_folds
from linreg.fit.cross_validation.least_squares import cross_validate_least_squares
from linreg.fit.exact.penalized.penalty import Penalty
from linreg.fit.exact.reference import ExactReference
from linreg.fit.history import History
from linreg.fit.model import LinearModel
from linreg.fit.sgd.autograd import gradient_descent
from linreg.fit.squared_error import mean_squared_error
from linreg.fit.training.artifacts import write_path
from linreg.params.evaluate import Evaluate, Gate
from linreg.params.model import Model, Weights, WeightsKind
from linreg.params.params import Params, flatten
from linreg.params.split import Split
from linreg.params.train import Train
from linreg.report.figures.features import report_columns
from linreg.report.page import write_report
from linreg.results.context import report_context
from linreg.results.run_results import RunResults

Evaluated = Callable[..., RunResults]


@pytest.fixture
def evaluated(tmp_path: Path, learn: Callable[..., Design]) -> Evaluated:
    """Fits `formula` to `table`, evaluates it on `test` (or on the same rows), returns the results.

    `gates`, `errors`, `split_by`, `weights` (a column, or one with its `weights_kind`) and `folds`
    (by row) are those of params.yaml, further options those of `train`; the folder is
    `tmp_path / name`, its page report.html. With `save_model` the model is in `tmp_path / "model"`.
    """

    def evaluated(
        formula: str,
        table: pa.Table,
        test: pa.Table | None = None,
        gates: dict[str, dict[str, float]] | None = None,
        truth: dict[str, Any] | None = None,
        profile: dict[str, Any] | None = None,
        unseen_levels: dict[str, dict[str, int]] | None = None,
        name: str = "evaluation",
        split_by: str = "row",
        errors: str = "auto",
        weights: str | None = None,
        weights_kind: WeightsKind = "analytic",
        folds: int = 0,
        save_model: bool = False,
        **options: Any,
    ) -> RunResults:
        folder = tmp_path / name
        folder.mkdir()
        default: dict[str, Any] = {"epochs": 4, "batch_size": 16}
        train = Train(**(default | options))
        design = learn(formula, table, weights=weights, weights_kind=weights_kind)
        shards = [_on_disk(folder / "train.parquet", table, design)]
        names, intercept = design.names, design.schema.intercept
        moments = choice = None
        if folds:
            moments = fold_moments(shards, FoldsByRow(folds, "row", [len(table)]))
        if train.l1_rule and moments:
            choice = choose_l1(moments, names, intercept, Penalty(), train.l1_rule)
            train = train.model_copy(update={"l1": choice.l1})
        exact = ExactReference.compute(shards, names, intercept, train)
        history = History(design.reported_names, train, quiet=True)
        epochs = iter([exact.as_epoch()])
        if train.solver == "sgd":
            check_learning_rate(exact, train)
            epochs = gradient_descent(
                shards, len(names), intercept, training_coordinates(exact, train.scale), train
            )
        for epoch in epochs:
            mse = exact.loss.mean_squared_error(epoch.theta, epoch.b)
            validation_mse = mean_squared_error(shards, epoch.theta, epoch.b)
            history.add(epoch, mse, validation_mse, exact.loss.convergence(epoch.theta, epoch.b))
        history.write(folder)
        write_path(folder, exact, choice)
        model = LinearModel(
            design, history.selected.theta, history.selected.b, {"data/split": "0" * 32}
        )

        parts = {"train": shards} | (
            {} if test is None else {"test": [_on_disk(folder / "test.parquet", test, design)]}
        )
        if moments:
            found = cross_validate_least_squares(moments, exact.solution)
            write_folds(folder, found, names)
        metrics = metrics_by_part(parts, model, exact.mean_target, training=folder)
        gap = exact.loss.convergence(model.theta, model.b)
        bounds_of_gates = {key: Gate(**bounds) for key, bounds in (gates or {}).items()}
        evaluate = Evaluate(gates=bounds_of_gates, errors=errors)
        coefficients = infer_from_rows(exact.solution, shards, evaluate, split_by)
        evaluation = Evaluation(
            metrics, gap, check_gates(evaluate.gates, metrics | gap), coefficients
        )
        evaluation.write(folder)
        part = evaluation.scored_part
        parameters = flatten(
            Params(
                model=Model(weights=weights and Weights(column=weights, kind=weights_kind)),
                train=train,
                evaluate=evaluate,
                split=Split(by=split_by, folds=folds),
            )
        )
        hashes = model.hashes
        if save_model:
            (tmp_path / "model").mkdir()
            model.save(tmp_path / "model")
            exact.write(tmp_path / "model", "error")
            hashes = {**hashes, "models/model": content_hash(tmp_path / "model")}
        columns = report_columns(design, exact, parameters["split.by"])
        predicted = predict_rows(parts[part], model, columns)
        write_predictions(folder / "predictions.csv", predicted.sample)
        no_columns = {"rows_read": len(table), "rows": len(table), "dropped": {}, "columns": {}}
        write_document(folder / "profile.json", profile or no_columns)
        write_document(folder / "schema.json", {"truth": truth})
        write_document(folder / "split.json", {"unseen_levels": unseen_levels or {}})
        context = report_context(
            model,
            exact,
            train,
            folder,
            folder / "profile.json",
            folder / "schema.json",
            folder,
            part,
            parameters,
            hashes,
        )
        write_report(folder, context, model, exact, predicted)
        return RunResults.read(folder, names=design.reported_names)

    return evaluated


def _on_disk(path: Path, table: pa.Table, design: Design) -> Rows:
    write_table(path, table.schema, [table])
    return Rows(path, design)
