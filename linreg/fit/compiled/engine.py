"""Stochastic gradient descent at the speed of memory: the same updates on the same batches, in
compiled kernels.

It gives what `linreg.fit.sgd.autograd` gives but for rounding: rows, and the roots of their
weights, are rounded to `train.dtype` as there, everything else is computed in float64. One shard
goes through the steps directly; with several, each process reduces the next batches of its own
shards to their moments, all exchange them at once, and all take the same steps.
"""

import time
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from linreg.data.rows import Rows
from linreg.errors import UserError
from linreg.fit.compiled.blocks import Block, DirectBlocks, MomentBlocks
from linreg.fit.compiled.packed_rows import packed_shards
from linreg.fit.exact.standardize import Scaling
from linreg.fit.history import Epoch
from linreg.fit.sgd.checkpoint import Checkpoint, State
from linreg.fit.sgd.initial_parameters import start
from linreg.fit.sgd.order import BatchPlan
from linreg.fit.sgd.schedule import first_averaged, learning_rates
from linreg.params import Train
from linreg.process.workers import ALONE, Workers

Floats = NDArray[np.float64]


def gradient_descent(
    shards: Sequence[Rows],
    num_features: int,
    intercept: bool,
    scaling: Scaling,
    params: Train,
    workers: Workers = ALONE,
    checkpoint: Checkpoint | None = None,
) -> Iterator[Epoch]:
    """Train for `params.epochs` epochs and yield the state after each; with a checkpoint, from
    where it stands.

    Raises UserError when a step is not finite, WorkerGoneError when another process has ended.
    """
    plan = BatchPlan(shards, params.batch_size)
    num_steps = params.epochs * plan.steps_per_epoch
    averaged_from = first_averaged(params, num_steps)
    own = packed_shards(shards, num_features, intercept, scaling, params.dtype, workers)
    penalty = np.zeros(num_features + 1)
    if (
        params.l2
        # it is on θ in the units of the data; one beyond float64 is found with the first step
    ):
        with np.errstate(over="ignore", divide="ignore"):
            penalty[1:] = params.l2 / np.square(scaling.x_scale)
    blocks = (DirectBlocks if len(shards) == 1 else MomentBlocks)(
        own, plan, params, penalty, workers
    )

    # parameters (b, θ), velocity, average
    step, state = 0, np.zeros((3, num_features + 1))
    state[0] = start(num_features, intercept, params)
    if checkpoint and checkpoint.state:
        step, state = (
            int(checkpoint.state["step"]),
            np.array(checkpoint.state["compiled"], np.float64),
        )

    def as_state() -> State:
        return {"step": step, "compiled": state.tolist()}

    while step < num_steps:
        epoch, batch = step // plan.steps_per_epoch + 1, step % plan.steps_per_epoch
        started, first_batch = time.perf_counter(), batch
        blocks.begin_epoch(epoch, batch)
        quiet = None if workers.first else True
        progress = tqdm(
            total=plan.steps_per_epoch,
            desc=f"epoch {epoch}",
            unit=" steps",
            disable=quiet,
            delay=1,
            leave=False,
        )
        while batch < plan.steps_per_epoch:
            count = min(blocks.num_batches, plan.steps_per_epoch - batch)
            rates = learning_rates(params, np.arange(step, step + count) / num_steps)
            state, taken = blocks.advance(
                state, Block(batch, rates, num_averaged=step + 1 - averaged_from)
            )
            step, batch = step + taken, batch + taken
            _refuse_divergence(state, step, epoch, params)
            progress.update(taken)
            if checkpoint and batch < plan.steps_per_epoch:
                checkpoint.at_step(as_state)
        progress.close()

        current = state[2] if step >= averaged_from else state[0]
        theta, b = scaling.unscale(current[1:], float(current[0]))
        num_done = sum(plan.lengths(first_batch, plan.steps_per_epoch - first_batch))
        rows_per_second = num_done / (time.perf_counter() - started)
        yield Epoch(epoch, step, theta, b, float(rates[-1]), rows_per_second)
        if checkpoint:
            checkpoint.at_epoch(as_state)


def _refuse_divergence(state: Floats, step: int, epoch: int, params: Train) -> None:
    if not np.isfinite(state[0]).all():
        raise UserError(
            f"training: step {step} (epoch {epoch})",
            "θ and b are no longer finite",
            found=state[0].tolist(),
            todo=f"lower train.lr from {params.lr:g} to {params.lr / 10:g}",
        )
