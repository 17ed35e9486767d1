"""Stochastic gradient descent, as any model is trained: model → loss → gradients → optimizer, batch
by batch.

The model of the lesson is ỹ = b + X·θᵀ, its loss the mean squared error. Both have a closed form,
but nothing here uses it: a large network would be trained by the same lines.
"""

import math
import os
import time
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from linreg.data.rows import Rows
from linreg.errors import UserError
from linreg.fit.exact.standardize import Scaling
from linreg.fit.history import Epoch
from linreg.fit.sgd.batches import Batch, ShuffledBatches
from linreg.fit.sgd.checkpoint import Checkpoint, State
from linreg.fit.sgd.cuda_graph import Replayed, Step, recorder_for, set_rate
from linreg.fit.sgd.gradients import Gradients
from linreg.fit.sgd.initial_parameters import start
from linreg.fit.sgd.schedule import first_averaged, rates_of_steps
from linreg.params import Train
from linreg.process.torch_setup import torch
from linreg.process.workers import ALONE, Workers

STEPS_SHOWN = 100
"""Steps after which the progress bar moves."""
torch.optim.SGD.step.hooked = True  # type: ignore[attr-defined]  # or a quarter of a step is spent on profiling it


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

    Every process takes the same steps, with the gradients of its own shards and those that the
    others send.

    Raises UserError when the loss stops being finite, WorkerGoneError when another process has
    ended.
    """
    dtype = torch.float if params.dtype == "float32" else torch.double
    device = _device(params.device)
    own = workers.own_range(len(shards))
    batches = ShuffledBatches(shards, scaling, params.batch_size, params.seed, dtype, device, own)
    num_steps = params.epochs * batches.steps_per_epoch

    model = torch.nn.Linear(num_features, 1, bias=intercept, dtype=dtype, device=device)
    start_at_random(model, params)
    mean_squared_error = torch.nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=params.lr, momentum=params.momentum)
    x_scale = torch.from_numpy(scaling.x_scale).to(
        device,
        dtype,
        # the penalty is on θ in the units of the data
    )
    average = torch.optim.swa_utils.AveragedModel(model)
    averaged_from = first_averaged(params, num_steps)
    gradients = Gradients(model, len(shards), workers)

    def take_step(batch: Batch) -> torch.Tensor:
        # what optimizer.zero_grad() does, without a fifth of the step for the profiler
        model.zero_grad()
        for shard, (X, y, root_w) in batch.pieces:
            prediction = model(X)
            # Σ w (y − ỹ)² is the squared error of rows multiplied by √w
            if root_w is not None:
                prediction, y = prediction * root_w, y * root_w
            loss = mean_squared_error(prediction, y)
            if len(y) < batch.num_rows:
                loss = loss * (len(y) / batch.num_rows)
            loss.backward()
            gradients.keep(shard, loss)
        batch_loss = gradients.add_up(batch.lengths)
        if params.l2:
            penalty = params.l2 * torch.square(model.weight / x_scale).sum()
            torch.autograd.backward(penalty)
            batch_loss = batch_loss + penalty.detach()
        optimizer.step()
        return batch_loss

    take: Step = take_step
    recorder = recorder_for(device, workers)
    if recorder:
        take = Replayed(take_step, optimizer, recorder, min(params.batch_size, batches.num_rows))
    step = 0
    if checkpoint and checkpoint.state:
        step = restore(checkpoint.state, model, optimizer, average)
    while step < num_steps:
        epoch, first_batch = step // batches.steps_per_epoch + 1, step % batches.steps_per_epoch
        started, num_done = time.perf_counter(), 0
        quiet = None if workers.first else True
        progress = tqdm(
            total=batches.num_rows,
            desc=f"epoch {epoch}",
            unit=" rows",
            disable=quiet,
            delay=1,
            leave=False,
        )
        rates = rates_of_steps(params, range(step, epoch * batches.steps_per_epoch), num_steps)
        for rate, batch in zip(rates, batches.epoch(epoch, first_batch), strict=True):
            step += 1
            set_rate(optimizer, rate)
            loss = take(batch)
            if (
                not recorder or step % STEPS_SHOWN == 0
                # a look at the loss makes Python wait for the GPU
            ):
                _refuse_divergence(loss, step, epoch, params)

            if step >= averaged_from:
                average.update_parameters(model)
            num_done += batch.num_rows
            if step % STEPS_SHOWN == 0:
                progress.set_postfix(loss=f"{loss.item():.4g}", refresh=False)
                progress.update(num_done - progress.n)
            if checkpoint and step % batches.steps_per_epoch:
                checkpoint.at_step(partial(as_state, step, model, optimizer, average))
        progress.close()
        _refuse_divergence(loss, step, epoch, params)

        current = average.module if step >= averaged_from else model
        theta, b = scaling.unscale(*as_numbers(current))
        rows_per_second = num_done / (time.perf_counter() - started)
        yield Epoch(epoch, step, theta, b, rate, rows_per_second)
        if checkpoint:
            checkpoint.at_epoch(partial(as_state, step, model, optimizer, average))


def as_state(
    step: int,
    model: torch.nn.Linear,
    optimizer: torch.optim.SGD,
    average: torch.optim.swa_utils.AveragedModel,
) -> State:
    """Return all that the next step depends on, in numbers that JSON keeps to the last bit."""
    momentum = [
        optimizer.state[parameter].get("momentum_buffer") for parameter in model.parameters()
    ]
    return {
        "step": step,
        "model": [parameter.tolist() for parameter in model.parameters()],
        "momentum": [None if buffer is None else buffer.tolist() for buffer in momentum],
        "average": [parameter.tolist() for parameter in average.module.parameters()],
        "num_averaged": int(average.n_averaged),
    }


def restore(
    state: State,
    model: torch.nn.Linear,
    optimizer: torch.optim.SGD,
    average: torch.optim.swa_utils.AveragedModel,
) -> int:
    """Set everything to what `as_state` returned, and return the number of steps taken."""
    with torch.no_grad():
        for module, values in ((model, state["model"]), (average.module, state["average"])):
            for parameter, value in zip(module.parameters(), values, strict=True):
                parameter.copy_(parameter.new_tensor(value))
        for parameter, buffer in zip(model.parameters(), state["momentum"], strict=True):
            if buffer is not None:
                optimizer.state[parameter]["momentum_buffer"] = parameter.new_tensor(buffer)
        average.n_averaged.fill_(state["num_averaged"])
    return int(state["step"])


def start_at_random(model: torch.nn.Linear, params: Train) -> None:
    """Set θ and b to what torch.nn.Linear starts from, drawn from a generator of our own."""
    b, *theta = start(model.in_features, model.bias is not None, params).tolist()
    with torch.no_grad():
        model.weight.copy_(torch.tensor([theta], dtype=torch.double))
        if model.bias is not None:
            model.bias.fill_(b)


def as_numbers(model: torch.nn.Module) -> tuple[NDArray[np.float64], float]:
    """Return θ (M,) as float64 and b of a torch.nn.Linear; b is 0 without bias."""
    parameters = {
        name: value.detach().cpu().double().numpy() for name, value in model.named_parameters()
    }
    return parameters["weight"][0], float(parameters["bias"][0]) if "bias" in parameters else 0.0


def _refuse_divergence(batch_loss: torch.Tensor, step: int, epoch: int, params: Train) -> None:
    loss = batch_loss.item()
    if not math.isfinite(loss):
        raise UserError(
            f"training: step {step} (epoch {epoch})",
            "the loss is no longer finite",
            found=loss,
            todo=f"lower train.lr from {params.lr:g} to {params.lr / 10:g}",
        )


def _device(wanted: str) -> str:
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise UserError(
            "params.yaml: train.device",
            "there is no CUDA device",
            found=wanted,
            todo="set it to cpu",
        )
    if wanted == "cpu" or not available:
        return "cpu"
    place = int(
        os.environ.get("LOCAL_RANK", "0")
        # every process of a machine has a device of its own
    )
    if place >= torch.cuda.device_count():
        raise UserError(
            "environment: WORKERS",
            "every process needs a CUDA device of its own",
            found=f"process {place + 1} on a machine with {torch.cuda.device_count()}",
            todo="choose fewer",
        )
    return f"cuda:{place}"
