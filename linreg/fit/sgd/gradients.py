"""The gradient of a batch: the sum of its shards' gradients in their order, and the penalty's.

A single process leaves the sum to autograd, since each backward() adds to the gradient that is
there. Several processes exchange the gradient of every shard separately: a sum of partial sums
would be rounded differently for each number of processes.
"""

from collections.abc import Sequence

import numpy as np

from linreg.fit.coordinates.choice import Coordinates
from linreg.fit.coordinates.whitening import Whitening
from linreg.fit.sgd.portable_linear import PortableLinear, linear
from linreg.process.torch_setup import torch
from linreg.process.workers import Workers


class ShardGradients:
    """Sums the gradients of a model's parameters over the micro-batches of a batch."""

    def __init__(self, model: torch.nn.Module, num_shards: int, workers: Workers) -> None:
        self._parameters = list(model.parameters())
        self._workers = workers
        owned = [workers.range_of(rank, num_shards) for rank in range(workers.size)]
        self._rank_and_row = {
            shard: (rank, shard - own.start) for rank, own in enumerate(owned) for shard in own
        }
        self._loss: torch.Tensor | None = None
        num_values = sum(parameter.numel() for parameter in self._parameters) + 1
        # Rows are (gradient, loss) of our own shards.
        self._own = self._parameters[0].new_zeros(max(map(len, owned)), num_values)

    def collect(self, shard: int, loss: torch.Tensor) -> None:
        """Take the gradient that backward() has just added, and the shard's share of the loss."""
        if self._workers.size == 1:
            self._loss = loss.detach() if self._loss is None else self._loss + loss.detach()
            return
        gradients = [_gradient(parameter).flatten() for parameter in self._parameters]
        _, row = self._rank_and_row[shard]
        self._own[row] = torch.cat([*gradients, loss.detach().reshape(1)])
        for parameter in self._parameters:
            parameter.grad = None

    def sum_over_shards(self, lengths: Sequence[int]) -> torch.Tensor:
        """Leave the gradient of the whole batch in the parameters and return its loss, ().

        lengths  the rows that each shard contributes to the batch
        Raises WorkerGoneError when another process has ended.
        """
        if self._workers.size == 1:
            loss, self._loss = self._loss, None
            assert loss is not None, "a batch has a micro-batch"
            return loss
        from linreg.process.worker_group import WorkerGroup

        assert isinstance(self._workers, WorkerGroup)
        gathered = self._workers.gather_tensor(self._own)
        total, *others = (
            gathered[self._rank_and_row[shard]] for shard, length in enumerate(lengths) if length
        )
        for values in others:
            total = total + values
        start = 0
        for parameter in self._parameters:
            parameter.grad = total[start : start + parameter.numel()].view_as(parameter).clone()
            start += parameter.numel()
        return total[-1]


class RidgePenalty:
    """The penalty l2·‖θ‖², on θ in the units of the data."""

    def __init__(self, model: PortableLinear, l2: float, coordinates: Coordinates) -> None:
        self._model, self._l2 = model, l2
        self._transform: torch.Tensor | None = None
        if isinstance(coordinates, Whitening):
            # As weights are divided by their mean there.
            self._l2 /= coordinates.mean_weight
            of_theta = np.ascontiguousarray(coordinates.transform[1:, 1:])
            self._transform = torch.from_numpy(of_theta).to(model.weight)
        else:
            self._x_scale = torch.from_numpy(coordinates.x_scale).to(model.weight)

    def add_penalty_and_gradient(self, loss: torch.Tensor) -> torch.Tensor:
        """Return the loss () plus the penalty; add the penalty's gradient to that of θ."""
        if not self._l2:
            return loss
        if self._transform is None:
            theta = self._model.weight / self._x_scale
        else:
            theta = linear(self._transform, self._model.weight, None, self._model.sums)
        penalty = self._l2 * torch.square(theta).sum()
        penalty.backward()
        return loss + penalty.detach()


def _gradient(parameter: torch.Tensor) -> torch.Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
