"""Influence of single rows: studentized residuals, Cook's distance, DFFITS; the largest of them."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from linreg.arrays import Floats, Mask
from linreg.evaluation.covariance.robust import LEVERAGE_TOLERANCE

NUM_ROWS = 20
"""Rows that are named, by either measure."""


class Influence(NamedTuple):
    """Of n rows, all (n,); NaN for a row that is fitted exactly, whose leverage is 1.

    internal   rᵢ = √wᵢ·(yᵢ − ỹᵢ) / (σ√(1 − hᵢ)), the internally studentized residual
    external   the same with the σ of the fit without the row, which has a t distribution with
               df − 1 degrees of freedom; NaN where df is 1
    cook       Cook's distance rᵢ²·hᵢ / (p(1 − hᵢ))
    dffits     external · √(hᵢ / (1 − hᵢ))

    R. D. Cook and S. Weisberg, Residuals and Influence in Regression, 1982; D. Belsley, E. Kuh and
    R. Welsch, Regression Diagnostics, 1980.
    """

    internal: Floats
    external: Floats
    cook: Floats
    dffits: Floats


def influence(residuals: Floats, leverages: Floats, df: int, rank: int) -> Influence:
    """Return the influence of rows (n,) of a fit, from √w·r / σ and the leverages."""
    left = np.where(leverages < 1 - LEVERAGE_TOLERANCE, 1 - leverages, np.nan)
    internal = residuals / np.sqrt(left)
    without_row = df - internal * internal
    with np.errstate(divide="ignore", invalid="ignore"):
        external = internal * np.sqrt((df - 1) / np.where(without_row > 0, without_row, np.nan))
    if df <= 1:
        external = np.full_like(internal, np.nan)
    ratio = leverages / left
    return Influence(
        internal, external, internal * internal * ratio / rank, external * np.sqrt(ratio)
    )


class NamedRow(NamedTuple):
    """A row with its measures, which JSON can hold.

    position  the number of its shard and, from 0, its own there
    values    leverage, studentized residuals, … by name
    """

    size: float
    position: tuple[int, int]
    values: dict[str, Any]


class LargestRows:
    """The NUM_ROWS rows with the largest values of a measure; of equal ones the first."""

    def __init__(self) -> None:
        self.rows: list[NamedRow] = []

    def candidates(self, sizes: Floats) -> Mask:
        """Return which of some rows (n,) may be among the largest; NaN never is."""
        known = np.nan_to_num(sizes, nan=-1.0, posinf=np.inf)
        at_least = 0.0
        if len(self.rows) == NUM_ROWS:
            at_least = self.rows[-1].size
        if len(sizes) > NUM_ROWS:
            at_least = max(at_least, float(np.partition(known, -NUM_ROWS)[-NUM_ROWS]))
        return known >= at_least

    def add(self, rows: Iterable[NamedRow]) -> None:
        """Keep the largest of the rows so far and these."""
        ordered = sorted([*self.rows, *rows], key=lambda row: (-row.size, row.position))
        self.rows = ordered[:NUM_ROWS]
