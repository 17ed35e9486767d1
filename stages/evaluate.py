"""Judge the model on the rows it was trained on, watched on, and has never seen; check the gates.

    dvc repro evaluate            as part of the pipeline
    python -m stages.evaluate     by hand

Parameters: `evaluate`; the report shows all. Writes models/evaluation/: scores.json (the few
numbers that runs are compared by), metrics.json, inference.json (how sure θ and b are), gates.json,
predictions.csv, report.html (all of it).
"""

import sys
from pathlib import Path

from linreg.data.rows import divided, shard_files, whole_shards
from linreg.evaluation.gates import in_words, judge
from linreg.evaluation.inference import inference
from linreg.evaluation.metrics import final_values, metrics, scores
from linreg.evaluation.predictions import write_predictions
from linreg.evaluation.robust import RobustErrors
from linreg.files import (
    content_hash,
    new_folder,
    read_document,
    require_unchanged,
    write_document,
    write_json,
)
from linreg.fit.exact.reference import ExactReference
from linreg.fit.model import load
from linreg.params import flat, load_params
from linreg.process.stage import stage_with_workers
from linreg.process.workers import Workers
from linreg.report.context import background
from linreg.report.page import write_report
from linreg.tracking.journal.description import describe
from linreg.tracking.journal.training_run import record_gates, run_of_model

PROFILE = Path("data/ingested/profile.json")
SCHEMA = Path("data/ingested/schema.json")
SPLIT = Path("data/split")
MODEL = Path("models/model")
TRAINING = Path("models/training")
EVALUATION = Path("models/evaluation")
SECONDS_FOR_TRACKING = 10.0


@stage_with_workers
def main(workers: Workers) -> None:
    """Compute the metrics of every part that has rows, next to those of predicting the mean; draw
    the report.
    """
    params = load_params()
    model, files = load(MODEL), shard_files(SPLIT, SCHEMA, PROFILE)
    require_unchanged({**model.hashes, **model.files})
    with run_of_model(workers, flat(params), MODEL, TRAINING) as run:
        shards = whole_shards(files, model.design, workers)
        watched, kept = (
            divided(SPLIT / f"{name}.parquet", model.design, workers)
            for name in ("validation", "test")
        )
        parts = {"train": shards, "validation": [watched], "test": [kept]}
        parts = {name: rows for name, rows in parts.items() if sum(each.num_rows for each in rows)}
        exact = ExactReference.read(MODEL)
        found = {
            name: metrics(rows, model.theta, model.b, workers, exact.mean_target)
            for name, rows in parts.items()
        }
        measures = exact.loss.convergence(model.theta, model.b)
        verdict = judge(params.evaluate.gates, found | measures)
        robust = RobustErrors.of(exact.solution, shards, workers)
        certainty = inference(exact.solution, params.evaluate.confidence, robust)
        judged = next(name for name in ("test", "validation", "train") if name in parts)
        if not workers.first:
            return
        with new_folder(EVALUATION) as folder:
            write_json(folder / "scores.json", scores(found, judged, measures))
            write_document(folder / "metrics.json", found | measures)
            write_document(folder / "inference.json", certainty.as_data())
            write_document(folder / "gates.json", verdict)
            write_predictions(folder / "predictions.csv", parts[judged][0], model)
            about = {
                "judged": judged,
                "profile": read_document(PROFILE),
                "truth": read_document(SCHEMA)["truth"],
            }
            about |= {
                "parameters": flat(params),
                "hashes": {**model.hashes, str(MODEL): content_hash(MODEL)},
            }
            write_report(folder, background(model, exact, TRAINING, params.train, about))
        run.log(final_values(found) | certainty.as_metrics(), step=0)
        run.log_artifact(EVALUATION)
        describe(run, found | measures, verdict)
        record_gates(run, passed=verdict["passed"])
    print(f"evaluate: {in_words(judged, found[judged], verdict)} → {EVALUATION}/report.html")
    pending = run.flush(SECONDS_FOR_TRACKING)
    if pending:
        print(
            f"evaluate: MLflow has not taken {pending} entries yet; `linreg sync` sends them",
            file=sys.stderr,
        )


if __name__ == "__main__":
    main()
