"""Judge the model on the rows it was trained on, watched on, and has never seen; check the gates.

    dvc repro evaluate            as part of the pipeline
    python -m stages.evaluate     by hand

Parameters: `evaluate`, and `tracking` for where the run appears. Writes models/evaluation/ with metrics.json,
scores.json (the few of them that runs are compared by), inference.json (how sure θ and b are), gates.json and
predictions.csv.
"""

import sys
from pathlib import Path

from linreg.data.rows import divided, shard_files, whole_shards
from linreg.files import new_folder, write_json
from linreg.fit.exact_answer import ExactAnswer
from linreg.fit.model import load
from linreg.params import flat, load_params
from linreg.results.gates import in_words, judge
from linreg.results.inference import inference
from linreg.results.metrics import final_values, metrics, scores
from linreg.results.predictions import write_predictions
from linreg.results.robust import RobustErrors
from linreg.stage import stage_with_workers
from linreg.tracking.description import describe
from linreg.tracking.training_run import note_judgement, run_of_model
from linreg.workers.one import Workers

SPLIT = Path("data/split")
MODEL = Path("models/model")
TRAINING = Path("models/training")
EVALUATION = Path("models/evaluation")
SECONDS_FOR_TRACKING = 10.0


@stage_with_workers
def main(workers: Workers) -> None:
    """Compute the metrics of every part that has rows, next to those of predicting the mean."""
    params = load_params()
    with run_of_model(workers, flat(params), MODEL, TRAINING) as run:
        run.follow()
        model = load(MODEL)
        shards = whole_shards(shard_files(SPLIT), model.design, workers)
        watched, kept = (divided(SPLIT / f"{name}.parquet", model.design, workers) for name in ("validation", "test"))
        parts = {"train": shards, "validation": [watched], "test": [kept]}
        parts = {name: rows for name, rows in parts.items() if sum(each.num_rows for each in rows)}

        exact = ExactAnswer.read(MODEL)
        guess = exact.mean_target
        found = {name: metrics(rows, model.theta, model.b, workers, guess) for name, rows in parts.items()}
        measures = exact.gap.of(model.theta, model.b)
        verdict = judge(params.evaluate.gates, found | measures)
        robust = RobustErrors.of(exact.minimum, shards, workers)
        certainty = inference(exact.minimum, params.evaluate.confidence, robust)
        judged = next(name for name in ("test", "validation", "train") if name in parts)

        if not workers.first:
            return
        with new_folder(EVALUATION) as folder:
            write_json(folder / "scores.json", scores(found, judged, measures))
            write_json(folder / "metrics.json", found | measures)
            write_json(folder / "inference.json", certainty.as_data())
            write_json(folder / "gates.json", verdict)
            write_predictions(folder / "predictions.csv", parts[judged][0], model)
        run.log(final_values(found) | certainty.as_metrics(), step=0)
        run.log_artifact(EVALUATION)
        describe(run, found | measures, verdict)
        note_judgement(run, "passed" if verdict["passed"] else "failed")

    print(f"evaluate: {in_words(judged, found[judged], verdict)} → {EVALUATION}")
    pending = run.wait_sent(SECONDS_FOR_TRACKING)
    if pending:
        print(f"evaluate: MLflow has not taken {pending} entries yet; `linreg sync` sends them", file=sys.stderr)


if __name__ == "__main__":
    main()
