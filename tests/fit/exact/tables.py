"""Small tables whose columns are collinear, or nearly so, as people have them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

import numpy as np

from linreg.arrays import Floats

FLOAT32, FLOAT64 = 2.0**-24, 2.0**-53
Random = np.random.Generator


@dataclass(frozen=True)
class Table:
    """X (n, M), y (n,), and the unit roundoff of the type of all columns."""

    X: Floats
    y: Floats
    roundoff: float = FLOAT64

    def in_order(self, order: list[int]) -> "Table":
        return Table(self.X[:, order], self.y, self.roundoff)


def noisy(random: Random, signal: Floats, *columns: Floats, roundoff: float = FLOAT64) -> Table:
    """A table of columns, whose target has R² of about 0.96."""
    y = signal + 0.2 * signal.std() * random.normal(size=len(signal))
    return Table(np.column_stack(columns).astype(float), y, roundoff)


def decimals(values: Floats, digits: int) -> Floats:
    """The float64 nearest to the decimals that the values have with so many digits."""
    return np.array([float(f"{value:.{digits}f}") for value in values])


def accounts(random: Random, n: int) -> Table:
    """profit = revenue − cost, in cents."""
    cost = decimals(random.uniform(9e5, 1.1e6, n), 2)
    profit = decimals(random.uniform(20, 80, n), 2)
    return noisy(random, profit, decimals(cost + profit, 2), cost, profit)


def durations(random: Random, n: int) -> Table:
    """duration = end − start, in seconds since 1970 to the millisecond."""
    start = decimals(1.7e9 + random.uniform(0, 1e5, n), 3)
    duration = decimals(random.uniform(1, 9, n), 3)
    return noisy(random, duration, start, decimals(start + duration, 3), duration)


def durations_in_milliseconds(random: Random, n: int) -> Table:
    """The same in integers, which float64 holds exactly."""
    start = np.floor(1.7e12 + random.uniform(0, 1e9, n))
    duration = np.floor(random.uniform(1e3, 9e3, n))
    return noisy(random, duration, start, start + duration, duration)


def shares(random: Random, n: int) -> Table:
    """Four shares of 100, written with two decimals."""
    parts = random.uniform(1, 5, (n, 4))
    cents = np.rint(1e4 * parts / parts.sum(axis=1, keepdims=True))
    cents[:, 3] = 1e4 - cents[:, :3].sum(axis=1)
    columns = [decimals(column / 100, 2) for column in cents.T]
    return noisy(random, columns[0], *columns)


def computed_shares(random: Random, n: int) -> Table:
    """Four shares of 100, as float64 arithmetic has them."""
    parts = random.uniform(1, 5, (n, 4))
    columns = 100 * parts / parts.sum(axis=1, keepdims=True)
    return noisy(random, columns[:, 0], *columns.T)


def temperatures(random: Random, n: int) -> Table:
    """Celsius and Fahrenheit."""
    celsius = decimals(random.normal(15, 8, n), 1)
    return noisy(random, celsius, celsius, decimals(celsius * 9 / 5 + 32, 2))


def sums_in_float32(random: Random, n: int) -> Table:
    """Two float32 columns and their sum in float32."""
    a, b = random.normal(50, 10, (2, n)).astype(np.float32)
    return noisy(random, a.astype(float), a, b, a + b, roundoff=FLOAT32)


def differences_in_float32(random: Random, n: int) -> Table:
    """Two float32 columns and their small difference."""
    a = random.uniform(9e5, 1.1e6, n).astype(np.float32)
    b = (a - random.uniform(20, 80, n)).astype(np.float32)
    difference = (a - b).astype(float)
    return noisy(random, difference, a.astype(float), b.astype(float), difference, roundoff=FLOAT32)


COLLINEAR: Mapping[str, Callable[[Random, int], Table]] = MappingProxyType(
    {
        make.__name__: make
        for make in (
            accounts,
            durations,
            durations_in_milliseconds,
            shares,
            computed_shares,
            temperatures,
            sums_in_float32,
            differences_in_float32,
        )
    }
)


def with_noise(table: Table, noise: Floats, digits: int | None = None) -> Table:
    """The table with noise on the last column, which is then not collinear."""
    X = table.X.copy()
    X[:, -1] += noise
    if digits is not None:
        X[:, -1] = decimals(X[:, -1], digits)
    return Table(X, table.y, table.roundoff)


def nearly_equal_columns(random: Random, n: int) -> Table:
    x = random.normal(size=n)
    return noisy(random, x, x, x + 1e-13 * random.normal(size=n))


def far_from_zero(random: Random, n: int) -> Table:
    x = random.normal(size=n)
    return noisy(random, x, 1e14 + x)


def large_integers(random: Random, n: int) -> Table:
    x = np.floor(random.uniform(0, 100, n))
    return noisy(random, x, 9e15 + x, random.normal(size=n))


def accounts_with_a_cent_more_or_less(random: Random, n: int) -> Table:
    return with_noise(accounts(random, n), random.integers(-1, 2, n) / 100, 2)


def durations_with_a_millisecond_more_or_less(random: Random, n: int) -> Table:
    return with_noise(durations(random, n), random.integers(-1, 2, n) / 1000, 3)


def integers_with_one_more_or_less(random: Random, n: int) -> Table:
    return with_noise(durations_in_milliseconds(random, n), random.integers(-1, 2, n).astype(float))


def shares_of_almost_100(random: Random, n: int) -> Table:
    return with_noise(computed_shares(random, n), 1e-10 * random.normal(size=n))


def noisy_sums_in_float32(random: Random, n: int) -> Table:
    table = with_noise(sums_in_float32(random, n), 1e-3 * random.normal(size=n))
    return Table(table.X.astype(np.float32).astype(float), table.y, FLOAT32)


FULL_RANK: Mapping[str, Callable[[Random, int], Table]] = MappingProxyType(
    {
        make.__name__: make
        for make in (
            nearly_equal_columns,
            far_from_zero,
            large_integers,
            accounts_with_a_cent_more_or_less,
            durations_with_a_millisecond_more_or_less,
            integers_with_one_more_or_less,
            shares_of_almost_100,
            noisy_sums_in_float32,
        )
    }
)


def nudged(table: Table, random: Random) -> Table:
    """The table with every inexact cell moved by half a unit in the last place, up or down."""

    def move(values: Floats) -> Floats:
        is_exact = (np.rint(values) == values) & (np.abs(values) <= 1 / table.roundoff)
        half_units = np.ldexp(table.roundoff, np.frexp(values)[1])
        return np.where(is_exact, values, values + half_units * random.choice([-1, 1], len(values)))

    X = np.column_stack([move(column) for column in table.X.T])
    return Table(X, move(table.y), table.roundoff)


def exact_rank(rows: list[list[Fraction]]) -> int:
    """The rank of a matrix in fractions."""
    rows = [list(row) for row in rows]
    rank = 0
    for j in range(len(rows[0])):
        pivot = next((i for i in range(rank, len(rows)) if rows[i][j]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        for row in rows[rank + 1 :]:
            factor = row[j] / rows[rank][j]
            if factor:
                row[j:] = [a - factor * b for a, b in zip(row[j:], rows[rank][j:], strict=True)]
        rank += 1
    return rank
