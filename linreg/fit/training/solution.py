"""The exact solution of the training rows, and the moments of the folds from the same pass."""

from pathlib import Path

from linreg.data.split.folds import open_folds
from linreg.data.training_data import TrainingData
from linreg.fit.cross_validation.fold_moments import FoldMoments, fold_moments
from linreg.fit.exact.reference import ExactReference
from linreg.params.train import Train
from linreg.process.workers import Workers


def exact_solution(
    split: Path, data: TrainingData, params: Train, workers: Workers
) -> tuple[ExactReference, FoldMoments | None]:
    """Return the exact reference of the rows in the folder `split`; None where it has no folds.

    Raises UserError like `ExactReference.compute`.
    """
    folds, by_fold = open_folds(split, data.shards), None
    if folds:
        by_fold = fold_moments(data.shards, folds, workers, data.roundoffs)
    known = (data.names, data.intercept, params, workers, data.roundoffs)
    total = by_fold.total if by_fold else None
    return ExactReference.compute(data.shards, *known, moments=total), by_fold
