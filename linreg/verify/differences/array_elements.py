"""The first element in which two arrays differ."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from linreg.verify.differences.difference import ABSENT, Description, Difference

Array = NDArray[Any]


def array_difference(
    path: str, name: str, expected: Array | None, found: Array | None, kind: str = "array"
) -> Difference | None:
    """Return the first element whose bits differ, such as `theta[3]`, in row-major order.

    name  of the array in its file; empty if it is the only one

    An array that is absent or has another type or shape is a difference too.
    """
    a, b = expected, found
    if a is None or b is None or a.shape != b.shape or a.dtype != b.dtype:
        return Difference.between(path, f"{kind} {name}".strip(), _kind(a), _kind(b))
    if (index := _first_index(a, b)) is None:
        return None
    place = f"{name}[{', '.join(map(str, index))}]" if index else name
    return Difference.between(path, place, a[index], b[index])


def _first_index(a: Array, b: Array) -> tuple[int, ...] | None:
    """Return the first index, in row-major order, where the bits of two equal shapes differ."""
    if not a.size or not a.itemsize:
        return None
    first, second = (np.ascontiguousarray(each).reshape(-1, 1).view(np.uint8) for each in (a, b))
    differing = np.flatnonzero((first != second).any(axis=1))
    if not len(differing):
        return None
    return tuple(int(i) for i in np.unravel_index(int(differing[0]), a.shape))


def _kind(array: Array | None) -> Description:
    return ABSENT if array is None else Description(f"{array.dtype}{list(array.shape)}")
