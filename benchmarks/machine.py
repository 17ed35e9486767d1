"""What the figures were measured on."""

import importlib.metadata
import os
import platform
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from benchmarks.compare import seconds
from linreg.fit.kernels import strict

Floats = NDArray[np.float32]
LIBRARIES = ("numpy", "numba", "pyarrow", "torch", "scikit-learn", "pandas")


def description() -> str:
    """Return CPU, cores, memory and the versions of the libraries in a line."""
    cpu = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    memory = psutil.virtual_memory().total / 2**30
    return f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}, {versions}"


def memory_bandwidth() -> float:
    """Return the bytes per second that one thread reads: the best of five sums over 256 MB of
    float32.
    """
    values = np.ones(1 << 26, np.float32)
    lanes = np.zeros(64, np.float32)
    _read(values[:6400], lanes)
    return values.nbytes / min(seconds(lambda: _read(values, lanes)) for _ in range(5))


@strict
def _read(values: Floats, lanes: Floats) -> None:
    for first in range(0, len(values), len(lanes)):
        part = values[first : first + len(lanes)]
        for lane in range(len(part)):
            lanes[lane] += part[lane]
