"""The machine that the numbers were measured on."""

import importlib.metadata
import os
import platform

import numpy as np
import psutil
from numpy.typing import NDArray

from benchmarks.compare import seconds
from linreg.fit.kernels import strict
from linreg.verify.environment import cpu_name

Floats = NDArray[np.float32] | NDArray[np.float64]
LIBRARIES = ("numpy", "numba", "pyarrow", "torch", "scikit-learn", "pandas")


def description() -> str:
    """Return CPU, cores, memory and the versions of the libraries in one line."""
    memory = psutil.virtual_memory().total / 2**30
    return ", ".join(
        [
            cpu_name(),
            f"{os.cpu_count()} cores",
            f"{memory:.0f} GiB",
            f"Python {platform.python_version()}",
            *(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES),
        ]
    )


def memory_bandwidth() -> float:
    """Return the bytes per second that one thread reads: the best of five sums of 256 MB."""
    values = np.ones(1 << 26, np.float32)
    return values.nbytes / min(read_seconds(values) for _ in range(6))


def read_seconds(values: Floats) -> float:
    """Return the wall time in which one thread reads values (n,), float32 or 64, by adding them."""
    lanes = np.zeros(64, values.dtype)
    return seconds(lambda: _read(values, lanes))


@strict
def _read(values: Floats, lanes: Floats) -> None:
    for first in range(0, len(values), len(lanes)):
        part = values[first : first + len(lanes)]
        for lane in range(len(part)):
            lanes[lane] += part[lane]
