"""The names of coefficients, of which no two are the same, whatever columns and levels are called.

A name is made of the texts of its factors, as in `zone[T.north]:I(age ** 2)`. Where that gives two
coefficients one name, columns that are no identifiers stand in it in back-quotes: `` `a:b` `` is
the column, `a:b` the product. Levels that still make two names the same are numbered, ` (2)`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from linreg.data.formula.grammar.tokens import quote_name

FactorKey: TypeAlias = tuple[str, tuple[str, ...]]
"""What a factor is: its text and its columns."""


def key_of(factor: Mapping[str, Any]) -> FactorKey:
    """Return what tells a factor of a schema from the others."""
    return factor["factor"], tuple(factor["columns"])


def quoted_label(factor: Mapping[str, Any]) -> str:
    """Return the text of a factor, in back-quotes if it is a column that is no identifier."""
    text: str = factor["factor"]
    return quote_name(text) if factor["columns"] == [text] else text


def factor_labels(factors: Sequence[Mapping[str, Any]]) -> dict[FactorKey, str]:
    """Return the label of each factor: its text, quoted if another factor has that text too."""
    keys = {key_of(factor): factor for factor in factors}
    counts = Counter(text for text, _ in keys)
    return {
        key: quoted_label(factor) if counts[key[0]] > 1 else key[0] for key, factor in keys.items()
    }


def unique_names(names: Sequence[str], quoted: Callable[[], Sequence[str]]) -> tuple[str, ...]:
    """Return the names of coefficients, with that of `quoted` for each that is not the only one.

    A column b is `` `b` ``, as b is the intercept.
    """
    unique = _without_b(names)
    if len(set(unique)) == len(unique):
        return tuple(unique)
    alternatives = _without_b(quoted())
    while True:
        counts = Counter(unique)
        ambiguous = [j for j, name in enumerate(unique) if counts[name] > 1]
        changed = [j for j in ambiguous if unique[j] != alternatives[j]]
        if not changed:
            return tuple(_numbered(unique))
        for j in changed:
            unique[j] = alternatives[j]


def _without_b(names: Sequence[str]) -> list[str]:
    return ["`b`" if name == "b" else name for name in names]


def _numbered(names: Sequence[str]) -> list[str]:
    """Return names with a number behind each that occurs before it."""
    taken = set(names)
    numbered: list[str] = []
    seen = set()
    for name in names:
        number = 1
        while name in seen or (number > 1 and name in taken):
            number += 1
            name = f"{name.removesuffix(f' ({number - 1})')} ({number})"
        seen.add(name)
        numbered.append(name)
    return numbered
