"""Stochastic gradient descent, as any model is trained: model → loss → gradients → optimizer.

The model of the lesson is ỹ = b + X·θᵀ, its loss the mean squared error. Both have a closed form,
but nothing here uses it: a large network would be trained by the same lines. PortableLinear and
PortableSGD are torch.nn.Linear and torch.optim.SGD with the same bits on every CPU.
"""

import math
import os
from functools import partial

import numpy as np

from linreg.arrays import Floats
from linreg.errors import UserError
from linreg.fit.coordinates.choice import Coordinates
from linreg.fit.sgd import session
from linreg.fit.sgd.batches import Batch, ShuffledBatches
from linreg.fit.sgd.checkpoint import State
from linreg.fit.sgd.cuda_graph import CapturedStep, Step, capture_for, set_learning_rate
from linreg.fit.sgd.gradients import RidgePenalty, ShardGradients
from linreg.fit.sgd.initial_parameters import initial_parameters
from linreg.fit.sgd.portable_linear import PortableLinear, fastest_sums
from linreg.fit.sgd.portable_sgd import PortableSGD
from linreg.fit.sgd.schedule import first_averaged_step, rates_of_steps
from linreg.fit.sgd.session import STEPS_BETWEEN_UPDATES, Problem
from linreg.params.train import Train
from linreg.process.process_place import process_place
from linreg.process.torch_setup import torch
from linreg.process.workers import Workers


class LinearRegression:
    """A linear model, its loss, its optimizer, and the step that trains it.

    `gradients` keeps the gradient of each shard apart where several processes exchange them.
    """

    def __init__(
        self,
        num_features: int,
        intercept: bool,
        params: Train,
        dtype: torch.dtype,
        device: str,
        coordinates: Coordinates,
        num_shards: int,
        workers: Workers,
    ) -> None:
        self.model = PortableLinear(num_features, 1, bias=intercept, dtype=dtype, device=device)
        self.mean_squared_error = torch.nn.MSELoss()
        parameters = self.model.parameters()
        self.optimizer = PortableSGD(parameters, lr=params.lr, momentum=params.momentum)
        self.gradients = ShardGradients(self.model, num_shards, workers)
        self.ridge = RidgePenalty(self.model, params.l2, coordinates)

    def train_step(self, batch: Batch) -> torch.Tensor:
        """Take one step of gradient descent; return the loss before it, a tensor of shape ()."""
        self.optimizer.zero_grad()
        for shard, (X, y, sqrt_w) in batch.micro_batches:
            prediction = self.model(X)
            loss = self.mean_squared_error(weighted(prediction, sqrt_w), weighted(y, sqrt_w))
            loss = share_of_batch(loss, len(y), batch.num_rows)
            loss.backward()
            self.gradients.collect(shard, loss)
        loss = self.gradients.sum_over_shards(batch.lengths)
        loss = self.ridge.add_penalty_and_gradient(loss)
        self.optimizer.step()
        return loss


def weighted(values: torch.Tensor, sqrt_w: torch.Tensor | None) -> torch.Tensor:
    """Multiply rows (n, 1) by √w, so that their squared errors are weighted by w."""
    return values if sqrt_w is None else values * sqrt_w


def share_of_batch(loss: torch.Tensor, num_rows: int, batch_size: int) -> torch.Tensor:
    """Return what the mean over a micro-batch contributes to the mean over its whole batch."""
    return loss if num_rows == batch_size else loss * (num_rows / batch_size)


class AutogradEngine(LinearRegression):
    """The linear regression as an engine of `linreg.fit.sgd.session`."""

    def __init__(self, problem: Problem) -> None:
        shards, num_features, intercept, coordinates, params, plan, workers = problem
        dtype = torch.float if params.dtype == "float32" else torch.double
        device = choose_device(params.device)
        num_shards = len(shards)
        super().__init__(
            num_features, intercept, params, dtype, device, coordinates, num_shards, workers
        )
        set_parameters(self.model, initial_parameters(num_features, intercept, params))
        self.step = 0
        self._params, self._plan = params, plan
        self._num_steps = plan.num_steps(params.epochs)
        batch_size = min(params.batch_size, plan.num_rows)
        if device == "cpu":
            self.model.sums = fastest_sums(self._num_steps, batch_size, num_features)
        self._first_averaged = first_averaged_step(params, self._num_steps)
        self._average = torch.optim.swa_utils.AveragedModel(self.model)
        own = workers.own_range(num_shards)
        self._shuffled = ShuffledBatches(shards, coordinates, plan, params.seed, dtype, device, own)
        self._take_step: Step = self.train_step
        self.steps_between_checks = 1
        if capture := capture_for(device, workers):
            self._take_step = CapturedStep(self.train_step, self.optimizer, capture, batch_size)
            # Reading the loss makes Python wait for the GPU.
            self.steps_between_checks = STEPS_BETWEEN_UPDATES

    def begin_epoch(self, epoch: int, first_batch: int) -> None:
        """Start the batches of an epoch, counted from 1, at one of them, counted from 0."""
        steps = range(self.step, epoch * self._plan.steps_per_epoch)
        self._rates = rates_of_steps(self._params, steps, self._num_steps)
        self._batches = self._shuffled.epoch(epoch, first_batch)

    def advance(self) -> None:
        """Take the next step of the epoch."""
        self.learning_rate = next(self._rates)
        set_learning_rate(self.optimizer, self.learning_rate)
        self._loss = self._take_step(next(self._batches))
        self.step += 1
        if self.step >= self._first_averaged:
            self._average.update_parameters(self.model)

    def loss(self) -> float:
        """Return the loss of the last batch, before its step."""
        return self._loss.item()

    def divergence(self) -> tuple[str, object] | None:
        """Return what is no longer finite, with its value; None while training converges."""
        loss = self.loss()
        return None if math.isfinite(loss) else ("the loss is no longer finite", loss)

    def parameters(self) -> tuple[Floats, float]:
        """Return θ (M,) and b in the coordinates of training, averaged once averaging has begun."""
        averaged = self.step >= self._first_averaged
        return get_parameters(self._average.module if averaged else self.model)

    def state(self) -> State:
        """Return all that the next step depends on, in numbers that JSON keeps to the last bit."""
        parameters = list(self.model.parameters())
        momentum = [self.optimizer.state[each].get("momentum_buffer") for each in parameters]
        return {
            "step": self.step,
            "model": [parameter.tolist() for parameter in parameters],
            "momentum": [None if buffer is None else buffer.tolist() for buffer in momentum],
            "average": [parameter.tolist() for parameter in self._average.module.parameters()],
            "num_averaged": int(self._average.n_averaged),
        }

    def restore(self, state: State) -> None:
        """Set everything to what `state` returned."""
        self.step = int(state["step"])
        with torch.no_grad():
            for module, values in ((self.model, "model"), (self._average.module, "average")):
                for parameter, value in zip(module.parameters(), state[values], strict=True):
                    parameter.copy_(parameter.new_tensor(value))
            for parameter, buffer in zip(self.model.parameters(), state["momentum"], strict=True):
                if buffer is not None:
                    momentum = parameter.new_tensor(buffer)
                    self.optimizer.state[parameter]["momentum_buffer"] = momentum
            self._average.n_averaged.fill_(state["num_averaged"])


gradient_descent = partial(session.gradient_descent, AutogradEngine)
"""`linreg.fit.sgd.session.gradient_descent` by this engine."""


def set_parameters(model: torch.nn.Linear, values: Floats) -> None:
    """Set b and θ to `values` (M + 1,), b first."""
    with torch.no_grad():
        model.weight.copy_(torch.from_numpy(values[1:]).unsqueeze(0))
        if model.bias is not None:
            model.bias.fill_(values[0])


def get_parameters(model: torch.nn.Module) -> tuple[Floats, float]:
    """Return θ (M,) as float64 and b of a torch.nn.Linear; b is 0 without bias."""
    values = {
        name: np.asarray(value.detach().cpu().double()) for name, value in model.named_parameters()
    }
    return values["weight"][0], float(values["bias"][0]) if "bias" in values else 0.0


def choose_device(wanted: str) -> str:
    """Return torch's name of the device for `train.device`; raises UserError where there is none.

    Each process of a machine needs a CUDA device of its own.
    """
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise UserError(
            "params.yaml: train.device", "no CUDA device", found=wanted, todo="set it to cpu"
        )
    if wanted == "cpu" or not available:
        return "cpu"
    # That of a process which is alone may be left from elsewhere.
    local_rank = int(os.environ.get("LOCAL_RANK") or "0") if process_place().size > 1 else 0
    if local_rank >= torch.cuda.device_count():
        raise UserError(
            "environment: WORKERS",
            "every process needs its own CUDA device",
            found=f"process {local_rank + 1} on a machine with {torch.cuda.device_count()}",
            todo="use fewer processes",
        )
    return f"cuda:{local_rank}"
