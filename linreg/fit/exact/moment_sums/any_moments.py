"""Moments of a design matrix, whether it is compact or not."""

from typing import TypeAlias

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import Layout
from linreg.fit.exact.moment_sums.level_moments import LevelMoments
from linreg.fit.exact.moment_sums.moments import Moments

AnyMoments: TypeAlias = Moments | LevelMoments


def no_moments(
    layout: Layout, expected_rows: int = 0, roundoffs: Floats | None = None
) -> AnyMoments:
    """Return the moments of no rows; other arguments as in `Moments.zero`."""
    if layout.categories:
        return LevelMoments(layout, expected_rows, roundoffs)
    return Moments.zero(layout.num_features, expected_rows, roundoffs, layout.monomials)


def moments_from_array(layout: Layout, values: Floats) -> AnyMoments:
    """Return the moments that `as_array` was called on; further rows start a new count."""
    if layout.categories:
        return LevelMoments.from_array(layout, values)
    return Moments.from_array(layout.num_features, values, layout.monomials)


def merged(first: AnyMoments, second: AnyMoments) -> AnyMoments:
    """Return the moments of the rows of both, which have the same layout."""
    if isinstance(first, LevelMoments):
        assert isinstance(second, LevelMoments)
        return first.merged(second)
    assert isinstance(second, Moments)
    return first.merged(second)
