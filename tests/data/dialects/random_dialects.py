"""Dialects that nobody has described: random combinations of what occurs in files."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tests.data.dialects.dialect import COLUMNS, Dialect, NumberStyle

_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "latin-1", "utf-32")
_THOUSANDS = ("", "", ".", ",", " ", "\u00a0", "\u202f", "'", "’", "_")
_MINUS = ("-{}", "-{}", "-{}", "\u2212{}", "{}-", "({})", "- {}", "\u2013{}")
_MONEY = (
    "{}",
    "{}",
    "${}",
    "{} €",
    "{}\u00a0€",
    "€{}",
    "CHF {}",
    "R$ {}",
    "{} kr",
    "₩{}",
    "{} USD",
)
_PERCENT = (
    "{}",
    "{}",
    "{}%",
    "{} %",
    "{}\u00a0%",
    "\u00a0{}",
    "{}\u200b",
    "{} ",
    "{}°C",
    "\ufeff{}",
)
_DIGITS = ("0123456789",) * 8 + ("０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩")
_MISSING = (
    "",
    "NA",
    "NaN",
    "null",
    ".",
    "..",
    ":",
    "-",
    "n/a",
    "#N/A",
    "none",
    "?",
    r"\N",
    "--",
    "*",
    "missing",
    " ",
    "x",
)
_TRUTH = (("True", "False"), ("1", "0"), ("t", "f"), ("yes", "no"), ("WAHR", "FALSCH"), ("Y", "N"))
_DATES = ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y%m%d", "%d%b%Y", "%b-%y", "%d %B %Y")
_ABOVE: Sequence[Sequence[str]] = ((),) * 6 + (
    ("Sales of all shops",),
    ("# made by a program", "# on a day"),
    ("Report;2024", ""),
    ("",),
    ('"Title, with a comma"', "Source: somebody", ""),
)
_BELOW: Sequence[Sequence[str]] = ((),) * 8 + (
    ("",),
    ("Source: somebody",),
    (",,,,,,,", ",,,,,,,"),
    (";;;;;;;",),
    ("Total",),
    ("\x1a",),
)


def random_dialect(seed: int) -> Dialect:
    """Return a dialect of random traits, most of them usual; `needs` tells all that are not."""
    random = np.random.default_rng(seed)

    def one_of(choices: Sequence[Any]) -> Any:
        return choices[int(random.integers(len(choices)))]

    def often(usual: Any, choices: Sequence[Any]) -> Any:
        return usual if random.random() < 0.6 else one_of(choices)

    decimal = often(".", (".", ","))
    thousands = one_of([each for each in _THOUSANDS if each != decimal])
    numbers = NumberStyle(
        decimal,
        thousands,
        indian=bool(thousands) and random.random() < 0.1,
        zero=random.random() < 0.9,
        digits=one_of(_DIGITS),
        minus=often("-{}", _MINUS),
        money=one_of(_MONEY),
        percent=one_of(_PERCENT),
    )
    encoding = often("utf-8", _ENCODINGS)
    delimiter = one_of(",,;;\t|")
    missing = often("", _MISSING)
    above = one_of(_ABOVE)
    dialect = Dialect(
        f"random-{seed}",
        "A random combination.",
        delimiter=delimiter,
        line_end=often("\n", ("\n", "\r\n", "\r")),
        encoding=encoding,
        quoting=one_of(("minimal", "minimal", "text", "all")),
        escape=often('"', ('"', "\\")),
        numbers=numbers,
        missing={"": "", **dict.fromkeys(("area", "units", "share"), missing)},
        truth=one_of(_TRUTH),
        dates=one_of(_DATES),
        columns=one_of((COLUMNS, COLUMNS[:6], ("zone", "area", "units", "price", "share"))),
        index=often(None, ("", "id", "(no name)")),
        trailing=often("", ("", delimiter)),
        above=above,
        below=one_of(_BELOW),
        compression=often(None, ("gz", "bz2", "xz", "zst", "zip")),
    )
    if encoding in ("cp1252", "latin-1"):
        dialect = _in_latin1(dialect)
    needs = {"decimal": decimal, "thousands": thousands, "delimiter": delimiter}
    needs |= {"skip": len(above)} if above else {}
    needs |= {"encoding": encoding} if not encoding.startswith("utf-8") else {}
    needs |= {"missing_words": (missing,)} if missing.strip() else {}
    return replace(dialect, needs=needs)


def _in_latin1(dialect: Dialect) -> Dialect:
    """Return a dialect whose numbers the encodings of western Europe can write."""
    plain = NumberStyle(dialect.numbers.decimal, dialect.numbers.thousands, percent="{}\u00a0%")
    if plain.thousands in ("\u202f", "’"):
        plain = replace(plain, thousands="\u00a0")
    return replace(dialect, numbers=plain)
