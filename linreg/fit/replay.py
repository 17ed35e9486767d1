"""Steps on a GPU, recorded once and replayed: a CUDA graph.

A step of a small model is some twenty kernels of microseconds each, and Python needs longer to launch them than the
GPU to run them. Recorded, all are one launch. The arithmetic and its order stay as they are.
"""

from collections.abc import Callable, Sequence

from linreg.fit.shuffle import Batch, Piece
from linreg.strict_torch import torch
from linreg.workers.one import Workers

Step = Callable[[Batch], torch.Tensor]
"""Takes the step of a batch and returns its loss, a tensor without dimensions."""
Recorder = Callable[[Callable[[], torch.Tensor]], tuple[Callable[[], None], torch.Tensor]]
"""Records what a function does on the device, without doing it; returns what does it, and where its result will be."""

WARM_UP = 3
"""Steps before the recording: in them torch sets up its libraries and the momentum, which a recording must not."""


def recorder_for(device: str, workers: Workers) -> Recorder | None:
    """Return how steps are recorded: on a GPU that no other process has a part in, else not at all."""
    return cuda_graph if device.startswith("cuda") and workers.size == 1 else None


def cuda_graph(function: Callable[[], torch.Tensor]) -> tuple[Callable[[], None], torch.Tensor]:
    """Record the kernels that a function launches."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = function()
    return graph.replay, result


class Replayed:
    """A step that replays its recording for every batch of the shape that the first one had.

    Others, such as the last of an epoch, are taken as they are. The loss that is returned is overwritten by the next
    step.
    """

    def __init__(self, step: Step, record: Recorder) -> None:
        self._step, self._record = step, record
        self._num_taken = 0
        self._shapes: list[torch.Size] = []
        self._inputs: Batch | None = None

    def __call__(self, batch: Batch) -> torch.Tensor:
        """Take the step of a batch."""
        tensors = _tensors(batch)
        shapes = [each.shape for each in tensors]
        self._shapes = self._shapes or shapes
        if shapes != self._shapes:
            return self._step(batch)
        self._num_taken += 1
        if self._num_taken <= WARM_UP:
            return self._step(batch)
        if self._inputs is None:
            self._inputs = inputs = _copied(batch)
            self._replay, self._loss = self._record(lambda: self._step(inputs))
        for place, values in zip(_tensors(self._inputs), tensors, strict=True):
            place.copy_(values)
        self._replay()
        return self._loss


def _tensors(batch: Batch) -> Sequence[torch.Tensor]:
    return [tensor for _, piece in batch.pieces for tensor in piece if tensor is not None]


def _copied(batch: Batch) -> Batch:
    pieces = [
        (shard, Piece(*(None if each is None else each.clone() for each in piece)))  # type: ignore[arg-type]
        for shard, piece in batch.pieces
    ]
    return Batch(list(batch.lengths), pieces)
