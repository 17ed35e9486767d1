"""Fit ỹ = b + X·θᵀ to the training rows by gradient descent; compare it with the exact solution.

    dvc repro train                    as part of the pipeline
    python -m stages.train             by hand
    WORKERS=2 python -m stages.train   the same result from two processes

Parameters: `train`, and `tracking` for where the run appears. Writes models/model/ (the artifact,
with the exact solution) and models/training/ (θ, b, the losses, and how far the training loss is
above its minimum, by epoch; with `split.folds` also folds.json, the cross-validation;
with `train.l1` or `train.l2` path.json, the coefficients over the size of the penalty).
"""

from pathlib import Path

from linreg.data.training_data import check_absorbed, load_training_data
from linreg.files import file_hash
from linreg.fit.coordinates.learning_rate import check_learning_rate
from linreg.fit.history import History
from linreg.fit.sgd.checkpoint import Checkpoint
from linreg.fit.squared_error import mean_squared_error
from linreg.fit.training.artifacts import save_training
from linreg.fit.training.epochs import train_epochs
from linreg.fit.training.fold_training import cross_validate_training
from linreg.fit.training.solution import exact_solution
from linreg.params.file import load_params
from linreg.params.params import flatten
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
    """Load the data, find the exact solution, check the learning rate, train, record, save."""
    params = load_params()
    settings = params.train
    check_absorbed(SCHEMA, settings)
    hashes = content_hashes((SPLIT, SCHEMA), workers)
    with training_run(workers, flatten(params, own=True), hashes, SPLIT, SCHEMA) as run:
        data = load_training_data(SPLIT, SCHEMA, workers)
        reference, fold_moments, choice = exact_solution(SPLIT, data, settings, workers)
        check_learning_rate(reference, settings)

        history = History(data.design.reported_names, settings, quiet=not workers.is_first)
        checkpoint = Checkpoint(hashes, settings, history, workers)
        run.log_curves(history.curves())
        epochs = train_epochs(data, reference, settings, workers, checkpoint)
        # Of a long training only every k-th epoch is measured and recorded.
        for epoch in filter(history.should_record, epochs):
            train_mse = reference.loss.mean_squared_error(epoch.theta, epoch.b)
            validation_mse = mean_squared_error([data.validation], epoch.theta, epoch.b, workers)
            gap = reference.loss.convergence(epoch.theta, epoch.b)
            run.log_curves(history.add(epoch, train_mse, validation_mse, gap))
            if history.patience_exhausted:
                break

        folds = cross_validate_training(data, reference, fold_moments, settings, workers)
        if workers.is_first:
            files = {f"{SPLIT}/split.json": file_hash(SPLIT / "split.json")}
            results = (history, reference, settings, hashes, files, folds, choice)
            save_training(TRAINING, MODEL, data, *results)
            record_model(run, MODEL)
            checkpoint.delete()
            print(f"train: {history.summary()}{reference.dropped} → {MODEL}")
            if folds:
                print(f"train: cross-validation: {folds.in_words()}")


if __name__ == "__main__":
    main()
