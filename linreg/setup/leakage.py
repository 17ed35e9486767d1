"""What gives the target away, and which columns say the same: read from the moments of the rows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from linreg.fit.exact.collinearity import format_linear_combination
from linreg.fit.exact.least_squares import LeastSquares, solve
from linreg.fit.exact.moments import Moments
from linreg.fit.exact.standardize import Scaling

UNEXPLAINED = Decimal("1e-12")
"""A target of whose variance no larger part is left is given away: R² is 1 to 12 digits.

Sums of cells with a few decimals leave 1e-30, those that were rounded to six digits 1e-12.
"""
NEARLY_EQUAL = 0.9999
"""So large a correlation with the target is hardly a measurement's."""
SMALLEST_PART = 1e-9
"""What a column contributes to an exact relation is at least this part of the target's standard
deviation.
"""


@dataclass(frozen=True)
class Giveaway:
    """What the columns of a design, of a model with intercept, say about the target and about each
    other.

    minimum    the least squares solution, collinear columns dropped
    relation   the target as a combination of columns, in words, when they give it away exactly;
               else None
    columns    the columns of that relation
    singles    correlation with the target by column, where it is larger than NEARLY_EQUAL
    collinear  the relation, in words, by column that is a combination of those before it
    """

    minimum: LeastSquares
    relation: str | None
    columns: tuple[str, ...]
    singles: Mapping[str, float]
    collinear: Mapping[str, str]

    @property
    def r2(self) -> float | None:
        """R² of the least squares solution on its own rows; None for a constant target."""
        least = self.minimum
        return None if least.tss == 0 else float(1 - least.rss / least.tss)


def giveaway(moments: Moments, names: Sequence[str], scores: Scaling) -> Giveaway:
    """Find it; `scores` are the standard scores of the moments. Raises UserError like `solve`."""
    least = solve(moments, names, intercept=True, collinear="drop")
    relation: str | None = None
    columns: tuple[str, ...] = ()
    if least.df > 0 and least.tss > 0 and least.rss <= UNEXPLAINED * least.tss:
        terms = _exact_terms(least, scores)
        relation, columns = format_linear_combination(terms), tuple(name for name in terms if name)
    singles = {
        name: r
        for name, r in zip(names, correlations(moments), strict=True)
        if abs(r) > NEARLY_EQUAL
    }
    return Giveaway(least, relation, columns, singles, dict(least.dropped))


def correlations(moments: Moments) -> list[float]:
    """Return the correlation of each column with the target (M,), 0 for a constant one; in
    fractions until the end.
    """
    gram = moments.gram()
    n, y = gram[0][0], len(gram) - 1
    spread_y = gram[y][y] * n - gram[y][0] ** 2
    found = []
    for j in range(1, y):
        common = gram[y][j] * n - gram[j][0] * gram[y][0]
        squares = (gram[j][j] * n - gram[j][0] ** 2) * spread_y
        # Of a column that is constant but for the moments' last digit any number could come out.
        share = float(min(Fraction(1), common * common / squares)) if squares > 0 else 0.0
        found.append(math.sqrt(share) if common >= 0 else -math.sqrt(share))
    return found


def _exact_terms(least: LeastSquares, scores: Scaling) -> dict[str, float]:
    """Return the coefficients that matter, the constant under ''."""
    spread = scores.y_scale
    parts = zip(least.names, least.theta.tolist(), scores.x_scale.tolist(), strict=True)
    terms = {
        name: theta for name, theta, scale in parts if abs(theta) * scale > SMALLEST_PART * spread
    }
    size = spread + sum(
        abs(theta) * abs(mean) for theta, mean in zip(least.theta, scores.x_mean, strict=True)
    )
    return ({"": least.b} if abs(least.b) > SMALLEST_PART * float(size) else {}) | terms


def needs_standardizing(scores: Scaling) -> bool:
    """Whether the default learning rate asks for z-scores.

    It does not where every feature is about as one already: a standard deviation between 1/3 and 3,
    and a mean that is no further from 0 than that deviation.
    """
    columns = zip(scores.x_mean.tolist(), scores.x_scale.tolist(), strict=True)
    return not all(1 / 3 <= scale <= 3 and abs(mean) <= scale for mean, scale in columns)
