"""Cross-validation of a training: from moments for the exact solution, else by its engine."""

from collections.abc import Callable

from linreg.data.split.rows_of_blocks import RowsOfBlocks
from linreg.data.training_data import TrainingData
from linreg.errors import Interrupted, UserError
from linreg.fit.coordinates.choice import training_coordinates
from linreg.fit.cross_validation.cross_validation import (
    Coefficients,
    CrossValidation,
    FoldResult,
    cross_validate,
    fold_result,
)
from linreg.fit.cross_validation.elastic_net import elastic_net
from linreg.fit.cross_validation.fold_moments import FoldMoments
from linreg.fit.cross_validation.least_squares import (
    cross_validate_least_squares,
    require_columns_of,
)
from linreg.fit.exact.reference import ExactReference
from linreg.fit.history import History
from linreg.fit.sgd.checkpoint import Checkpoint, State
from linreg.fit.squared_error import mean_squared_error
from linreg.fit.training.epochs import gradient_descent_of
from linreg.params.train import Train
from linreg.process.signals import pending_signal
from linreg.process.workers import Workers


class FoldCheckpoint(Checkpoint):
    """Ends the training of a fold when asked to; it saves nothing, as folds begin again."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self.state = None

    def at_step(self, state: Callable[[], State]) -> None:  # noqa: ARG002
        """Raise Interrupted when asked to end."""
        if pending_signal() and self._workers.is_first:
            message = "train: interrupted; run it again, and the folds begin again"
            raise Interrupted(pending_signal(), message)

    at_epoch = at_step


def cross_validate_training(
    data: TrainingData,
    reference: ExactReference,
    moments: FoldMoments | None,
    params: Train,
    workers: Workers,
) -> CrossValidation | None:
    """Return how models trained without a fold predict it; None without folds.

    With `solver: exact` that takes no pass over the rows. With sgd a model is trained for each fold
    with the same settings, which takes K times as long as the training itself.
    """
    if moments is None:
        return None
    if params.solver == "exact":
        solution = reference.solution
        if solution.has_elastic_net:
            assert solution.penalized_as
            return cross_validate(moments, elastic_net(solution), solution.penalized_as)
        return cross_validate_least_squares(moments, solution)
    results = []
    for fold in range(moments.folds.count):
        result = _trained(fold, data, reference, moments, params, workers)
        results.append(result)
        if workers.is_first:
            how = result.reason if result.rmse is None else f"RMSE {result.rmse:.6g}"
            print(f"train: fold {fold + 1} of {moments.folds.count}: {how}")
    return CrossValidation(moments.folds.by, "gradient descent", tuple(results))


def _trained(
    fold: int,
    data: TrainingData,
    reference: ExactReference,
    moments: FoldMoments,
    params: Train,
    workers: Workers,
) -> FoldResult:
    trained_on = moments.trained_on(fold)
    try:
        known = (data.names, data.intercept, params.l2)
        of_fold = ExactReference.from_moments(trained_on, *known, collinear="drop")
        require_columns_of(reference.solution, of_fold.solution)
        coefficients = _descend(fold, data, of_fold, moments, params, workers)
    except UserError as error:
        return fold_result(fold, moments, None, trained_on.num_rows, error.finding)
    return fold_result(fold, moments, coefficients, trained_on.num_rows)


def _descend(
    fold: int,
    data: TrainingData,
    reference: ExactReference,
    moments: FoldMoments,
    params: Train,
    workers: Workers,
) -> Coefficients:
    """Train on the rows outside of a fold; with patience, the validation rows choose the epoch."""
    folds = moments.folds
    blocks = folds.trained_on(fold)
    shards = [RowsOfBlocks(rows, folds, k, blocks) for k, rows in enumerate(data.shards)]
    coordinates = training_coordinates(reference, params.scale)
    history = History(data.names, params, quiet=True)
    descent = gradient_descent_of(params)
    known = (len(data.names), data.intercept, coordinates, params, workers)
    epochs = descent(shards, *known, FoldCheckpoint(workers))
    for epoch in epochs:
        validation_mse = None
        if params.patience:
            validation_mse = mean_squared_error([data.validation], epoch.theta, epoch.b, workers)
        history.add(epoch, None, validation_mse)
        if history.patience_exhausted:
            break
    return Coefficients(history.selected.theta, history.selected.b)
