"""Which columns of a design matrix are products of others, such as the powers of a number."""

from collections import Counter
from collections.abc import Hashable, Iterable
from typing import NamedTuple

from linreg.data.formula.grammar.syntax_tree import (
    Binary,
    Braces,
    Call,
    Literal,
    Name,
    Node,
    unparse,
)


class Powers(NamedTuple):
    """What a column is the product of.

    indicators  that it is multiplied by, whose powers are themselves
    exponents   by the text of each number, its exponent
    """

    indicators: frozenset[Hashable]
    exponents: Counter[str]


def exponents_of(node: Node) -> Counter[str]:
    """Return the numbers, by their text, whose powers an expression multiplies: x * z**2."""
    match node:
        case Call(function="I", arguments=[inner], keywords=()) | Braces(inner=inner):
            return exponents_of(inner)
        case Name(name=name):
            return exponents_of_column(name)
        case Binary(operator="**" | "^", left=left, right=Literal(value=int() as power)):
            exponents = exponents_of(left)
            return Counter({text: power * each for text, each in exponents.items()})
        case Binary(operator="*", left=left, right=right) if not (
            isinstance(left, Literal) or isinstance(right, Literal)
        ):
            return exponents_of(left) + exponents_of(right)
    return Counter([unparse(node)])


def exponents_of_column(name: str) -> Counter[str]:
    """Return the same for a column of the table."""
    return Counter([unparse(Name(name, quoted=True))])


def factors_of(columns: Iterable[Powers | None]) -> dict[int, tuple[int, ...]]:
    """Return the columns that are powers, or products with a power, each with its factors.

    columns  of X in order; None for what is no product of numbers

    The factors are the columns that are a number alone, or with the same indicators. If one of them
    is no column, the product is left out; so are products without a power, such as x:z, which are
    many in a wide design, and seldom nearly collinear with their factors.
    """
    alone: dict[tuple[frozenset[Hashable], str], int] = {}
    products: dict[int, Powers] = {}
    for j, powers in enumerate(columns):
        if powers is None:
            continue
        if powers.exponents.total() == 1:
            [text] = powers.exponents
            alone.setdefault((powers.indicators, text), j)
        elif max(powers.exponents.values(), default=0) > 1:
            products[j] = powers
    found = {}
    for j, (indicators, exponents) in products.items():
        factors = [alone.get((indicators, text)) for text in exponents.elements()]
        known = [factor for factor in factors if factor is not None]
        if len(known) == len(factors):
            found[j] = tuple(sorted(known))
    return found
