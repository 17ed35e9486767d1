"""Stochastic gradient descent at the speed of memory: the same steps in compiled kernels.

Apart from rounding it gives what `linreg.fit.sgd.autograd` gives: rows, and the square roots of
their weights, are rounded to `train.dtype` as there, and everything else is computed in float64.
With one shard, steps are taken directly from the rows. With several, each process reduces the next
batches of its own shards to their moments, all processes exchange those at once, and all take the
same steps.
"""

from functools import partial

import numpy as np

from linreg.arrays import Floats
from linreg.fit.compiled.augmented_rows import augmented_shards
from linreg.fit.compiled.level_supersteps import LevelSupersteps
from linreg.fit.compiled.supersteps import MomentSupersteps, RowSupersteps, Superstep
from linreg.fit.coordinates.choice import Coordinates
from linreg.fit.coordinates.scaling import Scaling
from linreg.fit.sgd import session
from linreg.fit.sgd.checkpoint import State
from linreg.fit.sgd.initial_parameters import initial_parameters
from linreg.fit.sgd.schedule import first_averaged_step, learning_rates
from linreg.fit.sgd.session import Problem


class CompiledEngine:
    """Parameters, velocity and average, advanced by many steps at a time."""

    steps_between_checks = 1

    def __init__(self, problem: Problem) -> None:
        shards, num_features, intercept, coordinates, params, plan, workers = problem
        self._params, self._plan = params, plan
        self._num_steps = plan.num_steps(params.epochs)
        self._first_averaged = first_averaged_step(params, self._num_steps)
        own = augmented_shards(shards, num_features, intercept, coordinates, params.dtype, workers)
        penalty = ridge_penalty(params.l2, coordinates, num_features)
        common = (own, plan, params, penalty, workers)
        self._supersteps: RowSupersteps | MomentSupersteps
        if len(shards) > 1:
            self._supersteps = MomentSupersteps(*common)
        elif shards[0].layout.categories and isinstance(coordinates, Scaling):
            self._supersteps = LevelSupersteps(*common, shards[0].layout, coordinates)
        else:
            self._supersteps = RowSupersteps(*common)
        self.step = 0
        # The rows are the parameters (b, θ), their velocity and their average.
        self._state = np.zeros((3, num_features + 1))
        self._state[0] = initial_parameters(num_features, intercept, params)

    def begin_epoch(self, epoch: int, first_batch: int) -> None:
        """Start the batches of an epoch, counted from 1, at one of them, counted from 0."""
        self._batch = first_batch
        self._supersteps.begin_epoch(epoch, first_batch)

    def advance(self) -> None:
        """Take the steps of the next superstep, up to one that is not finite."""
        left = self._plan.steps_per_epoch - self._batch
        count = min(self._supersteps.num_batches, left)
        steps = np.arange(self.step, self.step + count)
        rates = learning_rates(self._params, steps / self._num_steps)
        num_averaged = self.step + 1 - self._first_averaged
        superstep = Superstep(self._batch, rates, num_averaged)
        self._state, taken = self._supersteps.advance(self._state, superstep)
        self.learning_rate = float(rates[taken - 1])
        self.step += taken
        self._batch += taken

    def loss(self) -> None:
        """Return None: the loss of a batch is not needed for its step."""

    def divergence(self) -> tuple[str, object] | None:
        """Return what is no longer finite, with its value; None while training converges."""
        parameters = self._state[0]
        if np.isfinite(parameters).all():
            return None
        return "θ and b are no longer finite", parameters.tolist()

    def parameters(self) -> tuple[Floats, float]:
        """Return θ (M,) and b in the coordinates of training, averaged once averaging has begun."""
        current = self._state[2 if self.step >= self._first_averaged else 0]
        return current[1:], float(current[0])

    def state(self) -> State:
        """Return all that the next step depends on, in numbers that JSON keeps to the last bit."""
        return {"step": self.step, "compiled": self._state.tolist()}

    def restore(self, state: State) -> None:
        """Set everything to what `state` returned."""
        self.step = int(state["step"])
        self._state = np.array(state["compiled"], np.float64)


def ridge_penalty(l2: float, coordinates: Coordinates, num_features: int) -> Floats:
    """Return the penalty on (b, θ) as a quadratic form; infinite beyond float64.

    It is a diagonal (1, M + 1) where columns are scaled, and (M + 1, M + 1) where they are mixed.
    """
    of_theta = coordinates.penalty(l2) if l2 else np.zeros(num_features)
    if of_theta.ndim == 1:
        return np.append(0.0, of_theta)[None]
    return np.pad(of_theta, ((1, 0), (1, 0)))


gradient_descent = partial(session.gradient_descent, CompiledEngine)
"""`linreg.fit.sgd.session.gradient_descent` by this engine."""
