"""The first difference of two safetensors files."""

import json
from pathlib import Path

from safetensors import safe_open

from linreg.verify.differences.array_elements import array_difference
from linreg.verify.differences.difference import Description, Difference


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
            if difference := array_difference(name, key, a, b, "tensor"):
                return difference
        metadata = [file.metadata() or {} for file in (first, second)]
    if metadata[0] != metadata[1]:
        descriptions = [Description(json.dumps(each, sort_keys=True)) for each in metadata]
        return Difference.between(name, "metadata", *descriptions)
    return None
