"""The first difference of two files of numpy: one array (.npy), or several by name (.npz)."""

import zipfile
from pathlib import Path
from typing import IO

from numpy.lib.format import read_array

from linreg.verify.differences.array_elements import Array, array_difference
from linreg.verify.differences.difference import Difference


def npy_difference(expected: Path, found: Path, name: str) -> Difference | None:
    """Return the first element whose bits differ; raises ValueError for arrays of objects."""
    with expected.open("rb") as of_expected, found.open("rb") as of_found:
        return array_difference(name, "", _array(of_expected), _array(of_found))


def npz_difference(expected: Path, found: Path, name: str) -> Difference | None:
    """Return the first element whose bits differ, such as `theta[3]`, or an array on one side."""
    first, second = (_arrays(path) for path in (expected, found))
    for key in sorted(first.keys() | second.keys()):
        if difference := array_difference(name, key, first.get(key), second.get(key)):
            return difference
    return None


def _arrays(path: Path) -> dict[str, Array]:
    arrays = {}
    with zipfile.ZipFile(path) as file:
        for member in file.namelist():
            with file.open(member) as content:
                arrays[member.removesuffix(".npy")] = _array(content)
    return arrays


def _array(content: IO[bytes]) -> Array:
    # By default it refuses arrays of Python's objects, with a ValueError.
    found: Array = read_array(content)
    return found
