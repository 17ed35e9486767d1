"""Run a stage, and print the seconds from when all its processes have started until all end.

    python -m benchmarks.timed_stage split          in the folder of a pipeline; also under torchrun

The time excludes imports, and no process is started that sends the run to MLflow: it takes some
seconds of one core, whatever the size of the table.
"""

import importlib
import os
import sys
import time
from collections.abc import Callable

from linreg.process.workers import Workers
from linreg.tracking.journal.sender_process import SYNC


def main() -> None:
    """Time the stage's own main function."""
    os.environ[SYNC] = "later"
    stage = importlib.import_module(f"stages.{sys.argv[1]}").main.__wrapped__
    if "RANK" not in os.environ:
        _time(stage, Workers())
        return
    # Imported here because it imports torch, which takes seconds.
    from linreg.process.worker_group import process_group

    with process_group() as group:
        _time(stage, group)


def _time(stage: Callable[[Workers], None], workers: Workers) -> None:
    workers.barrier()
    start = time.perf_counter()
    stage(workers)
    workers.barrier()
    if workers.is_first:
        print("seconds:", time.perf_counter() - start)


if __name__ == "__main__":
    main()
