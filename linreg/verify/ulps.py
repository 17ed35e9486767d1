"""Two values that differ: where they stand, and how far apart they are in steps of floating
point.
"""

import math
import struct
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np

LONGEST_VALUE = 80
_INTEGERS = {"d": "q", "f": "i", "e": "h"}


class Words(str):
    """What is said about a value, in place of the value itself."""

    __slots__ = ()


NOTHING = Words("nothing")


@dataclass(frozen=True)
class Difference:
    """Where two files differ first, and what stands there in each.

    path         the file, as a path within the folders that were compared
    where        the place in it; empty for the file as a whole
    ulps         how many steps lead from one to the other in their own type of float; None if they
                 are not floats
    same_values  every value is the same, and only how they are written differs
    """

    path: str
    where: str
    expected: object
    found: object
    ulps: int | None = None
    same_values: bool = False

    def __str__(self) -> str:
        distance = "" if self.ulps is None else f" ({_in_ulps(self.ulps)}{self._in_float32()})"
        places = [
            self.path,
            "the same values in other bytes" if self.same_values else "",
            self.where,
        ]
        place = ": ".join(each for each in places if each)
        return f"{place}: {_text(self.expected)} became {_text(self.found)}{distance}"

    def _in_float32(self) -> str:
        """A number in a text file may come from float32, where its steps are 2²⁹ times as long."""
        if not (self.ulps and type(self.expected) is type(self.found) is float):
            return ""
        with np.errstate(over="ignore", under="ignore"):
            a, b = np.float32(self.expected), np.float32(self.found)
        if (float(a), float(b)) != (self.expected, self.found):
            return ""
        return f", {_in_ulps(ulps_between(a, b) or 0)} of float32"


def between(
    path: str, where: str, expected: object, found: object, *, same_values: bool = False
) -> Difference:
    """Return the difference of two values; those of float32 or float16 come as numpy's scalars."""
    if _is_float(expected) and _is_float(found):
        # only their bits tell them apart
        if math.isnan(expected) and math.isnan(found):
            return Difference(path, where, _nan(expected), _nan(found), same_values=same_values)
        return Difference(path, where, expected, found, ulps_between(expected, found), same_values)
    return Difference(path, where, expected, found, same_values=same_values)


def ulps_between(a: float | np.floating, b: float | np.floating) -> int | None:
    """Return how many steps to the next float lead from a to b; None if one is NaN or they are of
    two types.

    −0 and 0 are the same place, and infinity comes after the largest number: the steps of IEEE's
    nextUp, as `numpy.nextafter` takes them.
    """
    if math.isnan(a) or math.isnan(b) or _code(a) != _code(b):
        return None
    return abs(_rank(a) - _rank(b))


def _rank(value: float | np.floating) -> int:
    """The place of a float among all floats of its type: 0 for zero, the bits for what is above
    it.
    """
    code = _code(value)
    (bits,) = struct.unpack(f"<{_INTEGERS[code]}", struct.pack(f"<{code}", abs(value)))
    return -int(bits) if math.copysign(1, value) < 0 else int(bits)


def _code(value: float | np.floating) -> str:
    """The type as `struct` names it: d, f or e; a Python float is a float64."""
    return value.dtype.char if isinstance(value, np.floating) else "d"


def _is_float(value: object) -> TypeGuard[float | np.floating]:
    return isinstance(value, float | np.float32 | np.float16)


def _nan(value: object) -> Words:
    bits = np.asarray(value).tobytes()[::-1].hex()
    return Words(f"nan (bits {bits})")


def _in_ulps(number: int) -> str:
    return f"{number} ulp{'s'[: number != 1]}"


def _text(value: object) -> str:
    """Floats with the fewest digits that tell them from their neighbours, text in quotes."""
    if value is None:
        text = "null"
    elif isinstance(value, Words | np.generic) or not isinstance(value, str):
        text = str(value)
    else:
        text = repr(value)
    return (
        text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}… ({len(text)} characters)"
    )
