"""The epochs of a training, from the solver and the engine that the parameters name."""

from collections.abc import Callable, Iterable, Iterator

from linreg.data.training_data import TrainingData
from linreg.fit.coordinates.choice import training_coordinates
from linreg.fit.exact.reference import ExactReference
from linreg.fit.history import Epoch
from linreg.fit.sgd.checkpoint import Checkpoint
from linreg.params.train import Train
from linreg.process.workers import Workers


def train_epochs(
    data: TrainingData,
    reference: ExactReference,
    params: Train,
    workers: Workers,
    checkpoint: Checkpoint,
) -> Iterable[Epoch]:
    """Return the epochs of `train.engine`, resuming from a checkpoint, or the exact solution alone.

    Raises UserError when training diverges, WorkerGoneError when another process has ended.
    """
    if params.solver == "exact":
        return [reference.as_epoch()]
    coordinates = training_coordinates(reference, params.scale)
    num_features = len(data.names)
    return gradient_descent_of(params)(
        data.shards, num_features, data.intercept, coordinates, params, workers, checkpoint
    )


def gradient_descent_of(params: Train) -> Callable[..., Iterator[Epoch]]:
    """Return `linreg.fit.sgd.session.gradient_descent` by the engine that the parameters name."""
    # Only the engine that runs is imported: torch and numba take seconds.
    if params.engine == "compiled":
        from linreg.fit.compiled.engine import gradient_descent
    else:
        from linreg.fit.sgd.autograd import gradient_descent
    return gradient_descent
