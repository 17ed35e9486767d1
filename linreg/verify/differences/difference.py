"""Two values that differ: where they are, and how far apart."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from linreg.verify.differences.ulps import is_float, ulp_distance

LONGEST_VALUE = 80


class Description(str):
    """A description of what was found, as opposed to a value that is text."""

    __slots__ = ()


ABSENT = Description("absent")


@dataclass(frozen=True)
class Difference:
    """The first place in which two files differ, and the value of each there.

    path         the file, as a path within the folders that were compared
    where        the place in it; empty for the file as a whole
    ulps         the distance of two floats of the same type; None for other values
    same_values  all values are equal, and only their encoding differs
    """

    path: str
    where: str
    expected: object
    found: object
    ulps: int | None = None
    same_values: bool = False

    @classmethod
    def between(
        cls, path: str, where: str, expected: object, found: object, *, same_values: bool = False
    ) -> Self:
        """Return the difference of two values; floats of 32 and 16 bits come as numpy's scalars."""
        ulps = None
        if is_float(expected) and is_float(found):
            ulps = ulp_distance(expected, found)
            if math.isnan(expected) and math.isnan(found):
                # Only their bits tell two NaNs apart.
                expected, found = _nan_with_bits(expected), _nan_with_bits(found)
        return cls(path, where, expected, found, ulps, same_values)

    def __str__(self) -> str:
        encoding = "same values, encoded differently" if self.same_values else ""
        place = ": ".join(part for part in (self.path, encoding, self.where) if part)
        distance = "" if self.ulps is None else f" ({_in_ulps(self.ulps)}{self._in_float32()})"
        return f"{place}: {_as_text(self.expected)} became {_as_text(self.found)}{distance}"

    def _in_float32(self) -> str:
        """Return the distance in float32, if both numbers of a text file are exact in it.

        A number that was computed in float32 is printed with all digits of its float64, in which
        the smallest step of float32 is 2²⁹ ulps.
        """
        if not (self.ulps and type(self.expected) is type(self.found) is float):
            return ""
        with np.errstate(over="ignore", under="ignore"):
            a, b = np.float32(self.expected), np.float32(self.found)
        if (float(a), float(b)) != (self.expected, self.found):
            return ""
        return f", {_in_ulps(ulp_distance(a, b) or 0)} of float32"


def _nan_with_bits(value: object) -> Description:
    bits = np.asarray(value).tobytes()[::-1].hex()
    return Description(f"nan (bits {bits})")


def _in_ulps(number: int) -> str:
    return f"{number} ulp{'s'[: number != 1]}"


def _as_text(value: object) -> str:
    """Return floats with the fewest digits that identify them, and text in quotes."""
    if value is None:
        text = "null"
    elif isinstance(value, str) and not isinstance(value, Description | np.generic):
        text = repr(value)
    else:
        text = str(value)
    too_long = len(text) > LONGEST_VALUE
    return f"{text[:LONGEST_VALUE]}… ({len(text)} characters)" if too_long else text
