"""Stochastic gradient descent, as any model is trained: model → loss → gradients → optimizer, batch by batch.

The model of the lesson is ỹ = b + X·θᵀ, its loss the mean squared error. Both have a closed form, but nothing here
uses it: a large network would be trained by the same lines.
"""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from linreg.data.rows import Rows
from linreg.data.strict_math import cosine
from linreg.errors import UserError
from linreg.fit.scaling import Scaling
from linreg.fit.shuffle import ShuffledBatches
from linreg.fit.strict_torch import torch
from linreg.params import Train
from linreg.seeds import generator


@dataclass(frozen=True)
class Epoch:
    """The state after an epoch: θ (M,) float64 and b in the units of the data, lr of the last step, rows per second."""

    number: int
    step: int
    theta: NDArray[np.float64]
    b: float
    lr: float
    rows_per_second: float


def gradient_descent(
    shards: Sequence[Rows], num_features: int, intercept: bool, scaling: Scaling, params: Train
) -> Iterator[Epoch]:
    """Train for `params.epochs` epochs and yield the state after each.

    Raises UserError when the loss stops being finite.
    """
    dtype = torch.float if params.dtype == "float32" else torch.double
    device = _device(params.device)
    batches = ShuffledBatches(shards, scaling, params.batch_size, params.seed, dtype, device)
    num_steps = params.epochs * batches.steps_per_epoch

    model = torch.nn.Linear(num_features, 1, bias=intercept, dtype=dtype, device=device)
    start_at_random(model, params.seed)
    mean_squared_error = torch.nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=params.lr, momentum=params.momentum)
    x_scale = torch.from_numpy(scaling.x_scale).to(device, dtype)  # the penalty is on θ in the units of the data
    average = torch.optim.swa_utils.AveragedModel(model)
    first_averaged = num_steps - math.floor(params.average * num_steps) + 1

    step = 0
    for epoch in range(1, params.epochs + 1):
        started = time.perf_counter()
        progress = tqdm(total=batches.num_rows, desc=f"epoch {epoch}", unit=" rows", disable=None, leave=False)
        for batch in batches.epoch(epoch):
            step += 1
            num_rows = sum(len(piece.y) for piece in batch)
            optimizer.param_groups[0]["lr"] = learning_rate(params, (step - 1) / num_steps)

            optimizer.zero_grad()
            batch_loss = 0.0
            for X, y, root_w in batch:  # one piece per shard; their gradients add up in the order of the shards
                prediction = model(X)
                if root_w is not None:  # Σ w (y − ỹ)² is the squared error of rows multiplied by √w
                    prediction, y = prediction * root_w, y * root_w
                loss = mean_squared_error(prediction, y)
                if len(batch) > 1:
                    loss = loss * (len(y) / num_rows)
                loss.backward()
                batch_loss += loss.item()
            if params.l2:
                penalty = params.l2 * torch.square(model.weight / x_scale).sum()
                torch.autograd.backward(penalty)
                batch_loss += penalty.item()
            _refuse_divergence(batch_loss, step, epoch, params)
            optimizer.step()

            if step >= first_averaged:
                average.update_parameters(model)
            progress.set_postfix(loss=f"{batch_loss:.4g}", refresh=False)
            progress.update(num_rows)
        progress.close()

        current = average.module if step >= first_averaged else model
        theta, b = scaling.fold_back(*as_numbers(current))
        rows_per_second = batches.num_rows / (time.perf_counter() - started)
        yield Epoch(epoch, step, theta, b, optimizer.param_groups[0]["lr"], rows_per_second)


def learning_rate(params: Train, done: float) -> float:
    """Return the learning rate after the part `done` (0 to 1) of all steps."""
    if params.schedule == "linear":
        return params.lr * (1 - done)
    if params.schedule == "cosine":
        return params.lr * 0.5 * (1 + cosine(math.pi * done))
    return params.lr


def start_at_random(model: torch.nn.Linear, seed: int) -> None:
    """Set θ and b to what torch.nn.Linear starts from, uniform on ±1/√M, drawn from a generator of our own."""
    start = generator(seed, "start")
    bound = 1 / math.sqrt(max(1, model.in_features))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.from_numpy(start.uniform(-bound, bound, tuple(parameter.shape))))


def as_numbers(model: torch.nn.Module) -> tuple[NDArray[np.float64], float]:
    """Return θ (M,) as float64 and b of a torch.nn.Linear; b is 0 without bias."""
    parameters = {name: value.detach().cpu().double().numpy() for name, value in model.named_parameters()}
    return parameters["weight"][0], float(parameters["bias"][0]) if "bias" in parameters else 0.0


def _refuse_divergence(loss: float, step: int, epoch: int, params: Train) -> None:
    if not math.isfinite(loss):
        raise UserError(
            f"training: step {step} (epoch {epoch})", "the loss is no longer finite", found=loss,
            todo=f"lower train.lr from {params.lr:g} to {params.lr / 10:g}",
        )  # fmt: skip


def _device(wanted: str) -> str:
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise UserError("params.yaml: train.device", "there is no CUDA device", found=wanted, todo="set it to cpu")
    return "cuda" if wanted == "cuda" or (wanted == "auto" and available) else "cpu"
