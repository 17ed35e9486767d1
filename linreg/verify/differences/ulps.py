"""The distance of two floats in units in the last place."""

import math
import struct
from typing import TypeGuard

import numpy as np

Float = float | np.float32 | np.float16
_INTEGERS = {"d": "q", "f": "i", "e": "h"}
"""For each type of float in `struct`'s notation, the integer of the same width."""


def is_float(value: object) -> TypeGuard[Float]:
    """Tell whether a value is a float of 64, 32 or 16 bits."""
    return isinstance(value, Float)


def ulp_distance(a: Float, b: Float) -> int | None:
    """Return how many steps to the next float lead from a to b; None for NaN or two types.

    The steps are those of IEEE 754's nextUp, as `numpy.nextafter` takes them: −0 and 0 are the same
    number, and infinity follows the largest finite one.
    """
    if math.isnan(a) or math.isnan(b) or _type_code(a) != _type_code(b):
        return None
    return abs(_rank(a) - _rank(b))


def _rank(value: Float) -> int:
    """Return the position of a float among all floats of its type, counted from 0 at zero."""
    code = _type_code(value)
    (bits,) = struct.unpack(f"<{_INTEGERS[code]}", struct.pack(f"<{code}", abs(value)))
    return -int(bits) if math.copysign(1, value) < 0 else int(bits)


def _type_code(value: Float) -> str:
    """Return the type in `struct`'s notation: d, f or e; a Python float is a float64."""
    return value.dtype.char if isinstance(value, np.floating) else "d"
