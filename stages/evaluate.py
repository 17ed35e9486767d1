"""Evaluate the model on all three parts of the rows, check its quality gates, write the report.

    dvc repro evaluate              as part of the pipeline
    python -m stages.evaluate       by hand
    WORKERS=4 dvc repro evaluate    with four processes, which write the same files

Parameters: `evaluate`. Your own metrics: metrics.py. Writes models/evaluation/ with metrics.json,
scores.json (to compare runs by), inference.json (coefficients), diagnostics.json, gates.json,
predictions.csv (a sample), report.json and report.html.
"""

from pathlib import Path

from linreg.data.parts import open_parts, training_shards
from linreg.evaluation.covariance.coefficients import infer_from_rows
from linreg.evaluation.diagnostics.diagnose import diagnose
from linreg.evaluation.evaluation import Evaluation, metrics_by_part
from linreg.evaluation.gates import check_gates
from linreg.evaluation.own_metrics import OwnMetrics
from linreg.evaluation.paired.baseline import compare_with_baseline
from linreg.evaluation.predictions import predict_rows
from linreg.files import content_hash, new_folder, require_unchanged
from linreg.fit.exact.reference import ExactReference
from linreg.fit.model import load
from linreg.params.file import load_params
from linreg.params.params import flatten
from linreg.process.stage import stage_with_workers
from linreg.process.workers import Workers
from linreg.report.figures.features import report_columns
from linreg.report.page import write_report
from linreg.results.context import report_context
from linreg.tracking.journal.evaluated_run import record_evaluation, warn_of_failed_sync
from linreg.tracking.journal.training_run import run_of_model

INGESTED = Path("data/ingested")
PROFILE, SCHEMA = INGESTED / "profile.json", INGESTED / "schema.json"
SPLIT = Path("data/split")
MODEL = Path("models/model")
TRAINING = Path("models/training")
EVALUATION = Path("models/evaluation")


@stage_with_workers
def main(workers: Workers) -> None:
    """Compare predictions with targets; errors and diagnostics are those of the exact minimum."""
    params = load_params()
    model, exact = load(MODEL), ExactReference.read(MODEL)
    shards = training_shards(SPLIT, SCHEMA, PROFILE)
    require_unchanged({**model.hashes, **model.files})
    parts = open_parts(SPLIT, shards, model.design, workers)
    with run_of_model(workers, flatten(params, own=True), MODEL, TRAINING) as run:
        own, by = OwnMetrics(Path("stages/metrics.py")), params.split.by
        metrics = metrics_by_part(parts, model, exact.mean_target, workers, own, TRAINING)
        gap = exact.loss.convergence(model.theta, model.b)
        baseline = compare_with_baseline(params.evaluate, parts["test"], model, by, own, workers)
        gates = check_gates(params.evaluate.gates, metrics | gap | baseline)
        # Standard errors belong to the least squares solution, which training approximates.
        table = infer_from_rows(exact.solution, parts["train"], params.evaluate, by, workers)
        fit = diagnose(exact, parts["train"], INGESTED, params.ingest, params.split, workers)
        found = (table, model.design.reference_levels, baseline, fit)
        evaluation = Evaluation(metrics, gap, gates, *found)
        part = evaluation.scored_part
        columns = report_columns(model.design, exact, by)
        predicted = predict_rows(parts[part], model, columns, workers)
        if not workers.is_first:
            return
        hashes = {**model.hashes, str(MODEL): content_hash(MODEL)}
        of_run = (params.train, TRAINING, PROFILE, SCHEMA, SPLIT, part, flatten(params), hashes)
        with new_folder(EVALUATION) as folder:
            evaluation.write(folder)
            context = report_context(model, exact, *of_run)
            write_report(folder, context, model, exact, predicted, fit)
        record_evaluation(run, EVALUATION, evaluation.values(), evaluation.all_metrics, gates)
    print(f"evaluate: {evaluation.summary()} → {EVALUATION}/report.html")
    warn_of_failed_sync()


if __name__ == "__main__":
    main()
