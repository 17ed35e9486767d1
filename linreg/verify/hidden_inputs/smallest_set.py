"""The smallest part of a list with which a condition holds, found by trying parts of it."""

from collections.abc import Callable, Sequence
from typing import TypeVar

_Item = TypeVar("_Item")


def smallest_set(
    items: Sequence[_Item], holds: Callable[[Sequence[_Item]], bool]
) -> list[_Item] | None:
    """Return items none of which can be left out; None if the condition does not hold with all.

    The condition is to hold with more items wherever it holds with fewer. With k of n items
    returned it is tried about 2k·log₂(n/k) + 2k times. QuickXplain: Junker, "Preferred explanations
    and relaxations for over-constrained problems", AAAI 2004.
    """
    if holds(()):
        return []
    if not holds(items):
        return None

    def search(kept: Sequence[_Item], added: bool, rest: Sequence[_Item]) -> list[_Item]:
        if added and holds(kept):
            return []
        if len(rest) == 1:
            return list(rest)
        middle = len(rest) // 2
        first, second = rest[:middle], rest[middle:]
        in_second = search([*kept, *first], bool(first), second)
        in_first = search([*kept, *in_second], bool(in_second), first)
        return [*in_first, *in_second]

    return search([], False, list(items))
