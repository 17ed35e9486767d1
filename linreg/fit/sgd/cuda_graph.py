"""CUDA graph capture: a training step recorded once and replayed.

A step of a small model is about twenty kernels of a few microseconds each, and Python takes longer
to launch them than the GPU takes to run them. A captured step is one launch. The arithmetic and its
order are unchanged.
"""

from collections.abc import Callable
from typing import Protocol

from linreg.fit.sgd.batches import Batch, MicroBatch
from linreg.process.torch_setup import torch
from linreg.process.workers import Workers

Step = Callable[[Batch], torch.Tensor]
"""Takes the step of a batch and returns its loss, ()."""
WARM_UP_STEPS = 3
"""Steps before the capture. In them torch initialises its libraries and allocates the momentum,
which must not happen during a capture."""


class Capture(Protocol):
    """How the work of a function is captured."""

    def warm_up(self, function: Callable[[], torch.Tensor]) -> torch.Tensor:
        """Call a function in the way in which it will be captured."""

    def capture(
        self, function: Callable[[], torch.Tensor]
    ) -> tuple[Callable[[], None], torch.Tensor]:
        """Capture what a function does without doing it.

        Returns what replays it, and the tensor that holds the result after each replay.
        """


class CudaGraphCapture:
    """Captures the kernels that a function launches, on a side stream as torch requires."""

    def __init__(self, device: str) -> None:
        self._stream = torch.cuda.Stream(device)

    def warm_up(self, function: Callable[[], torch.Tensor]) -> torch.Tensor:
        """Call the function on the side stream."""
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            result = function()
        torch.cuda.current_stream().wait_stream(self._stream)
        return result

    def capture(
        self, function: Callable[[], torch.Tensor]
    ) -> tuple[Callable[[], None], torch.Tensor]:
        """Capture the function as a CUDA graph."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self._stream):
            result = function()
        return graph.replay, result


def capture_for(device: str, workers: Workers) -> Capture | None:
    """Return how steps are captured; None on a CPU, and where several processes exchange data."""
    return CudaGraphCapture(device) if device.startswith("cuda") and workers.size == 1 else None


class CapturedStep:
    """A training step that replays its capture for every batch of `batch_size` rows.

    Other batches, such as the last of an epoch, are trained on without it. The loss that is
    returned is overwritten by the next step.
    """

    def __init__(
        self, step: Step, optimizer: torch.optim.SGD, capture: Capture, batch_size: int
    ) -> None:
        self._step, self._capture, self._batch_size = step, capture, batch_size
        for group in optimizer.param_groups:
            # Only the fused kernel reads a learning rate, in float32, from the device.
            device = group["params"][0].device
            learning_rate = torch.tensor(group["lr"], dtype=torch.float, device=device)
            group.update(fused=True, lr=learning_rate)
        self._num_full = 0
        self._inputs: Batch | None = None

    def __call__(self, batch: Batch) -> torch.Tensor:
        """Take the step of a batch and return its loss, ()."""
        if batch.num_rows != self._batch_size:
            return self._step(batch)
        self._num_full += 1
        if self._num_full <= WARM_UP_STEPS:
            return self._capture.warm_up(lambda: self._step(batch))
        if self._inputs is None:
            self._inputs = inputs = _clone(batch)
            self._replay, self._loss = self._capture.capture(lambda: self._step(inputs))
        for captured, values in zip(_tensors(self._inputs), _tensors(batch), strict=True):
            captured.copy_(values)
        self._replay()
        return self._loss


def set_learning_rate(optimizer: torch.optim.SGD, learning_rate: float) -> None:
    """Set the learning rate of the next step, in place where a captured step reads it."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(learning_rate)
        else:
            group["lr"] = learning_rate


def _tensors(batch: Batch) -> list[torch.Tensor]:
    tensors = [tensor for _, micro_batch in batch.micro_batches for tensor in micro_batch]
    return [tensor for tensor in tensors if tensor is not None]


def _clone(batch: Batch) -> Batch:
    micro_batches = []
    for shard, (X, y, sqrt_w) in batch.micro_batches:
        weights = None if sqrt_w is None else sqrt_w.clone()
        micro_batches.append((shard, MicroBatch(X.clone(), y.clone(), weights)))
    return Batch(list(batch.lengths), micro_batches)
