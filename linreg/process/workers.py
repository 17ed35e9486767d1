"""The process that does a stage's work alone; `linreg.process.worker_group` has the same for one of
several.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MEETING = "LINREG_MEETING"
"""Environment variable with the file through which our launcher's processes find each other."""


class Workers:
    """The processes among which a stage divides its work, seen from this one.

    rank  number of this process, 0 to size − 1
    size  number of processes

    What a stage divides is numbered: shards, row groups. A process owns a range of the numbers, so
    that what is gathered in the order of the ranks is in the order of the numbers, however many
    processes there are.
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size

    @property
    def first(self) -> bool:
        """Whether this is the process that speaks for all: prints, logs, and writes what is not
        divided.
        """
        return self.rank == 0

    def mine(self, count: int) -> range:
        """Return those of the numbers 0 … count − 1 that are this process's; none where there are
        too few.
        """
        return self.range_of(self.rank, count)

    def range_of(self, rank: int, count: int) -> range:
        """Return those of the numbers 0 … count − 1 that belong to the process `rank`."""
        return range(rank * count // self.size, (rank + 1) * count // self.size)

    def gather(self, value: Any) -> list[Any]:
        """Return every process's value, in the order of the ranks; a value is anything that JSON
        can hold.

        All processes must call it. Floats keep every bit, tuples become lists. Raises
        WorkerGoneError when another process has ended.
        """
        return [value]

    def gather_array(self, values: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Return every process's values, of any length (n,), in the order of the ranks; raises like
        `gather`.
        """
        return [values]

    def gather_all(self, own: list[Any]) -> list[Any]:
        """Return the values of all numbers, where each process brings those of its own; raises like
        `gather`.
        """
        return [value for part in self.gather(own) for value in part]

    def from_first(self, value: Any) -> Any:
        """Return the value of the first process, whatever the others have; raises like `gather`."""
        return self.gather(value)[0]

    def wait(self) -> None:
        """Wait until all processes have come here; raises like `gather`."""
        self.gather(None)


ALONE = Workers()


@contextmanager
def shared(
    folder: Callable[[Path], AbstractContextManager[Path]], path: Path, workers: Workers
) -> Iterator[Path]:
    """Open a folder as `folder(path)` does, in the first process, for all to write into; it ends
    when all are done.
    """
    if not workers.first:
        where = Path(workers.from_first(None))
        yield where
        workers.wait()
        return
    with folder(path) as opened:
        workers.from_first(str(opened))
        yield opened
        workers.wait()
