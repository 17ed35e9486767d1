"""Fit ỹ = b + X·θᵀ to the training rows by stochastic gradient descent, and show how far from the minimum it ends.

    dvc repro train               as part of the pipeline
    python -m stages.train        by hand

Parameters: `train`, and `tracking` for where the run appears. Writes models/model/ (the artifact) and
models/training/ (θ, b, losses and the gap to the exact minimum after each epoch).
"""

from collections.abc import Iterator
from pathlib import Path

from linreg.data.design import Design
from linreg.data.rows import Rows
from linreg.data.schema import Schema
from linreg.data.table import TableFile
from linreg.errors import one_line_errors
from linreg.files import content_hash, new_folder
from linreg.fit.autograd import Epoch, gradient_descent
from linreg.fit.exact_answer import ExactAnswer
from linreg.fit.history import History
from linreg.fit.loss import mean_squared_error
from linreg.fit.model import LinearModel
from linreg.fit.scaling import Scaling, standard_scores
from linreg.fit.step_size import refuse_unstable_rate
from linreg.params import Train, flat, load_params
from linreg.tracking.journal import Dataset
from linreg.tracking.training_run import note_model, start_training_run

SCHEMA = Path("data/ingested/schema.json")
SPLIT = Path("data/split")
MODEL = Path("models/model")
TRAINING = Path("models/training")


@one_line_errors
def main() -> None:
    """Learn the design, find the exact minimum, train epoch by epoch, keep the last or, with patience, the best."""
    params = load_params()
    hashes = {str(path): content_hash(path) for path in (SPLIT, SCHEMA)}
    schema = Schema.read(SCHEMA)
    files = sorted((SPLIT / "train").glob("shard-*.parquet"))
    data = Dataset("train", str(SPLIT), hashes[str(SPLIT)], sum(TableFile(file).num_rows for file in files))
    with start_training_run(params.tracking.experiment, flat(params), hashes, data) as run:
        run.follow()
        design = Design.learn(schema, (table for file in files for table in TableFile(file).groups()))
        shards = [Rows(file, design) for file in files]
        validation = Rows(SPLIT / "validation.parquet", design)
        exact = ExactAnswer.find(shards, design.names, schema.intercept, params.train)
        history = History(design.names, params.train)
        for epoch in fit(shards, exact, params.train):
            train_mse = mean_squared_error(shards, epoch.theta, epoch.b)
            validation_mse = mean_squared_error([validation], epoch.theta, epoch.b)
            gap = exact.gap.of(epoch.theta, epoch.b)
            run.log(history.add(epoch, train_mse, validation_mse, gap), step=epoch.number)
            if history.patience_is_over:
                break

        model = LinearModel(design, history.chosen.theta, history.chosen.b, hashes)
        with new_folder(TRAINING) as training, new_folder(MODEL) as folder:
            history.write(training)
            exact.write(training, params.train.collinear)
            model.save(folder)
        note_model(run, MODEL)
    print(f"train: {history.summary()}{exact.dropped} → {MODEL}")


def fit(shards: list[Rows], exact: ExactAnswer, train: Train) -> Iterator[Epoch]:
    """Return the exact minimum, or the state of gradient descent after each epoch."""
    least = exact.minimum
    if train.solver == "exact":
        return iter([Epoch(0, 0, least.theta, least.b, lr=0.0, rows_per_second=0.0)])
    scores = standard_scores(shards, least.intercept).without(least.kept[1:])
    scaling = scores if train.standardize else Scaling.none(len(least.names)).without(least.kept[1:])
    refuse_unstable_rate(exact.moments, least.intercept, scaling, scores, train)
    return gradient_descent(shards, len(least.names), least.intercept, scaling, train)


if __name__ == "__main__":
    main()
