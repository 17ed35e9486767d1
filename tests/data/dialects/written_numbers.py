"""What a person reads in a cell, given the decimal sign of the file; independent of the product."""

import re
import unicodedata
from decimal import Decimal

_INVISIBLE = "\u200b\ufeff\u200e\u200f\u2060\u00ad"
_BLANKS = "\t \u00a0\u2007\u2009\u202f"
_MINUS = "\u2212\u2013\u2010\u2011\ufe63\uff0d"
_UNIT = r"(?:[$€£₹₩¥]|R\$|CHF|USD|EUR|kr|%)"


def number_read(cell: str, decimal: str) -> tuple[Decimal, str] | None:
    """Return the number that is written in a cell, and its unit; None where it is none.

    Thousands may be separated by the other sign, a blank or an apostrophe, in groups of three, or
    as lakh and crore. What no spreadsheet writes for a number, such as 0x1F or 1_000, is none.
    """
    text = "".join(_plain(character) for character in cell).strip()
    negative = 0
    if match := re.fullmatch(r"\((.*)\)", text):
        text, negative = match[1].strip(), negative + 1
    if match := re.fullmatch(r"(.*\d.*?) ?-", text):
        text, negative = match[1], negative + 1
    match = re.fullmatch(
        rf"(-|\+)? ?({_UNIT}?) ?(-|\+)? ?([\d.,' ]*\d[\d.,' ]*(?:[eE][-+]?\d+)?)"
        rf" ?({_UNIT}?)",
        text,
    )
    if not match or (match[2] and match[5]):
        return None
    negative += (match[1] == "-") + (match[3] == "-")
    digits, exponent = re.fullmatch(r"([^eE]*)(.*)", match[4].strip()).groups()  # type: ignore[union-attr]
    whole, sign, fraction = digits.partition(decimal)
    if negative > 1 or (sign and not fraction.isdigit() and fraction) or not _is_whole(whole, sign):
        return None
    value = Decimal(re.sub(r"[.,' ]", "", whole or "0") + "." + (fraction or "0") + exponent)
    return (-value if negative else value), match[2] or match[5]


def _is_whole(whole: str, sign: str) -> bool:
    """Whether digits before a decimal sign are grouped in one of the usual ways."""
    plain = whole.isdigit() or (not whole and bool(sign))
    grouped = re.fullmatch(r"\d{1,3}(?:([.,' ])\d{3})(?:\1\d{3})*", whole)
    indian = re.fullmatch(r"\d{1,2}(?:,\d{2})+,\d{3}", whole)
    return bool(plain or grouped or indian)


def _plain(character: str) -> str:
    if character in _INVISIBLE:
        return ""
    if character in _BLANKS:
        return " "
    if character in _MINUS:
        return "-"
    if character in "’‘":
        return "'"
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    return character
