"""Columns of odd cells: what people and programs write into a cell of a table."""

from collections.abc import Sequence

import numpy as np

_KINDS: Sequence[Sequence[str]] = (
    ("0x1F", "0x10", "0xFF", "0x2A", "0xFFFFFFFFFFFFFF10"),
    ("1234567890123456789", "1234567890123456790", "9223372036854775807", "-1234567890123456789"),
    ("1", "22", "303", "-4", "+5", "0", "007", "1234567890123456789", "9223372036854775808"),
    ("0.5", "12.25", ".5", "5.", "-1.5e3", "1E+05", "1e-400", "1e5", "3.0", "123456789.123456789"),
    ("0,5", "246,10", "-12,25", ",5", "1,5e3", "7,0"),
    ("1.002", "1.234", "12.345", "123.456"),
    ("1,002", "1,234", "12,345", "123,456"),
    ("1,234.5", "12,345,678", "1,234,567.89", "999.99"),
    ("1.234,5", "12.345.678", "1.234.567,89", "999,99"),
    ("1 234,5", "12 345", "1\u00a0234,5", "12\u202f345", "1'234.5", "12’345"),
    ("12,34,567", "1,23,456.7", "99,999"),
    ("5-", "(5)", "\u22125", "- 5", "\u20135", "(1.5)", "12.5-"),
    ("$5", "€ 12", "12 €", "R$ 150", "150 kr", "₩1000", "$-5", "-$5", "($5)", "CHF 20", "5 USD"),
    ("12%", "5 %", "0.5%", "-3%", "100\u00a0%"),
    ("\u00a05", "5\u00a0", "\u200b5", "\ufeff5", "5 ", " 5", "\t5", "5\u2009"),
    ("１２", "٣٤", "५६", "1２", "³", "½", "1/2", "Ⅳ"),
    ("0x1F", "0b11", "0o17", "1_000", "1e", "e5", "1e5.5", "1.2.3", "1,2,3", "--5", "+-5", "5+"),
    ("0xFFFFFFFFFFFFFF10", "inf", "-Infinity", "1e400", "INF", "1d5", "1D+05", "1f", "5L", "5n"),
    (
        "5 kg",
        "20 °C",
        "3 m²",
        "10px",
        "1h",
        "5x",
        "x5",
        "Q1",
        "No. 5",
        "#5",
        "~5",
        "<5",
        "5+",
        ">10",
    ),
    ("true", "FALSE", "True", "yes", "no", "T", "F", "t", "WAHR", "1"),
    (
        "2024-01-31",
        "31.01.2024",
        "01/31/2024",
        "20240131",
        "Jan-24",
        "9:30",
        "2020-W9",
        "31JAN2024",
    ),
    ("north", "south", "São Paulo", "a,b", 'say "x"', "C", "nan north", "1st", "2nd"),
    ("id-1", "id-22", "A1", "1A", "12-34", "1:2", "192.168.0.1", "1.2.3", "+49 30 123"),
)
_MISSING = (
    "",
    "NA",
    "nan",
    "NULL",
    "?",
    ".",
    "..",
    "-",
    "--",
    ":",
    "n/a",
    "none",
    "NaN",
    "<NA>",
    "#DIV/0!",
    "na",
    "None",
    " ",
    "*",
    "x",
    r"\N",
    "missing",
    "unknown",
    "-999",
    "...",
)


def odd_column(seed: int, num_rows: int = 30) -> list[str]:
    """Return a column of cells of one kind, at times with some of others, or missing ones."""
    random = np.random.default_rng(seed)
    own, *others = (_KINDS[index] for index in random.permutation(len(_KINDS))[:3])
    own = [own[index] for index in random.permutation(len(own))[: random.integers(1, len(own) + 1)]]
    from_others, missing = random.choice((0, 0, 0, 0.05, 0.3), 2)
    word = str(random.choice(_MISSING))
    column = []
    for _ in range(num_rows):
        kind = others[int(random.integers(2))] if random.random() < from_others else own
        cell = str(random.choice(np.array(kind, dtype=object)))
        column.append(word if random.random() < missing else cell)
    return column
