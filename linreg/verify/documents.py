"""The first difference of two JSON documents, two CSV files, or two files of tensors."""

import csv
import json
import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open

from linreg.verify.ulps import NOTHING, Difference, Words, between

HASHES = ("checksum", "hashes", "files", "table", "moments")
"""Keys of our JSON files whose values differ because something else does: hashes of files, and of
the document.
"""


def json_difference(expected: Path, found: Path, name: str) -> Difference | None:
    """Return the first key whose values differ, such as `theta.x1`; a hash only if nothing else
    does.
    """
    first, second = (json.loads(path.read_text(encoding="utf-8")) for path in (expected, found))
    differing = [each for each in _leaves(first, second, "") if _spelt(each[1]) != _spelt(each[2])]
    where, a, b = min(differing, key=lambda each: is_hash(each[0]), default=("", None, None))
    return between(name, where, _said(a), _said(b)) if differing else None


def is_hash(key: str) -> bool:
    """Tell whether a place in a JSON document, such as `hashes.data/split`, holds a hash."""
    return any(part in HASHES for part in key.split("."))


def _leaves(a: Any, b: Any, key: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(a, dict) and isinstance(b, dict):
        for inner in sorted(a.keys() | b.keys()):
            yield from _leaves(
                a.get(inner, NOTHING), b.get(inner, NOTHING), f"{key}.{inner}".removeprefix(".")
            )
    elif isinstance(a, list) and isinstance(b, list):
        for index, (x, y) in enumerate(zip_longest(a, b, fillvalue=NOTHING)):
            yield from _leaves(x, y, f"{key}[{index}]")
    else:
        yield key, a, b


def _spelt(value: Any) -> tuple[type, str]:
    """What tells JSON values apart: 1 from 1.0 and true, 0.0 from -0.0, nothing from null."""
    return type(value), repr(value)


def _said(value: Any) -> Any:
    if isinstance(value, dict | list | bool):
        return Words(json.dumps(value, ensure_ascii=False))
    return value


def csv_difference(expected: Path, found: Path, name: str) -> Difference | None:
    """Return the first cell whose values differ, with its column and row; the row below the header
    is 1.

    Failing that, the first cell whose text differs but not its value, such as 1.0 and 1.00.
    """
    header: list[str] = []
    written_otherwise = None
    with (
        expected.open(encoding="utf-8", newline="") as first,
        found.open(encoding="utf-8", newline="") as second,
    ):
        for row, lines in enumerate(
            zip_longest(csv.reader(first), csv.reader(second), fillvalue=())
        ):
            header = header or list(lines[0])
            for column, (x, y) in enumerate(zip_longest(*lines)):
                if x == y:
                    continue
                title = header[column] if column < len(header) else f"number {column + 1}"
                where = f"header, column {column + 1}" if row == 0 else f"column {title}, row {row}"
                a, b = _cell(x), _cell(y)
                if _same_number(a, b):
                    difference = between(name, where, Words(x), Words(y), same_values=True)
                    written_otherwise = written_otherwise or difference
                    continue
                return between(name, where, a, b)
    return written_otherwise


def _cell(text: str | None) -> Any:
    """The cell's value: a number if it reads as one."""
    if text is None:
        return NOTHING
    if re.fullmatch(r"[+-]?[0-9]+", text):
        return int(text)
    try:
        return float(text)
    except ValueError:
        return text


def _same_number(a: Any, b: Any) -> bool:
    if isinstance(a, int | float) and isinstance(b, int | float):
        signs = [np.signbit(float(each)) for each in (a, b)] if a == b == 0 else []
        return (a == b and len(set(signs)) <= 1) or (
            a != a and b != b
            # NaN alone differs from itself
        )
    return False


def tensors_difference(expected: Path, found: Path, name: str) -> Difference | None:
    """Return the first element whose bits differ, such as `theta[3]`, or the first tensor of
    another type or shape.
    """
    with (
        safe_open(expected, framework="numpy") as first,
        safe_open(found, framework="numpy") as second,
    ):
        for key in sorted({*first.keys(), *second.keys()}):
            a, b = (
                file.get_tensor(key) if key in file.keys() else None for file in (first, second)
            )
            if a is None or b is None or a.shape != b.shape or a.dtype != b.dtype:
                return between(name, f"tensor {key}", _kind(a), _kind(b))
            bits = [
                np.ascontiguousarray(each).reshape(-1).view(f"u{each.itemsize}") for each in (a, b)
            ]
            differing = np.flatnonzero(bits[0] != bits[1])
            if len(differing):
                index = np.unravel_index(int(differing[0]), a.shape)
                place = f"[{', '.join(map(str, index))}]" if index else ""
                return between(name, f"{key}{place}", a[index], b[index])
        if (first.metadata() or {}) != (second.metadata() or {}):
            said = [
                Words(json.dumps(file.metadata() or {}, sort_keys=True)) for file in (first, second)
            ]
            return between(name, "metadata", *said)
    return None


def _kind(tensor: Any) -> Words:
    return NOTHING if tensor is None else Words(f"{tensor.dtype}{list(tensor.shape)}")
