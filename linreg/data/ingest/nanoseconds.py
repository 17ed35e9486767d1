"""Timestamps in nanoseconds, finer than those of Python."""

from typing import NamedTuple

import pyarrow as pa


class NanosecondTime(NamedTuple):
    """A point in time; those of one column, and so of one time zone, are in order.

    since_1970  nanoseconds in UTC, or in the unknown zone of a column without one
    zone        its time zone, or None
    """

    since_1970: int
    zone: str | None

    def __str__(self) -> str:
        """Return it as Python writes a datetime, with nine digits where six are too few."""
        microseconds, rest = divmod(self.since_1970, 1000)
        time = pa.scalar(microseconds, pa.timestamp("us", self.zone)).as_py()
        if not rest:
            return str(time)
        text = time.isoformat(sep=" ", timespec="microseconds")
        length = len("1970-01-01 00:00:00.000000")
        return f"{text[:length]}{rest:03}{text[length:]}"
