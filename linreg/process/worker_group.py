"""One of several processes under torch.distributed: gloo between CPUs, nccl between CUDA devices.

Imported only where there is more than one process, because it imports torch.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import numpy as np

from linreg.arrays import Floats
from linreg.errors import WorkerGoneError
from linreg.process.torch_setup import torch
from linreg.process.workers import RENDEZVOUS, Workers

dist = torch.distributed
TIMEOUT = timedelta(days=30)
"""A process may work, or wait for the stage's lock, for days; that one has died is seen at once."""


class WorkerGroup(Workers):
    """The processes that torchrun has started; its environment says which of them this is."""

    def __init__(self) -> None:
        super().__init__(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))

    def gather(self, value: Any) -> list[Any]:  # noqa: D102 - as in Workers
        text = torch.from_numpy(np.frombuffer(bytearray(json.dumps(value).encode()), np.uint8))
        return [json.loads(each.numpy().tobytes()) for each in self._gather_vectors(text)]

    def gather_array(self, values: Floats) -> list[Floats]:
        """Return the arrays of all processes, as `Workers` does."""
        # A copy, because torch warns of memory that it may not write to.
        own = torch.from_numpy(np.array(values, np.float64))
        return [array.numpy() for array in self._gather_vectors(own)]

    def gather_tensor(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return the tensors of all processes, stacked; they have the same shape and device."""
        gathered = tensor.new_empty((self.size, *tensor.shape))
        with _worker_gone_errors():
            dist.all_gather_single(gathered.view(-1), tensor.contiguous().view(-1))
        return gathered

    def _gather_vectors(self, values: torch.Tensor) -> list[torch.Tensor]:
        """Return the vectors (n,) of all processes, whose lengths may differ."""
        lengths = self.gather_tensor(torch.tensor([len(values)])).flatten().tolist()
        longest = max(lengths)
        if not longest:
            return [values] * self.size
        padded = values
        if len(values) < longest:
            padded = values.new_zeros(longest)
            padded[: len(values)] = values
        gathered = self.gather_tensor(padded)
        return [gathered[rank, :length] for rank, length in enumerate(lengths)]


@contextmanager
def process_group() -> Iterator[WorkerGroup]:
    """Join the other processes for the block; raises WorkerGoneError when one does not come."""
    with_cuda = torch.cuda.is_available() and dist.is_nccl_available()
    group = WorkerGroup()
    # Under a torchrun that a user has started, its own store is used.
    store = None
    if RENDEZVOUS in os.environ:
        store = dist.FileStore(os.environ[RENDEZVOUS], group.size)  # type: ignore[attr-defined]
    with _worker_gone_errors():
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if with_cuda else "gloo",
            timeout=TIMEOUT,
            store=store,
            rank=group.rank,
            world_size=group.size,
        )
    try:
        yield group
    finally:
        dist.destroy_process_group()


@contextmanager
def _worker_gone_errors() -> Iterator[None]:
    """Raise WorkerGoneError for what torch.distributed raises when a process has ended."""
    try:
        yield
    except RuntimeError as error:
        raise WorkerGoneError from error
