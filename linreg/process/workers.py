"""The processes among which a stage divides its work; here the case of a single one.

`linreg.process.worker_group` has the same for one of several.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from linreg.arrays import Floats

RENDEZVOUS = "LINREG_RENDEZVOUS"
"""Environment variable with the file through which our launcher's processes find each other."""


class Workers:
    """The processes of a stage, seen from this one.

    rank  number of this process, 0 to size − 1
    size  number of processes

    What a stage divides is numbered: shards, row groups. A process owns a range of the numbers, so
    that what is gathered in the order of the ranks is in the order of the numbers, however many
    processes there are.
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank = rank
        self.size = size

    @property
    def is_first(self) -> bool:
        """Whether this is the process that prints, logs, and writes what is not divided."""
        return self.rank == 0

    def own_range(self, count: int) -> range:
        """Return those of the numbers 0 … count − 1 that this process owns; there may be none."""
        return self.range_of(self.rank, count)

    def range_of(self, rank: int, count: int) -> range:
        """Return those of the numbers 0 … count − 1 that the process `rank` owns."""
        return range(rank * count // self.size, (rank + 1) * count // self.size)

    def gather(self, value: Any) -> list[Any]:
        """Return every process's value, in the order of the ranks; a value is what JSON can hold.

        All processes must call it. Floats keep every bit, tuples become lists. Raises
        WorkerGoneError when another process has ended.
        """
        return [value]

    def gather_array(self, values: Floats) -> list[Floats]:
        """Return every process's vector, in the order of the ranks; raises like `gather`.

        values  shape (n,), where n may differ between the processes
        """
        return [values]

    def gather_arrays(self, own: Sequence[Floats]) -> list[Floats]:
        """Return the vectors of all processes, in the order of the ranks; raises like `gather`."""
        lengths = self.gather_array(np.array([len(values) for values in own], np.float64))
        parts = self.gather_array(np.concatenate([np.empty(0), *own]))
        return [
            values
            for of_rank, part in zip(lengths, parts, strict=True)
            for values in np.split(part, np.cumsum(of_rank).astype(np.int64))[: len(of_rank)]
        ]

    def concatenate(self, own: list[Any]) -> list[Any]:
        """Return the lists of all processes as one, by rank; raises like `gather`."""
        return [value for values in self.gather(own) for value in values]

    def broadcast(self, value: Any) -> Any:
        """Return the value of the first process, in every process; raises like `gather`."""
        return self.gather(value)[0]

    def barrier(self) -> None:
        """Wait until all processes have called this; raises like `gather`."""
        self.gather(None)


ALONE = Workers()


@contextmanager
def shared_folder(
    folder: Callable[[Path], AbstractContextManager[Path]], path: Path, workers: Workers
) -> Iterator[Path]:
    """Open `folder(path)` in the first process, for all to write into; all close it together."""
    if not workers.is_first:
        where = Path(workers.broadcast(None))
        yield where
        workers.barrier()
        return
    with folder(path) as opened:
        workers.broadcast(str(opened))
        yield opened
        workers.barrier()
