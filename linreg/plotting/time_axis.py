"""An axis of times, in seconds since 1970, with ticks where years, months, days or hours begin."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.plotting.axis import MAX_TICKS, Axis, Tick

Times = NDArray[np.datetime64]
STEPS = (
    *(("Y", n) for n in (1000, 500, 200, 100, 50, 20, 10, 5, 2, 1)),
    *(("M", n) for n in (6, 3, 2, 1)),
    *(("D", n) for n in (14, 7, 4, 2, 1)),
    *(("h", n) for n in (12, 6, 3, 2, 1)),
    *(("m", n) for n in (30, 10, 5, 2, 1)),
    *(("s", n) for n in (30, 10, 5, 2, 1)),
)
"""Units with how many of them lie between two ticks, the longest first."""


def seconds_of(times: list[Any]) -> Floats | None:
    """Return ISO texts (n,) as seconds since 1970, NaN for None; None if they are not all times."""
    try:
        exact = np.array([time if time is None else str(time) for time in times], "datetime64[us]")
    except ValueError:
        return None
    seconds: Floats = exact.astype(np.int64) / 1e6
    return np.where(np.isnat(exact), np.nan, seconds)


@dataclass(frozen=True)
class TimeAxis(Axis):
    """An axis whose values are seconds since 1970."""

    def ticks(self, most: int = MAX_TICKS) -> list[Tick]:
        """Return at most so many times, all of the same unit; numbers for less than a second."""
        found = None
        for unit, step in STEPS:
            ticks = list(_multiples(self.low, self.high, unit, step))
            if len(ticks) > most:
                break
            if len(ticks) > 1:
                found = ticks
        return found or super().ticks(most)


def _multiples(low: float, high: float, unit: str, step: int) -> Iterator[Tick]:
    """Yield the times within a range that are whole multiples of a step."""
    first, last = (
        int(np.datetime64(int(end), "s").astype(f"datetime64[{unit}]").astype(np.int64))
        for end in (low, high)
    )
    # Years count from 1970 in numpy, and a round one is to be a multiple.
    origin = 1970 if unit == "Y" else 0
    if (last - first) // step > 10 * MAX_TICKS:
        yield from (Tick(low, "") for _ in range(2 * MAX_TICKS))
        return
    start = -(-(first + origin) // step) * step - origin
    for number in range(start, last + 1, step):
        time = np.int64(number).astype(f"datetime64[{unit}]")
        value = float(time.astype("datetime64[s]").astype(np.int64))
        if low <= value <= high:
            yield Tick(value, _text(time, unit))


def _text(time: np.datetime64, unit: str) -> str:
    text = str(time)
    # 2024-03-14T15 without its minutes does not read as a time of day.
    return {"h": f"{text[5:10]} {text[11:]}:00", "m": text[11:], "s": text[11:]}.get(unit, text)
