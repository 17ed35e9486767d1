"""A training session: what both engines do around their steps.

Epochs, the progress bar, divergence, checkpoints and resuming are here, once. An engine only takes
steps, see `Engine`.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from tqdm import tqdm

from linreg.arrays import Floats
from linreg.data.rows import Rows
from linreg.errors import UserError
from linreg.fit.coordinates.choice import Coordinates
from linreg.fit.history import Epoch
from linreg.fit.sgd.checkpoint import Checkpoint, State
from linreg.fit.sgd.shuffling import BatchPlan
from linreg.params.train import Train
from linreg.process.workers import ALONE, Workers

STEPS_BETWEEN_UPDATES = 100
"""Steps between two updates of the progress bar."""


class Problem(NamedTuple):
    """What an engine is to minimise: the mean squared error of rows in some coordinates, and how.

    num_features, intercept  M, and whether the model has b
    plan                     the rows of each batch
    """

    shards: Sequence[Rows]
    num_features: int
    intercept: bool
    coordinates: Coordinates
    params: Train
    plan: BatchPlan
    workers: Workers


class Engine(Protocol):
    """What takes the steps: PyTorch in `fit.sgd.autograd`, kernels in `fit.compiled.engine`.

    step                  steps taken so far
    learning_rate         of the last step
    steps_between_checks  how often it is cheap to check for divergence
    """

    step: int
    learning_rate: float
    steps_between_checks: int

    def begin_epoch(self, epoch: int, first_batch: int) -> None:
        """Start the batches of an epoch, counted from 1, at one of them, counted from 0."""

    def advance(self) -> None:
        """Take the next steps of the epoch, at least one."""

    def loss(self) -> float | None:
        """Return the loss of the last batch for the progress bar; None if it is not known."""

    def divergence(self) -> tuple[str, object] | None:
        """Return what is no longer finite, with its value; None while training converges."""

    def parameters(self) -> tuple[Floats, float]:
        """Return θ (M,) and b in the coordinates of training, averaged once averaging has begun."""

    def state(self) -> State:
        """Return all that the next step depends on, in numbers that JSON keeps to the last bit."""

    def restore(self, state: State) -> None:
        """Set everything to what `state` returned."""


def gradient_descent(
    make_engine: Callable[[Problem], Engine],
    shards: Sequence[Rows],
    num_features: int,
    intercept: bool,
    coordinates: Coordinates,
    params: Train,
    workers: Workers = ALONE,
    checkpoint: Checkpoint | None = None,
) -> Iterator[Epoch]:
    """Train for `params.epochs` epochs and yield the state after each, resuming from a checkpoint.

    Every process takes the same steps, each with what its own shards contribute. Raises UserError
    when training diverges, WorkerGoneError when another process has ended, Interrupted, with the
    state saved, when asked to end.
    """
    plan = BatchPlan(shards, params.batch_size)
    problem = Problem(shards, num_features, intercept, coordinates, params, plan, workers)
    return run_epochs(make_engine(problem), problem, checkpoint)


def run_epochs(engine: Engine, problem: Problem, checkpoint: Checkpoint | None) -> Iterator[Epoch]:
    """Yield the state after each epoch."""
    plan, params = problem.plan, problem.params
    if checkpoint and checkpoint.state:
        engine.restore(checkpoint.state)
    while engine.step < plan.num_steps(params.epochs):
        epoch, first_batch = (
            engine.step // plan.steps_per_epoch + 1,
            engine.step % plan.steps_per_epoch,
        )
        started = time.perf_counter()
        engine.begin_epoch(epoch, first_batch)
        with progress_bar(epoch, plan.steps_per_epoch - first_batch, problem.workers) as progress:
            take_steps(engine, epoch, plan.steps_per_epoch, params, checkpoint, progress)
        num_rows = sum(plan.lengths(first_batch, plan.steps_per_epoch - first_batch))
        rows_per_second = num_rows / (time.perf_counter() - started)
        theta, b = problem.coordinates.unscale(*engine.parameters())
        yield Epoch(epoch, engine.step, theta, b, engine.learning_rate, rows_per_second)
        if checkpoint:
            checkpoint.at_epoch(engine.state)


def take_steps(
    engine: Engine,
    epoch: int,
    steps_per_epoch: int,
    params: Train,
    checkpoint: Checkpoint | None,
    progress: "tqdm[Any]",
) -> None:
    """Take the steps that are left of an epoch."""
    first, end = engine.step, epoch * steps_per_epoch
    shown = 0
    while engine.step < end:
        engine.advance()
        done = engine.step - first
        if engine.step % engine.steps_between_checks == 0 or engine.step == end:
            refuse_divergence(engine, epoch, params)
        if done - shown >= STEPS_BETWEEN_UPDATES or engine.step == end:
            # Reading the loss waits for the device, which is for nobody without a terminal.
            if not progress.disable and (loss := engine.loss()) is not None:
                progress.set_postfix(loss=f"{loss:.4g}", refresh=False)
            progress.update(done - shown)
            shown = done
        if checkpoint and engine.step < end:
            checkpoint.at_step(engine.state)


def progress_bar(epoch: int, num_steps: int, workers: Workers) -> "tqdm[Any]":
    """Return a bar that shows on a terminal, from the first process, after a second."""
    return tqdm(
        total=num_steps,
        desc=f"epoch {epoch}",
        unit=" steps",
        disable=None if workers.is_first else True,
        delay=1,
        leave=False,
    )


def refuse_divergence(engine: Engine, epoch: int, params: Train) -> None:
    """Raise UserError when a step has made something infinite or NaN."""
    if diverged := engine.divergence():
        what, found = diverged
        raise UserError(
            f"training: step {engine.step} (epoch {epoch})",
            what,
            found=found,
            todo=f"lower train.lr from {params.lr:g} to {params.lr / 10:g}",
        )
