"""Fit ỹ = b + X·θᵀ to the training rows by stochastic gradient descent, and show how it went.

    dvc repro train               as part of the pipeline
    python -m stages.train        by hand

Parameters: `train`, and `tracking` for where the run appears. Writes models/model/ (the artifact) and
models/training/ (θ, b and the losses after each epoch).
"""

from pathlib import Path

from linreg.data.design import Design
from linreg.data.rows import Rows
from linreg.data.schema import Schema
from linreg.data.table import TableFile
from linreg.errors import one_line_errors
from linreg.files import content_hash, new_folder
from linreg.fit.autograd import gradient_descent
from linreg.fit.history import History
from linreg.fit.model import LinearModel
from linreg.fit.scaling import Scaling, standard_scores
from linreg.params import flat, load_params
from linreg.results.metrics import mean_squared_error
from linreg.tracking.journal import Dataset
from linreg.tracking.training_run import note_model, start_training_run

SCHEMA = Path("data/ingested/schema.json")
SPLIT = Path("data/split")
MODEL = Path("models/model")
TRAINING = Path("models/training")


@one_line_errors
def main() -> None:
    """Learn the design, train epoch by epoch, keep the last epoch or, with patience, the best."""
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

        scores = standard_scores(shards, design.names, schema.intercept)
        scaling = scores if params.train.standardize else Scaling.none(len(design.names))
        history = History(design.names, params.train)
        for epoch in gradient_descent(shards, len(design.names), schema.intercept, scaling, params.train):
            train_mse = mean_squared_error(shards, epoch.theta, epoch.b)
            validation_mse = mean_squared_error([validation], epoch.theta, epoch.b)
            run.log(history.add(epoch, train_mse, validation_mse), step=epoch.number)
            if history.patience_is_over:
                break

        best = history.chosen
        model = LinearModel(design, best.theta, best.b, hashes)
        with new_folder(TRAINING) as folder:
            history.write(folder)
        with new_folder(MODEL) as folder:
            model.save(folder)
        note_model(run, MODEL)
    print(f"train: {history.summary()} → {MODEL}")


if __name__ == "__main__":
    main()
