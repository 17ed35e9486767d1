"""JSON of which each document has one spelling only, so that no change of its bytes goes unnoticed.

Python's own reader takes the last of two equal keys, where another reader takes the first, and so
two programs could read two certificates in one file.
"""

import json
from typing import Any

from linreg.errors import UserError

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def pretty(document: Any) -> bytes:
    """Return the one spelling of a document for people: sorted keys, indented, a line feed."""
    text = json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


def compact(document: Any) -> bytes:
    """Return the one spelling of a document on one line, with its line feed."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return f"{text}\n".encode()


def parse(data: bytes, where: object) -> Any:
    """Return the document in `data`; raises UserError at `where` unless it has one meaning.

    That is: UTF-8 without a byte order mark, no key twice in an object, no NaN or infinity.
    """
    if data.startswith(_BYTE_ORDER_MARK):
        raise UserError(where, "begins with a byte order mark", todo="take the original file")
    try:
        return json.loads(
            data.decode(), object_pairs_hook=_unique_keys, parse_constant=_no_constant
        )
    except (ValueError, RecursionError) as error:
        what = "is not complete JSON in UTF-8"
        raise UserError(where, what, found=error, todo="take the original file") from None


def require_spelling(data: bytes, spelling: bytes, where: object) -> None:
    """Raise UserError at `where` unless `data` is what linreg writes for the same document."""
    if data == spelling:
        return
    at = next((i for i, (a, b) in enumerate(zip(data, spelling, strict=False)) if a != b), -1)
    place = at if at >= 0 else min(len(data), len(spelling))
    raise UserError(
        where,
        f"is not written as linreg writes it, from byte {place + 1} on",
        found=repr(data[place : place + 20])[1:] if place < len(data) else "its end",
        todo="take the original file, in which every byte is as it was written",
    )


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} twice in one object")
    return unique


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name}, which is no number in JSON")
