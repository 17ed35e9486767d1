"""Steps on a GPU, recorded once and replayed: a CUDA graph.

A step of a small model is some twenty kernels of microseconds each, and Python needs longer to
launch them than the GPU to run them. Recorded, all are one launch. The arithmetic and its order
stay as they are.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from linreg.fit.sgd.batches import Batch, MicroBatch
from linreg.process.torch_setup import torch
from linreg.process.workers import Workers

Step = Callable[[Batch], torch.Tensor]
"""Takes the step of a batch and returns its loss, a tensor without dimensions."""
WARM_UP = 3
"""Steps before the recording: in them torch sets up its libraries and the momentum, which a
recording must not.
"""


class Recorder(Protocol):
    """How the work of a function on a device is recorded."""

    def warm_up(self, function: Callable[[], torch.Tensor]) -> torch.Tensor:
        """Call a function as it will be recorded."""

    def record(
        self, function: Callable[[], torch.Tensor]
    ) -> tuple[Callable[[], None], torch.Tensor]:
        """Record what a function does, without doing it; returns what does it, and where its result
        will be.
        """


class CudaGraph:
    """Records the kernels that a function launches, on a stream beside the usual one, as torch
    wants it.
    """

    def __init__(self, device: str) -> None:
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def warm_up(self, function: Callable[[], torch.Tensor]) -> torch.Tensor:  # noqa: D102 - as in Recorder
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            result = function()
        torch.cuda.current_stream().wait_stream(self._stream)
        return result

    def record(
        self, function: Callable[[], torch.Tensor]
    ) -> tuple[Callable[[], None], torch.Tensor]:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self._stream):
            result = function()
        return graph.replay, result


def recorder_for(device: str, workers: Workers) -> Recorder | None:
    """Return how steps are recorded: on a GPU that no other process has a part in, else not at
    all.
    """
    return CudaGraph(device) if device.startswith("cuda") and workers.size == 1 else None


class Replayed:
    """A step that replays its recording for every batch of `num_rows` rows.

    Others, such as the last of an epoch, are taken as they are. The loss that is returned is
    overwritten by the next step.
    """

    def __init__(
        self, step: Step, optimizer: torch.optim.SGD, recorder: Recorder, num_rows: int
    ) -> None:
        self._step, self._recorder, self._num_rows = step, recorder, num_rows
        for group in (
            optimizer.param_groups
            # a rate on the device, in float32, is what this kernel alone can read
        ):
            device = group["params"][0].device
            group.update(fused=True, lr=torch.tensor(group["lr"], dtype=torch.float, device=device))
        self._num_taken = 0
        self._inputs: Batch | None = None

    def __call__(self, batch: Batch) -> torch.Tensor:
        """Take the step of a batch."""
        if batch.num_rows != self._num_rows:
            return self._step(batch)
        self._num_taken += 1
        if self._num_taken <= WARM_UP:
            return self._recorder.warm_up(lambda: self._step(batch))
        if self._inputs is None:
            self._inputs = inputs = _copied(batch)
            self._replay, self._loss = self._recorder.record(lambda: self._step(inputs))
        for place, values in zip(_tensors(self._inputs), _tensors(batch), strict=True):
            place.copy_(values)
        self._replay()
        return self._loss


def set_rate(optimizer: torch.optim.SGD, rate: float) -> None:
    """Set the learning rate of the next step, where a recording finds it if there is one."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def _tensors(batch: Batch) -> Sequence[torch.Tensor]:
    return [tensor for _, piece in batch.pieces for tensor in piece if tensor is not None]


def _copied(batch: Batch) -> Batch:
    pieces = [
        (shard, MicroBatch(*(None if each is None else each.clone() for each in piece)))  # type: ignore[arg-type]
        for shard, piece in batch.pieces
    ]
    return Batch(list(batch.lengths), pieces)
