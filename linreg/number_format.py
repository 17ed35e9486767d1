"""Numbers as a reader likes to see them: as many digits as mean something, one format a column.

Every digit is in the files; here a coefficient ends where its standard error does.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

DIGITS = 3
"""Significant digits of a standard error."""
DIGITS_WITHOUT_ERROR = 6
"""Significant digits of a coefficient whose standard error is unknown or 0."""
MAX_DECIMALS = 9
LARGEST_PLAIN = 1e9
"""A column with more decimals, or with a number that is not below this, has powers of ten."""
NONE = "–"
MAX_LEVELS, LETTERS_OF_LEVELS = 8, 100


def decimals_of(value: float | None, digits: int) -> int:
    """Return the decimals with which a number has so many significant digits; negative for large.

    0, None and what is not finite count as 1.
    """
    known = value if value and math.isfinite(value) else 1.0
    # In decimal, as log10 of the C library may round 1e-5 to either side.
    return digits - 1 - Decimal(f"{known:.{max(digits, 1) - 1}e}").adjusted()


def aligned(values: Sequence[float | None], decimals: Sequence[int] | int) -> list[str]:
    """Return the numbers of a column in one format, plain or with powers of ten; a dash for None.

    decimals  of each number, or of all of them; where negative, numbers end at the unit

    Plain numbers end with as many spaces as put their points below each other in a column that is
    flush right.
    """
    each = [decimals] * len(values) if isinstance(decimals, int) else decimals
    known = [(value, n) for value, n in zip(values, each, strict=True) if value is not None]
    is_plain = all(abs(value) < LARGEST_PLAIN and n <= MAX_DECIMALS for value, n in known)
    form = _plain if is_plain else _scientific
    texts = [
        NONE if value is None else form(value, n) for value, n in zip(values, each, strict=True)
    ]
    if not is_plain:
        return texts
    fractions = [len(text) - text.find(".") if "." in text else 0 for text in texts]
    longest = max(fractions, default=0)
    return [text + " " * (longest - n) for text, n in zip(texts, fractions, strict=True)]


def alike(values: Sequence[float | None], digits: int) -> list[str]:
    """Return the numbers of a column with the decimals that its largest one has of so many digits.

    For numbers of the same kind, such as the RMSE of several parts.
    """
    largest = max((abs(value) for value in values if value is not None), default=0.0)
    return aligned(values, max(0, decimals_of(largest, digits)))


def p_values(values: Iterable[float | None], digits: int = DIGITS) -> list[str]:
    """Return a column of p-values with one decimal more than `digits`; a bound for smaller ones."""
    return [p_value(value, digits) for value in values]


def p_value(value: float | None, digits: int = DIGITS) -> str:
    """Return a p-value with one decimal more than `digits`; a bound if it would be 0."""
    if value is None:
        return NONE
    smallest = Decimal(1).scaleb(-digits - 1)
    return f"<{smallest:f}" if value < smallest else _plain(value, digits + 1)


def number(value: Any, form: str = ".6g") -> str:
    """Return a number with six digits, a dash for None, and other values as text."""
    if value is None:
        return NONE
    return format(value, form) if isinstance(value, int | float) else str(value)


def eight_digits(value: float | None) -> str:
    """Return a number with eight digits."""
    return number(value, ".8g")


def three_digits(value: float | None) -> str:
    """Return a number with three digits."""
    return number(value, ".3g")


def levels(counts: Mapping[str, int] | None) -> str:
    """Return the most frequent levels of a categorical column with their counts, as full names."""
    if not counts:
        return ""
    shown: list[str] = []
    for level, count in sorted(counts.items(), key=lambda item: -item[1]):
        shown.append(f"{level}: {count}")
        if sum(map(len, shown)) > LETTERS_OF_LEVELS or len(shown) == MAX_LEVELS:
            break
    more = len(counts) - len(shown)
    return ", ".join(shown) + (f", and {more} more" if more > 0 else "")


def _plain(value: float, decimals: int) -> str:
    text = f"{value:.{max(decimals, 0)}f}"
    return text.removeprefix("-") if not float(text) else text


def _scientific(value: float, decimals: int) -> str:
    exponent = Decimal(repr(value)).adjusted() if value else 0
    return f"{value:.{max(exponent + decimals, 0)}e}"
