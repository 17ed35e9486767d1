"""Two ways to do the same work, in turns, so that both see the same moods of the machine."""

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple


class Ratio(NamedTuple):
    """How many times as long theirs took, at the median and the extremes over the turns, and rows/s
    at the medians.

    work, M, against  what was done, with how many features, and whose way it was compared with
    bar               the ratio that was aimed at, or None
    note              what a reader has to know about how theirs was run
    """

    work: str
    M: int
    against: str
    ratio: float
    min: float
    max: float
    ours: float
    theirs: float
    bar: float | None = None
    note: str = ""


def in_turns(
    ours: Callable[[], float], theirs: Callable[[], float], turns: int
) -> tuple[list[float], list[float]]:
    """Return the seconds that each took in each turn; both are run once before."""
    ours(), theirs()
    times = [(ours(), theirs()) for _ in range(turns)]
    return [each[0] for each in times], [each[1] for each in times]


def ratio_of(
    work: str,
    M: int,
    against: str,
    times: tuple[list[float], list[float]],
    num_rows: int,
    *,
    bar: float | None = None,
    note: str = "",
) -> Ratio:
    """Sum up what `in_turns` measured for work on so many rows."""
    ours, theirs = times
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    our_speed, their_speed = (
        num_rows / statistics.median(ours),
        num_rows / statistics.median(theirs),
    )
    middle = statistics.median(ratios)
    return Ratio(
        work, M, against, middle, min(ratios), max(ratios), our_speed, their_speed, bar, note
    )


def seconds(run: Callable[[], object]) -> float:
    """Return the wall time of one call."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started
