"""The exact solution of the training rows, and the moments of the folds from the same pass."""

from pathlib import Path
from typing import NamedTuple

from linreg.data.split.folds import open_folds
from linreg.data.training_data import TrainingData
from linreg.fit.cross_validation.elastic_net import L1Choice, choose_l1
from linreg.fit.cross_validation.fold_moments import FoldMoments, fold_moments
from linreg.fit.exact.penalized.penalty import Penalty
from linreg.fit.exact.reference import ExactReference
from linreg.params.train import Train
from linreg.process.workers import Workers


class Solution(NamedTuple):
    """The exact reference; the moments of the folds, and the choice of l1, where there are some."""

    reference: ExactReference
    fold_moments: FoldMoments | None
    choice: L1Choice | None


def exact_solution(split: Path, data: TrainingData, params: Train, workers: Workers) -> Solution:
    """Return the exact reference of the rows in the folder `split`, and what folds say.

    Raises UserError like `ExactReference.compute`.
    """
    folds, by_fold = open_folds(split, data.shards), None
    if folds:
        by_fold = fold_moments(data.shards, folds, workers, data.roundoffs)
    choice = None
    if params.l1_rule:
        assert by_fold
        penalty = Penalty(0.0, params.l2, params.penalty_scale)
        choice = choose_l1(by_fold, data.names, data.intercept, penalty, params.l1_rule)
        if workers.is_first:
            print(f"train: {choice.in_words()} over {by_fold.folds.count} folds")
        params = params.model_copy(update={"l1": choice.l1})
    known = (data.names, data.intercept, params, workers, data.roundoffs)
    total = by_fold.total if by_fold else None
    reference = ExactReference.compute(data.shards, *known, moments=total)
    return Solution(reference, by_fold, choice)
