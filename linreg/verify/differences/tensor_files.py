"""The first difference of two safetensors files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from linreg.verify.differences.difference import ABSENT, Description, Difference

Array = NDArray[Any]


def tensor_difference(expected: Path, found: Path, name: str) -> Difference | None:
    """Return the first element whose bits differ, such as `theta[3]`.

    A tensor that is absent or has another type or shape is a difference too; so are the metadata
    when all tensors are the same.
    """
    with (
        safe_open(expected, framework="numpy") as first,
        safe_open(found, framework="numpy") as second,
    ):
        names = [set(file.keys()) for file in (first, second)]
        for key in sorted(names[0] | names[1]):
            a = first.get_tensor(key) if key in names[0] else None
            b = second.get_tensor(key) if key in names[1] else None
            if a is None or b is None or a.shape != b.shape or a.dtype != b.dtype:
                return Difference.between(name, f"tensor {key}", _kind(a), _kind(b))
            if (index := _first_index(a, b)) is not None:
                place = f"{key}[{', '.join(map(str, index))}]" if index else key
                return Difference.between(name, place, a[index], b[index])
        metadata = [file.metadata() or {} for file in (first, second)]
    if metadata[0] != metadata[1]:
        descriptions = [Description(json.dumps(each, sort_keys=True)) for each in metadata]
        return Difference.between(name, "metadata", *descriptions)
    return None


def _first_index(a: Array, b: Array) -> tuple[int, ...] | None:
    """Return the first index, in row-major order, where the bits of two equal shapes differ."""
    first, second = (
        np.ascontiguousarray(each).reshape(-1).view(f"u{each.itemsize}") for each in (a, b)
    )
    differing = np.flatnonzero(first != second)
    if not len(differing):
        return None
    return tuple(int(i) for i in np.unravel_index(int(differing[0]), a.shape))


def _kind(tensor: Array | None) -> Description:
    return ABSENT if tensor is None else Description(f"{tensor.dtype}{list(tensor.shape)}")
