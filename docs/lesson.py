"""The default pipeline's outputs, and its training step by step, for docs/pictures.py.

The pipeline records θ and b once per epoch. `descend` takes the same steps again by the code of
linreg/fit/sgd/autograd.py and records each of them; its θ and b after each epoch must be those that
the pipeline found, to the last bit.
"""

import json
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from linreg.arrays import Floats
from linreg.data.rows import Rows
from linreg.data.tables.parquet import TRUTH
from linreg.errors import UserError
from linreg.fit.coordinates.scaling import Scaling
from linreg.fit.exact.moment_sums.moments import Moments
from linreg.fit.exact.reference import ExactReference
from linreg.fit.model import load
from linreg.fit.sgd.autograd import LinearRegression, get_parameters, set_parameters
from linreg.fit.sgd.batches import ShuffledBatches
from linreg.fit.sgd.initial_parameters import initial_parameters
from linreg.fit.sgd.shuffling import BatchPlan
from linreg.params.file import load_params
from linreg.params.train import Train
from linreg.process.torch_setup import torch
from linreg.process.workers import ALONE

NUM_FEATURES = 2
GENERATED = Path("data/raw/generated.parquet")
TRAIN_FILES = Path("data/split/train")
TRAINING = Path("models/training")
MODEL = Path("models/model")
REQUIRED = {"schedule": "constant", "average": 0.0, "patience": 0, "scale": "none", "device": "cpu"}


class Steps(NamedTuple):
    """A training: [b, θ₁, θ₂] before the first step and after each; the loss of each batch.

    points  (steps + 1, 3)
    losses  (steps,)
    """

    points: Floats
    losses: Floats


class Lesson:
    """The default pipeline's data, the exact minimum of its loss, and its training."""

    def __init__(self) -> None:
        self.params = load_params()
        _require_defaults(self.params.train)
        self.model = load(MODEL)
        if self.model.design.names != ("x1", "x2"):
            raise UserError("params.yaml: model.formula", "must be y ~ x1 + x2 for these pictures")
        self.generated = pq.read_table(GENERATED)
        truth = json.loads(self.generated.schema.metadata[TRUTH])
        self.true = np.array([truth["b"], truth["theta"]["x1"], truth["theta"]["x2"]])
        self.noise = self.params.generate.noise
        paths = sorted(TRAIN_FILES.glob("shard-*.parquet"))
        self.shards = [Rows(path, self.model.design) for path in paths]
        self.history = pd.read_csv(TRAINING / "history.csv")
        self.coefficients = pd.read_csv(TRAINING / "theta.csv").pivot(
            index="epoch", columns="coefficient", values="value"
        )[["b", "x1", "x2"]]
        exact = ExactReference.read(MODEL)
        assert isinstance(exact.moments, Moments)
        # The mean of the products of [1 x1 x2 y] (4, 4), from which the loss of any θ and b
        # follows. It is computed without matrix products: their last bits depend on the processor,
        # and whether a contour closes can depend on the last bit.
        self.moments = exact.moments.rounded() / exact.moments.num_rows
        self.exact = np.array([exact.solution.b, *exact.solution.theta])
        self.steps = self.descend(self.params.train, self.params.train.epochs)
        found = self.steps.points[self.history["step"]]
        if not np.array_equal(found, self.coefficients.to_numpy()):
            raise UserError(TRAINING, "differs from these parameters", todo="run `dvc repro`")

    @property
    def steps_per_epoch(self) -> int:
        """The number of batches."""
        return int(self.history["step"][0])

    def batches(self, params: Train) -> ShuffledBatches:
        """Return the batches that the training sees."""
        plan = BatchPlan(self.shards, params.batch_size)
        no_scaling = Scaling.identity(NUM_FEATURES)
        dtype = _dtype(params)
        return ShuffledBatches(self.shards, no_scaling, plan, params.seed, dtype, "cpu")

    def descend(self, params: Train, num_epochs: int) -> Steps:
        """Train as the autograd engine does, and record every step."""
        regression = LinearRegression(
            NUM_FEATURES,
            True,
            params,
            _dtype(params),
            "cpu",
            Scaling.identity(NUM_FEATURES),
            len(self.shards),
            ALONE,
        )
        set_parameters(regression.model, initial_parameters(NUM_FEATURES, True, params))
        batches = self.batches(params)
        points = [_point(regression.model)]
        losses = []
        for epoch in range(1, num_epochs + 1):
            for batch in batches.epoch(epoch):
                losses.append(regression.train_step(batch).item())
                points.append(_point(regression.model))
        return Steps(np.array(points), np.array(losses))

    def loss(self, points: Floats) -> Floats:
        """Return the mean squared error over all training rows at points (…, 3) of [b, θ₁, θ₂]."""
        ends = [*np.moveaxis(-points, -1, 0), np.ones(points.shape[:-1])]
        total = np.zeros(points.shape[:-1])
        for i, j in np.ndindex(self.moments.shape):
            total = total + self.moments[i, j] * ends[i] * ends[j]
        return total

    def descent_direction(self, point: Floats) -> Floats:
        """Return minus the gradient (3,) of the mean squared error over all training rows."""
        half_gradient = [
            sum(self.moments[i, j] * point[j] for j in range(3)) - self.moments[i, 3]
            for i in range(3)
        ]
        return -2 * np.array(half_gradient)

    def descent_directions_of_batches(self, point: Floats, count: int) -> Floats:
        """Return minus the gradient of each of the first batches (count, 3), by autograd."""
        model = torch.nn.Linear(NUM_FEATURES, 1, dtype=torch.double)
        set_parameters(model, point)
        in_float64 = self.params.train.model_copy(update={"dtype": "float64"})
        directions = []
        for batch in islice(self.batches(in_float64).epoch(1), count):
            model.zero_grad()
            X = torch.cat([rows.X for _, rows in batch.micro_batches])
            y = torch.cat([rows.y for _, rows in batch.micro_batches])
            torch.nn.MSELoss()(model(X), y).backward()
            direction = []
            for parameter in (model.bias, model.weight):
                assert parameter.grad is not None
                direction += [-value for value in parameter.grad.flatten().tolist()]
            directions.append(direction)
        return np.array(directions)


def _require_defaults(train: Train) -> None:
    for name, default in REQUIRED.items():
        found = getattr(train, name)
        if found != default:
            raise UserError(
                f"params.yaml: train.{name}",
                "must be the default for these pictures",
                found=found,
                todo=f"set it to {default} and run `dvc repro`",
            )


def _dtype(params: Train) -> torch.dtype:
    return torch.float if params.dtype == "float32" else torch.double


def _point(model: torch.nn.Linear) -> list[float]:
    theta, b = get_parameters(model)
    return [b, *theta.tolist()]
