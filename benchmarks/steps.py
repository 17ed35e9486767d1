"""The two ways of the compiled engine to compute the same steps: from rows, and from moments.

    python -m benchmarks.steps

Prints rows per second of one thread on rows in memory, in random order: of steps from rows; of the
moments of batches, which the workers share; and of steps from moments, which every worker computes
for all of them. From these follows the number of workers from which moments are faster, without the
time of their exchange. Then, for wide models, how long the steps from rows take beside a pure read
of the same rows, and the time of a step of the autograd engine with one and two workers.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.compare import seconds
from benchmarks.machine import read_seconds
from benchmarks.workers import copy_of_the_pipeline
from linreg.fit.compiled import moment_steps, row_steps
from linreg.fit.compiled.augmented_rows import Augmented, RowIndices
from linreg.fit.compiled.gradient_sums import empty_sums
from linreg.fit.compiled.permutation import permutation
from linreg.params.edit import set_values
from linreg.params.file import PARAMS_FILE
from linreg.seeds import generator

NUM_ROWS = 131_072
CHUNKS = 4
TURNS = 9
NEVER_AVERAGED = -(10**9)
"""The number of steps averaged so far, so low that averaging never begins."""
SHAPES = [(M, B) for M in (2, 8, 16, 64) for B in (32, 256, 2048)]

WIDE_SHAPES = [(M, B) for M in (16, 64, 128) for B in (32, 256)]
BYTES = 128 << 20
"""Rows that are too many for any cache."""
CACHED_ROWS = 64


def main() -> None:
    """Print a line for each shape."""
    for num_features, batch_size in SHAPES:
        from_rows, moments, from_moments = _speeds(num_features, batch_size)
        workers_needed = _workers_needed(from_rows, moments, from_moments)
        print(
            f"M={num_features} B={batch_size}: steps from rows {from_rows:.2g} rows/s, "
            f"moments {moments:.2g}, steps from moments {from_moments:.2g}; "
            f"moments are faster from {workers_needed} workers",
            flush=True,
        )
    for num_features, batch_size in WIDE_SHAPES:
        for dtype in (np.float32, np.float64):
            cached, in_order, shuffled = _times_a_read(num_features, batch_size, dtype)
            print(
                f"M={num_features} B={batch_size} {dtype.__name__}: {cached:.3g} GFlop/s in the "
                f"cache, {in_order:.2g} times as long as a read with rows in their order, "
                f"{shuffled:.2g} in a random order",
                flush=True,
            )
    for workers in (1, 2):
        microseconds = _autograd_step(workers) * 1e6
        print(f"autograd, B=32, 2 shards, {workers} processes: {microseconds:.0f} µs per step")


def _speeds(num_features: int, batch_size: int) -> tuple[float, float, float]:
    """Return the rows per second of steps from rows, of moments, and of steps from moments."""
    random = np.random.default_rng(1)
    shape = (NUM_ROWS, num_features + 2)
    Z = [random.standard_normal(shape).astype(np.float32) for _ in range(CHUNKS)]
    orders = [permutation(generator(1, "rows", chunk), NUM_ROWS) for chunk in range(CHUNKS)]
    num_batches = NUM_ROWS // batch_size
    rates = np.full(num_batches, 1e-4)
    penalty = np.zeros(num_features + 1)
    lengths = np.full(num_batches, batch_size)
    moment_tile = moment_steps.empty_tile(batch_size, num_features)
    sums = np.zeros((num_batches, moment_steps.num_moments(num_features)))
    update = (rates, 0.9, penalty, NEVER_AVERAGED)

    def from_rows() -> None:
        for rows, order in zip(Z, orders, strict=True):
            _take_steps(rows, order, batch_size)

    def moments() -> None:
        for rows, order in zip(Z, orders, strict=True):
            sums[:] = 0.0
            moment_steps.add_moments(rows, order, batch_size, 0, moment_tile, sums)
            moment_steps.add_rest(batch_size, NUM_ROWS, moment_tile, sums)

    def from_moments() -> None:
        for _ in range(CHUNKS):
            moment_steps.take_steps(sums, lengths, np.zeros((3, num_features + 1)), *update)

    return _speed(from_rows), _speed(moments), _speed(from_moments)


def _take_steps(Z: Augmented, order: RowIndices, batch_size: int) -> None:
    """Take the steps of all full batches."""
    num_parameters = Z.shape[1] - 1
    row_steps.take_steps(
        Z,
        order,
        batch_size,
        False,
        *empty_sums(num_parameters + 1),
        np.zeros(num_parameters + 1),
        np.zeros((3, num_parameters)),
        np.full(len(order) // batch_size, 1e-4),
        0.9,
        np.zeros(num_parameters),
        NEVER_AVERAGED,
    )


def _times_a_read(
    num_features: int, batch_size: int, dtype: type[np.float32] | type[np.float64]
) -> tuple[float, float, float]:
    """Return the best GFlop/s on a few rows, and how many times as long as a read an epoch takes.

    The latter on rows beyond the cache in their order, and in a random one whose drawing is not
    counted: medians over the turns.
    """
    num_columns = num_features + 2
    num_rows = BYTES // (num_columns * np.dtype(dtype).itemsize)
    chunks = -(-num_rows // NUM_ROWS)
    random = np.random.default_rng(1)
    drawn: list[Any] = [random.standard_normal((NUM_ROWS, num_columns)) for _ in range(chunks)]
    Z: list[Augmented] = [rows.astype(dtype) for rows in drawn]
    orders = [permutation(generator(1, "rows", chunk), NUM_ROWS) for chunk in range(chunks)]
    in_order = np.arange(NUM_ROWS)
    few, many_times = Z[0][:CACHED_ROWS].copy(), in_order % CACHED_ROWS

    def epoch(orders: Sequence[RowIndices]) -> float:
        def take_all() -> None:
            for rows, order in zip(Z, orders, strict=True):
                _take_steps(rows, order, batch_size)

        return seconds(take_all)

    def turn() -> tuple[float, float, float]:
        read = sum(read_seconds(rows.ravel()) for rows in Z)
        cached = seconds(lambda: _take_steps(few, many_times, batch_size))
        gigaflops = 4e-9 * (num_features + 1) * NUM_ROWS / cached
        return gigaflops, epoch([in_order] * chunks) / read, epoch(orders) / read

    turn()
    cached, ordered, shuffled = zip(*(turn() for _ in range(TURNS)), strict=True)
    return max(cached), statistics.median(ordered), statistics.median(shuffled)


def _speed(work: Callable[[], None]) -> float:
    work()
    return NUM_ROWS * CHUNKS / statistics.median(seconds(work) for _ in range(TURNS))


def _workers_needed(from_rows: float, moments: float, from_moments: float) -> str:
    seconds_left = 1 / from_rows - 1 / from_moments
    if seconds_left <= 0:
        return "no number of"
    return str(max(1, int(np.ceil(1 / moments / seconds_left))))


def _autograd_step(workers: int) -> float:
    """Return the seconds per step, from the rows per second that train prints."""
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
