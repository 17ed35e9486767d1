"""Two ways of the compiled engine to take the same steps: from the rows, and from the moments of
the batches.

    python -m benchmarks.steps

Rows per second of one thread on rows in memory, in random order: the direct kernel; the moments,
which any number of workers share; the recurrence, which every worker does for all. From these, the
number of workers from which moments are the faster way, without what the exchange costs. Then the
cost of a step of the autograd engine, alone and with a second worker.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.compare import seconds
from benchmarks.workers import copy_of_the_pipeline
from linreg.fit.compiled import moment_steps as batch_moments
from linreg.fit.compiled import row_steps as direct_steps
from linreg.fit.compiled.permutation import permutation
from linreg.params_edit import set_values
from linreg.params_file import PARAMS_FILE
from linreg.seeds import generator

NUM_ROWS = 131_072
WINDOWS = 4
TURNS = 9
SHAPES = [(M, B) for M in (2, 8, 16, 64) for B in (32, 256, 2048)]


def main() -> None:
    """Print a line per shape."""
    for num_features, batch_size in SHAPES:
        direct, moments, recurrence = _rates(num_features, batch_size)
        from_workers = _workers_needed(direct, moments, recurrence)
        print(
            f"M={num_features} B={batch_size}: direct {direct:.2g} rows/s, moments {moments:.2g}, recurrence"
            f" {recurrence:.2g}; moments are faster from {from_workers} workers",
            flush=True,
        )
    for workers in (1, 2):
        print(
            f"autograd, B=32, 2 shards, {workers} processes: {_autograd_step(workers) * 1e6:.0f} µs a step"
        )


def _rates(num_features: int, batch_size: int) -> tuple[float, float, float]:
    draw = np.random.default_rng(1)
    Z = [
        draw.standard_normal((NUM_ROWS, num_features + 2)).astype(np.float32)
        for _ in range(WINDOWS)
    ]
    orders = [permutation(generator(1, "rows", chunk), NUM_ROWS) for chunk in range(WINDOWS)]
    num_batches = NUM_ROWS // batch_size
    rates, penalty = np.full(num_batches, 1e-4), np.zeros(num_features + 1)
    lengths = np.full(num_batches, batch_size)
    tile = direct_steps.empty_tile(batch_size, num_features + 2, np.float32)
    strips = batch_moments.empty_tile(batch_size, num_features)
    sums = np.zeros((num_batches, batch_moments.num_moments(num_features)))

    def direct() -> None:
        for rows, order in zip(Z, orders, strict=True):
            begun, state = np.zeros(num_features + 2), np.zeros((3, num_features + 1))
            direct_steps.take_steps(
                rows, order, batch_size, False, tile, begun, state, rates, 0.9, penalty, -(10**9)
            )

    def moments() -> None:
        for rows, order in zip(Z, orders, strict=True):
            sums[:] = 0.0
            batch_moments.add_moments(rows, order, batch_size, 0, strips, sums)
            batch_moments.add_rest(batch_size, NUM_ROWS, strips, sums)

    def recurrence() -> None:
        for _ in range(WINDOWS):
            state = np.zeros((3, num_features + 1))
            batch_moments.take_steps(sums, lengths, state, rates, 0.9, penalty, -(10**9))

    return _rate(direct), _rate(moments), _rate(recurrence)


def _rate(work: Callable[[], None]) -> float:
    work()
    return NUM_ROWS * WINDOWS / statistics.median(seconds(work) for _ in range(TURNS))


def _workers_needed(direct: float, moments: float, recurrence: float) -> str:
    left = 1 / direct - 1 / recurrence
    return f"{max(1, int(np.ceil(1 / moments / left)))}" if left > 0 else "no number of"


def _autograd_step(workers: int) -> float:
    """Return the seconds of a step, from the rows per second that train prints."""
    with tempfile.TemporaryDirectory() as folder:
        project = copy_of_the_pipeline(Path(folder) / "project")
        parameters = {
            "generate.rows": 100_000,
            "split.shards": 2,
            "train.epochs": 3,
            "train.engine": "autograd",
        }
        set_values(project / PARAMS_FILE, parameters)
        environment = os.environ | {"WORKERS": str(workers), "PYTHONPATH": str(project)}
        for stage in ("generate", "ingest", "split", "train"):
            command = [sys.executable, "-m", f"stages.{stage}"]
            run = subprocess.run(
                command, cwd=project, env=environment, capture_output=True, text=True, check=True
            )
    speeds = [float(speed) for speed in re.findall(r"epoch [23]: .* ([\d.e+]+) rows/s", run.stdout)]
    return 32 / statistics.median(speeds)


if __name__ == "__main__":
    main()
