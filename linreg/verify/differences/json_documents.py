"""The first difference of two JSON documents, or of other documents of plain values."""

import json
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from linreg.verify.differences.difference import ABSENT, Description, Difference

HASHES = ("checksum", "hashes", "files", "table", "moments")
"""Keys of our documents whose values are hashes, of the document itself or of other files."""


def json_difference(expected: Path, found: Path, name: str) -> Difference | None:
    """Return the first key whose values differ, such as `theta.x1`; a hash if nothing else does."""
    first, second = (json.loads(path.read_text(encoding="utf-8")) for path in (expected, found))
    return document_difference(first, second, name)


def document_difference(expected: Any, found: Any, name: str) -> Difference | None:
    """Return the first key whose values differ; dictionaries, lists and plain values are walked."""
    differing = [
        (key, a, b) for key, a, b in _leaves(expected, found, "") if _identity(a) != _identity(b)
    ]
    if not differing:
        return None
    key, a, b = min(differing, key=lambda leaf: is_hash(leaf[0]))
    return Difference.between(name, key, _as_value(a), _as_value(b))


def is_hash(key: str) -> bool:
    """Tell whether a place in a JSON document, such as `hashes.data/split`, holds a hash."""
    return any(part in HASHES for part in key.split("."))


def _leaves(a: Any, b: Any, key: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield each place that is a value in one of the documents, with the values of both."""
    if isinstance(a, dict) and isinstance(b, dict):
        for inner in sorted(a.keys() | b.keys(), key=str):
            path = f"{key}.{inner}".removeprefix(".")
            yield from _leaves(a.get(inner, ABSENT), b.get(inner, ABSENT), path)
    elif isinstance(a, list) and isinstance(b, list):
        for index, (x, y) in enumerate(zip_longest(a, b, fillvalue=ABSENT)):
            yield from _leaves(x, y, f"{key}[{index}]")
    else:
        yield key, a, b


def _identity(value: Any) -> tuple[type, str]:
    """Return what tells JSON values apart: 1 from 1.0 and true, 0.0 from -0.0, absent from null."""
    return type(value), repr(value)


def _as_value(value: Any) -> Any:
    if isinstance(value, dict | list | bool):
        return Description(json.dumps(value, ensure_ascii=False))
    return value
