"""Two ways to do the same work, measured in turns so that both see the same load of the machine."""

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple


class Ratio(NamedTuple):
    """The time that theirs took over ours: the median and the extremes over the turns.

    work, M, against  what was done, with how many features, and what it was compared with
    ours, theirs      rows per second, by the median times
    bar               the ratio aimed at, or None
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
    """Return the seconds of each in each turn, after a first run of both that is not counted."""
    ours()
    theirs()
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
    """Summarize the seconds that `in_turns` measured for work on `num_rows` rows."""
    ours, theirs = times
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    return Ratio(
        work,
        M,
        against,
        ratio=statistics.median(ratios),
        min=min(ratios),
        max=max(ratios),
        ours=num_rows / statistics.median(ours),
        theirs=num_rows / statistics.median(theirs),
        bar=bar,
        note=note,
    )


def seconds(run: Callable[[], object]) -> float:
    """Return the wall time of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
