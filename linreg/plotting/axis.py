"""An axis of a plot: its range, the position of values on it, and its ticks."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from linreg.arrays import Floats
from linreg.portable_math.exponentials import log10

MAX_TICKS = 6


class Tick(NamedTuple):
    """A round value on an axis, with its text."""

    value: float
    text: str


@dataclass(frozen=True)
class Axis:
    """A range of values, low < high; on a logarithmic axis both are above 0."""

    label: str
    low: float
    high: float
    logarithmic: bool = False

    @classmethod
    def around(
        cls, label: str, values: Iterable[Any], *, logarithmic: bool = False, margin: float = 0.05
    ) -> "Axis":
        """Return an axis that holds all values that are finite (and above 0, if logarithmic).

        `margin` is the share of the range that is added at both ends of a linear axis.
        """
        known = np.array([value for value in values if value is not None], np.float64)
        known = known[np.isfinite(known) & ((known > 0) | (not logarithmic))]
        low, high = (float(known.min()), float(known.max())) if len(known) else (1.0, 1.0)
        if logarithmic:
            return cls(label, max(low / 1.25, 1e-300), min(max(high, 1e-300), 1e308) * 1.25, True)
        largest = max(abs(low), abs(high))
        with np.errstate(over="ignore"):
            is_one_value = high - low <= 1e-12 * largest
            extra = 0.05 * largest or 1.0 if is_one_value else margin * (high - low)
            wider_low, wider_high = low - extra, high + extra
        return cls(
            label,
            wider_low if np.isfinite(wider_low) else low,
            wider_high if np.isfinite(wider_high) else high,
        )

    def position(self, values: Any) -> Floats:
        """Return where values lie between low (0) and high (1).

        NaN for what a logarithmic axis cannot show.
        """
        values = np.asarray(values, np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            if self.logarithmic:
                low, high = log10(np.array([self.low, self.high]))
                exponents = log10(np.where(values > 0, values, np.nan))
                position: Floats = (exponents - low) / (high - low)
                return position
            # The difference of two float64 can be beyond float64, that of their halves cannot.
            half = self.high / 2 - self.low / 2
            return np.asarray((values / 2 - self.low / 2) / half)

    def ticks(self, most: int = MAX_TICKS) -> list[Tick]:
        """Return about as many round values with their texts."""
        if self.logarithmic:
            values = self._round_values()
            if len(values) > 1:
                every = -(-len(values) // most)
                return [Tick(value, f"{value:.10g}") for value in values[::every]]
        low, high = Decimal(self.low), Decimal(self.high)
        step = round_step(high - low, most)
        first = (low / step).to_integral_value(rounding="ROUND_CEILING")
        multiples = [(first + i) * step for i in range(most + 1)]
        return [Tick(float(value), _text(value, step)) for value in multiples if value <= high]

    def _round_values(self) -> list[float]:
        """Return the values d·10ᵉ within a logarithmic axis, with as few digits d as are enough."""
        exponents = range(Decimal(self.low).adjusted(), Decimal(self.high).adjusted() + 1)
        inside: list[float] = []
        for digits in ((1,), (1, 3), (1, 2, 5), tuple(range(1, 10))):
            values = [float(Decimal(d).scaleb(e)) for e in exponents for d in digits]
            inside = [value for value in values if self.low <= value <= self.high]
            if len(inside) > 2:
                break
        return inside


def round_step(length: Decimal, most: int) -> Decimal:
    """Return the smallest of 1, 2, 5, 10, … times a power of ten that fits at most so often."""
    unit = Decimal(1).scaleb(length.adjusted() - 1)
    factors = (1, 2, 5, 10, 20, 50, 100)
    return next(unit * k for k in factors if length / (unit * k) <= most)


def _text(value: Decimal, step: Decimal) -> str:
    """Return all digits of a tick: plain where that is short, else with an exponent."""
    if not value:
        return "0"
    if step.adjusted() > -5 and value.adjusted() < 7:
        return format(value.normalize(), "f")
    return format(value.normalize(), "e")
