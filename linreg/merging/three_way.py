"""Three-way merge of plain values: known is what one side has changed, or both alike."""

from collections.abc import Collection
from enum import Enum
from typing import Any


class Missing(Enum):
    """What stands in place of a value."""

    ABSENT = "absent"
    UNKNOWN = "unknown"


ABSENT, UNKNOWN = Missing.ABSENT, Missing.UNKNOWN


def merge_values(base: Any, ours: Any, theirs: Any) -> Any:
    """Return the merged value; UNKNOWN where both sides have changed it, each in its own way.

    Dictionaries are merged key by key, a list is one value. A side without the value has ABSENT.
    """
    if ours == theirs or theirs == base:
        return ours
    if ours == base:
        return theirs
    if isinstance(ours, dict) and isinstance(theirs, dict):
        before = base if isinstance(base, dict) else {}
        merged = {
            key: merge_values(*(side.get(key, ABSENT) for side in (before, ours, theirs)))
            for key in ours | theirs
        }
        return {key: value for key, value in merged.items() if value is not ABSENT}
    return UNKNOWN


def merge_names(base: Collection[str], ours: Collection[str], theirs: Collection[str]) -> list[str]:
    """Return the names that are there after the merge: what a side has added or removed counts."""
    return [
        name
        for name in dict.fromkeys([*ours, *theirs])
        if (name in ours and name in theirs) or name not in base
    ]


def differences(value: Any, expected: Any, name: str = "") -> list[str]:
    """Return the dotted names at which two values differ, none if they are equal."""
    if value == expected:
        return []
    if isinstance(value, dict) and isinstance(expected, dict):
        return [
            each
            for key in value | expected
            for each in differences(
                value.get(key, ABSENT), expected.get(key, ABSENT), f"{name}.{key}".lstrip(".")
            )
        ]
    return [name]
