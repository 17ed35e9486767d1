"""The problem for columns and target of length 1, in float64, in which coordinate descent works."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from linreg.arrays import Floats
from linreg.fit.exact.moment_sums.gram import FRACTION_BITS, Gram
from linreg.fit.exact.moment_sums.rounding import float_square_root
from linreg.fit.exact.penalized.penalty import ColumnPenalties, centered_square


@dataclass(frozen=True)
class Correlations:
    """½·βᵀRβ − rᵀβ of columns of length 1, around their means if there is an intercept.

    R        (M, M) their products, correlations with an intercept; the rows and columns of a
             constant are 0
    r        (M,) those with y
    lengths  (M,) of the columns, scaled as those of `Gram` are; 1 for a constant
    of_y     the length of y; 1 if it is constant
    """

    R: Floats
    r: Floats
    lengths: Floats
    of_y: float

    @classmethod
    def of(cls, gram: Gram, intercept: bool) -> "Correlations":
        """Round each product and each length once."""
        rows = [row[1:] for row in gram.rows[1:]]
        size = len(rows)
        sums = [row[0] if intercept else 0 for row in gram.rows[1:]]
        weight = gram.rows[0][0] if intercept else 1
        unit = Fraction(1, 2**FRACTION_BITS)
        lengths = np.zeros(size)
        for j in range(size):
            square = centered_square(gram, j + 1) if intercept else Fraction(rows[j][j])
            lengths[j] = float_square_root(square * unit) if square else 0.0
        known = np.where(lengths > 0, lengths, 1.0)
        products = np.zeros((size, size))
        for i, row in enumerate(rows):
            centered = [
                entry * weight - sums[i] * of_j for entry, of_j in zip(row, sums, strict=False)
            ]
            denominator = weight << FRACTION_BITS
            values = np.array([each / denominator for each in centered])
            products[i, : i + 1] = products[: i + 1, i] = values / known[i] / known[: i + 1]
        products[lengths == 0] = products[:, lengths == 0] = 0.0
        return cls(products[:-1, :-1], products[-1, :-1].copy(), known[:-1], float(known[-1]))

    def scaled(self, penalties: ColumnPenalties) -> tuple[Floats, Floats]:
        """Return thresholds and squares (M,) of penalties for columns of length 1."""
        thresholds = np.array([float(each) for each in penalties.thresholds])
        squares = np.array([float(each) for each in penalties.squares])
        with np.errstate(over="ignore"):
            return thresholds / self.lengths / self.of_y, squares / self.lengths / self.lengths

    @property
    def units(self) -> Floats:
        """What coefficients (M,) are multiplied by to be those of the columns of `Gram`."""
        units: Floats = self.of_y / self.lengths
        return units
