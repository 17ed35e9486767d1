"""The one table that every dialect writes, and what each of its cells is.

Numbers are decimals, so that what a reader has to return is known to the last digit.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

Value = Decimal | int | str | bool | date | None
KnownTable = Mapping[str, Sequence[Value]]

NUMBERS = ("area", "units", "price", "share")
"""Numbers of several magnitudes, whole numbers, an amount of money, a percentage."""
CITIES = (
    "Zürich",
    "São Paulo",
    "Saint-Étienne, Loire",
    'Mill "Old Oak"',
    "Malmö",
    "O'Fallon; Illinois",
)
ZONES = ("north", "south", "east", "west")


def known_table(seed: int = 1, num_rows: int = 48) -> KnownTable:
    """Return rows with thousands, negatives, fractions, and missing cells in most columns."""
    random = np.random.default_rng(seed)
    magnitudes = (0.1, 10, 900, 30_000, 2_000_000)
    area: list[Value] = []
    for row in range(num_rows):
        value = random.uniform(-0.3, 1) * magnitudes[row % len(magnitudes)]
        area.append(Decimal(f"{value:.{(3, 2, 1, 2, 0)[row % 5]}f}"))
    units: list[Value] = [
        int(each) for each in random.integers(1, (9, 900, 80_000), (num_rows // 3, 3)).ravel()
    ]
    price: list[Value] = [
        Decimal(int(cents)).scaleb(-2) for cents in random.integers(-400_000, 2_000_000, num_rows)
    ]
    share: list[Value] = [
        Decimal(int(tenths)).scaleb(-1) for tenths in random.integers(0, 999, num_rows)
    ]
    city: list[Value] = [CITIES[index] for index in random.integers(0, len(CITIES), num_rows)]
    zone: list[Value] = [ZONES[index % len(ZONES)] for index in random.permutation(num_rows)]
    active: list[Value] = [bool(each) for each in random.integers(0, 2, num_rows)]
    days = random.integers(0, 2000, num_rows)
    sold: list[Value] = [date(2019, 1, 1) + timedelta(days=int(day)) for day in days]
    table = {
        "area": area,
        "units": units,
        "price": price,
        "share": share,
        "city": city,
        "zone": zone,
        "active": active,
        "sold": sold,
    }
    # The first row is complete, as a header is told from data by it.
    for column, row in zip(
        ("area", "units", "share", "zone", "sold"), (5, 11, 17, 23, 29), strict=True
    ):
        table[column][row % num_rows] = None
    return table


def new_rows() -> KnownTable:
    """Return rows to predict in which no number shows how numbers are written.

    Where thousands are separated, each sign stands before exactly three digits, so that only what
    was learned from the training rows tells a thousand from a thousandth.
    """
    return {
        "area": [Decimal(1002), Decimal(12345), Decimal(-2001)],
        "units": [1050, 43606, 2],
        "price": [Decimal(4280), Decimal(-1234), Decimal(12)],
        "share": [Decimal(12), Decimal(5), Decimal(-3)],
        "city": [CITIES[0], CITIES[1], CITIES[4]],
        "zone": [ZONES[0], ZONES[1], ZONES[3]],
        "active": [True, False, True],
        "sold": [date(2024, 1, 2), date(2024, 3, 4), date(2024, 5, 6)],
    }
