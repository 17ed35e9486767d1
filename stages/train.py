"""Fit ỹ = b + X·θᵀ to the training rows by stochastic gradient descent, and show how far from the
minimum it ends.

    dvc repro train               as part of the pipeline
    python -m stages.train        by hand

Parameters: `train`, and `tracking` for where the run appears. Writes models/model/ (the artifact,
with the exact minimum beside it) and models/training/ (θ, b, losses and the gap to that minimum
after each epoch).
"""

from pathlib import Path

from linreg.data.formula.design import Design
from linreg.data.formula.schema import Schema
from linreg.data.rows import divided, groups_of, shard_files, whole_shards
from linreg.files import file_hash, new_folder
from linreg.fit.exact.learning_rate import check_learning_rate
from linreg.fit.exact.reference import ExactReference
from linreg.fit.history import History
from linreg.fit.model import LinearModel
from linreg.fit.sgd.checkpoint import Checkpoint
from linreg.fit.squared_error import mean_squared_error
from linreg.params import flat, load_params
from linreg.process.content_hashes import content_hashes
from linreg.process.stage import stage_with_workers
from linreg.process.workers import Workers
from linreg.tracking.journal.training_run import record_model, training_run

SCHEMA = Path("data/ingested/schema.json")
SPLIT = Path("data/split")
MODEL = Path("models/model")
TRAINING = Path("models/training")


@stage_with_workers
def main(workers: Workers) -> None:
    """Learn the design, find the exact minimum, train epoch by epoch, keep the last or, with
    patience, the best.
    """
    params = load_params()
    train = params.train
    files, schema = shard_files(SPLIT, SCHEMA), Schema.read(SCHEMA)
    hashes = content_hashes((SPLIT, SCHEMA), workers)
    counts = {f"{SPLIT}/split.json": file_hash(SPLIT / "split.json")}
    with training_run(workers, flat(params), hashes, SPLIT) as run:
        design = Design.fit(schema, groups_of(files, workers), workers)
        shards = whole_shards(files, design, workers)
        validation = divided(SPLIT / "validation.parquet", design, workers)
        exact = ExactReference.compute(shards, design.names, schema.intercept, train, workers)
        history = History(design.names, train, quiet=not workers.first)
        checkpoint = Checkpoint(hashes, train, history, workers)
        # of epochs before the training was stopped
        run.log_curves(history.curves())
        if train.solver == "exact":
            epochs = iter([exact.as_epoch()])
        else:
            if train.engine == "compiled":
                from linreg.fit.compiled.engine import gradient_descent
            else:
                from linreg.fit.sgd.autograd import gradient_descent
            check_learning_rate(exact, train)
            about = (
                shards,
                len(design.names),
                schema.intercept,
                exact.scaling(train.standardize),
                train,
            )
            epochs = gradient_descent(*about, workers, checkpoint)
        # of thousands of epochs not at every one
        for epoch in filter(history.looks_at, epochs):
            train_mse = exact.loss.mean_squared_error(epoch.theta, epoch.b)
            validation_mse = mean_squared_error([validation], epoch.theta, epoch.b, workers)
            run.log_curves(
                history.add(
                    epoch, train_mse, validation_mse, exact.loss.convergence(epoch.theta, epoch.b)
                )
            )
            if history.patience_is_over:
                break

        if workers.first:
            with new_folder(TRAINING) as training, new_folder(MODEL) as folder:
                curves = {
                    f"{TRAINING}/{name}": md5 for name, md5 in history.write(training).items()
                }
                LinearModel(
                    design, history.chosen.theta, history.chosen.b, hashes, counts | curves
                ).save(folder)
                exact.write(folder, train.collinear)
            record_model(run, MODEL)
            checkpoint.delete()
            print(f"train: {history.summary()}{exact.dropped} → {MODEL}")


if __name__ == "__main__":
    main()
