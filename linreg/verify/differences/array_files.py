"""The first difference of two files of numpy: one array (.npy), or several by name (.npz)."""

from pathlib import Path

import numpy as np

from linreg.verify.differences.array_elements import Array, array_difference
from linreg.verify.differences.difference import Difference


def npy_difference(expected: Path, found: Path, name: str) -> Difference | None:
    """Return the first element whose bits differ; raises ValueError for arrays of objects."""
    first, second = (np.load(path, allow_pickle=False) for path in (expected, found))
    return array_difference(name, "", first, second)


def npz_difference(expected: Path, found: Path, name: str) -> Difference | None:
    """Return the first element whose bits differ, such as `theta[3]`, or an array on one side."""
    first, second = (_arrays(path) for path in (expected, found))
    for key in sorted(first.keys() | second.keys()):
        if difference := array_difference(name, key, first.get(key), second.get(key)):
            return difference
    return None


def _arrays(path: Path) -> dict[str, Array]:
    with np.load(path, allow_pickle=False) as file:
        return dict(file)
