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
from numpy.typing import NDArray

from linreg.errors import WorkerGoneError
from linreg.process.torch_setup import torch
from linreg.process.workers import MEETING, Workers

dist = torch.distributed
PATIENCE = timedelta(days=30)
"""One process may work, or wait for the stage's lock, as long as it takes; that one has died is
seen at once.
"""


class Group(Workers):
    """The processes that torchrun has started; its environment says which of them we are."""

    def __init__(self) -> None:
        super().__init__(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))

    def gather(self, value: Any) -> list[Any]:  # noqa: D102 - as in Workers
        text = torch.from_numpy(np.frombuffer(bytearray(json.dumps(value).encode()), np.uint8))
        return [json.loads(other.numpy().tobytes()) for other in self._gather_any(text)]

    def gather_array(self, values: NDArray[np.float64]) -> list[NDArray[np.float64]]:  # noqa: D102 - as in Workers
        own = torch.from_numpy(
            np.array(values, np.float64)
            # a copy, as torch wants to be allowed to write
        )
        return [array.numpy() for array in self._gather_any(own)]

    def gather_tensor(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return the tensors of all processes, which have the same shape and lie on the same kind
        of device.
        """
        everyones = tensor.new_empty((self.size, *tensor.shape))
        with gone_named():
            dist.all_gather_single(everyones.view(-1), tensor.contiguous().view(-1))
        return everyones

    def _gather_any(self, values: torch.Tensor) -> list[torch.Tensor]:
        """Return the vectors (n,) of all processes, whose lengths may differ."""
        lengths = self.gather_tensor(torch.tensor([len(values)])).flatten().tolist()
        padded = values
        if len(values) < max(lengths):
            padded = values.new_zeros(max(lengths))
            padded[: len(values)] = values
        if not max(lengths):
            return [values] * self.size
        everyones = self.gather_tensor(padded)
        return [everyones[rank, :length] for rank, length in enumerate(lengths)]


@contextmanager
def joined() -> Iterator[Group]:
    """Meet the other processes, and part from them at the end; raises WorkerGoneError when one does
    not come.
    """
    with_cuda = torch.cuda.is_available() and dist.is_nccl_available()
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    # torchrun's own
    store = None
    if MEETING in os.environ:
        store = dist.FileStore(os.environ[MEETING], size)  # type: ignore[attr-defined]
    with gone_named():
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if with_cuda else "gloo",
            timeout=PATIENCE,
            store=store,
            rank=rank,
            world_size=size,
        )
    try:
        yield Group()
    finally:
        dist.destroy_process_group()


@contextmanager
def gone_named() -> Iterator[None]:
    """Turn what torch.distributed raises when a process has ended into WorkerGoneError."""
    try:
        yield
    except RuntimeError as error:
        raise WorkerGoneError from error
