"""The first difference of two images, pixel by pixel, where Pillow is installed."""

from pathlib import Path
from typing import Any

import numpy as np

from linreg.verify.differences.difference import ABSENT, Description, Difference

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


def image_difference(expected: Path, found: Path, name: str) -> Difference | None:
    """Return the first pixel that differs, by rows from the top left, or the size, mode or a text.

    Of an animation, the first picture is compared. Raises ValueError for what Pillow cannot read,
    and where it is not installed.
    """
    try:
        from PIL import Image
    except ImportError:
        raise ValueError("Pillow is not installed") from None
    try:
        with Image.open(expected) as first, Image.open(found) as second:
            return _difference(first, second, name)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(str(error)) from None


def _difference(first: Any, second: Any, name: str) -> Difference | None:
    sizes = [Description("×".join(map(str, each.size))) for each in (first, second)]
    if sizes[0] != sizes[1]:
        return Difference.between(name, "size", *sizes)
    if first.mode != second.mode:
        modes = (Description(each.mode) for each in (first, second))
        return Difference.between(name, "mode", *modes)
    a, b = (np.asarray(each) for each in (first, second))
    differing = (a != b).reshape(*a.shape[:2], -1).any(axis=2)
    if differing.any():
        y, x = (int(i) for i in np.unravel_index(int(differing.argmax()), differing.shape))
        place = f"pixel x={x}, y={y} ({int(differing.sum())} of {differing.size} differ)"
        return Difference.between(name, place, _pixel(a[y, x]), _pixel(b[y, x]))
    return _text_difference(first.info, second.info, name)


def _pixel(values: Any) -> Description:
    return Description(", ".join(map(str, np.atleast_1d(values).tolist())))


def _text_difference(first: dict[Any, Any], second: dict[Any, Any], name: str) -> Difference | None:
    """Return what the files say about the picture, such as the program that has drawn it."""
    a, b = ({str(key): str(value) for key, value in each.items()} for each in (first, second))
    for key in sorted(a.keys() | b.keys()):
        if a.get(key) != b.get(key):
            values = (Description(each[key]) if key in each else ABSENT for each in (a, b))
            return Difference.between(name, f"text {key}", *values, same_values=True)
    return None
