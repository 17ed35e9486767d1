"""Run a stage and print the seconds from when all its processes are there until all are done.

    python -m benchmarks.timed_stage split          in the folder of a pipeline; also under torchrun

Importing Python's libraries is left out, and the process that sends the run to MLflow is not
started: it takes some seconds of one core, whatever the size of the table.
"""

import importlib
import os
import sys
import time

from linreg.process.workers import Workers
from linreg.tracking.journal.run import Run


def main() -> None:
    """Time the stage's own main function, without what starts it."""
    stage = importlib.import_module(f"stages.{sys.argv[1]}").main.__wrapped__
    Run.start_sender = lambda run: None  # type: ignore[method-assign]  # noqa: ARG005
    Run.flush = lambda run, timeout: 0  # type: ignore[method-assign]  # noqa: ARG005
    if "RANK" not in os.environ:
        _time(stage, Workers())
        return
    from linreg.process.worker_group import process_group

    with process_group() as group:
        _time(stage, group)


def _time(stage: object, workers: Workers) -> None:
    assert callable(stage)
    workers.barrier()
    started = time.perf_counter()
    stage(workers)
    workers.barrier()
    if workers.first:
        print("seconds:", time.perf_counter() - started)


if __name__ == "__main__":
    main()
