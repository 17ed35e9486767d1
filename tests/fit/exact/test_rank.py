"""Collinear to the precision of the cells, or not: on tables as people have them."""

import itertools
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from linreg.errors import UserError
from linreg.fit.exact.least_squares import LeastSquares
from tests.fit.exact.fits import exact_minimum, fit
from tests.fit.exact.tables import COLLINEAR, FULL_RANK, Table, exact_rank, nudged

Kinds = Mapping[str, Callable[[np.random.Generator, int], Table]]
SEEDS = [
    pytest.param(range(4), id="4"),
    pytest.param(range(4, 25), id="25", marks=pytest.mark.slow),
]
"""Of tables of eight kinds each: 25 of a kind are 200 collinear tables, and 200 of full rank."""


def fitted(table: Table, **options: Any) -> LeastSquares:
    roundoffs = np.full(table.X.shape[1] + 1, table.roundoff)
    return fit(table.X, table.y, roundoffs=roundoffs, **options)


def drawn(kinds: Kinds, kind: str, seed: int) -> tuple[Table, np.random.Generator]:
    random = np.random.default_rng([seed, *kind.encode()])
    return kinds[kind](random, int(random.integers(30, 201))), random


def relative_errors(table: Table, found: LeastSquares) -> list[float]:
    """Of the coefficients, against those in fractions."""
    theta, b = exact_minimum(table.X, table.y)
    pairs = zip([found.b, *found.theta.tolist()], [b, *theta], strict=True)
    return [float(abs(Fraction(ours) / exact - 1)) for ours, exact in pairs]


@pytest.mark.parametrize("seeds", SEEDS)
@pytest.mark.parametrize("kind", COLLINEAR)
def test_of_collinear_columns_one_is_dropped_if_asked_for(kind: str, seeds: range) -> None:
    for seed in seeds:
        table, random = drawn(COLLINEAR, kind, seed)
        num_columns = table.X.shape[1]
        table = table.in_order(random.permutation(num_columns).tolist())
        # The prediction is that of the others.
        found = fitted(table, collinear="drop")
        assert found.rank == num_columns
        without = Table(table.X[:, found.kept[1:]], table.y, table.roundoff)
        assert [found.b, *found.theta[found.kept[1:]]] == [
            fitted(without).b,
            *fitted(without).theta,
        ]


@pytest.mark.parametrize("seeds", SEEDS)
@pytest.mark.parametrize("kind", COLLINEAR)
def test_collinear_columns_are_refused_in_every_order(kind: str, seeds: range) -> None:
    for seed in seeds:
        table, _ = drawn(COLLINEAR, kind, seed)
        for order in itertools.permutations(range(table.X.shape[1])):
            with pytest.raises(UserError, match="collinear"):
                fitted(table.in_order(list(order)))


@pytest.mark.parametrize("kind", ["accounts", "durations", "durations_in_milliseconds", "shares"])
def test_the_decimals_as_written_are_collinear_indeed(kind: str) -> None:
    table, _ = drawn(COLLINEAR, kind, 0)
    rows = [[Fraction(1), *(Fraction(repr(cell)) for cell in row)] for row in table.X.tolist()]
    assert exact_rank(rows) == table.X.shape[1]


@pytest.mark.parametrize("seeds", SEEDS)
@pytest.mark.parametrize("kind", FULL_RANK)
def test_columns_that_differ_by_more_than_rounding_are_not_refused(kind: str, seeds: range) -> None:
    """Measured: errors of 5e-14 at most, of a coefficient of 5 % of its standard error."""
    for seed in seeds:
        table, random = drawn(FULL_RANK, kind, seed)
        table = table.in_order(random.permutation(table.X.shape[1]).tolist())
        found = fitted(table)
        assert found.rank == table.X.shape[1] + 1
        assert found.digits >= 13
        assert max(relative_errors(table, found)) < 1e-12


@pytest.mark.parametrize("seeds", SEEDS)
@pytest.mark.parametrize("kind", FULL_RANK)
def test_half_a_unit_in_the_last_place_moves_no_coefficient_by_its_standard_error(
    kind: str, seeds: range
) -> None:
    for seed in seeds:
        table, random = drawn(FULL_RANK, kind, seed)
        found, moved = fitted(table), fitted(nudged(table, random))
        difference = np.abs([moved.b - found.b, *(moved.theta - found.theta)])
        assert (difference < found.standard_errors).all()


@pytest.mark.parametrize("kind", [*COLLINEAR, *FULL_RANK])
def test_one_pass_has_the_digits_that_it_claims(kind: str) -> None:
    """Errors of a second pass, from fractions, are within the bounds of the first."""
    kinds = {**COLLINEAR, **FULL_RANK}
    for seed in range(3):
        table, _ = drawn(kinds, kind, seed)
        roundoffs = np.full(table.X.shape[1] + 1, table.roundoff)
        first = fit(table.X, table.y, roundoffs=roundoffs, passes=1, collinear="drop")
        kept = first.kept
        theta, b = exact_minimum(table.X[:, kept[1:]], table.y)
        exact = np.array([float(value) for value in [b, *theta]])
        errors = np.abs(np.array([first.b, *first.theta])[kept] - exact)
        scale = np.fmax(np.abs(exact), first.standard_errors[kept])
        # What rounding to float64 adds.
        assert (errors <= (first.relative_errors[kept] + 2.0**-52) * scale).all()
