"""The first value in which two files or folders differ, said so that a person can judge how much it
matters.
"""

import csv
import filecmp
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from safetensors import SafetensorError

from linreg.errors import UserError
from linreg.verify.documents import csv_difference, is_hash, json_difference, tensors_difference
from linreg.verify.parquet import parquet_difference
from linreg.verify.ulps import NOTHING, Difference, Words, between

KINDS = {
    ".json": json_difference,
    ".csv": csv_difference,
    ".parquet": parquet_difference,
    ".safetensors": tensors_difference,
}
DAMAGED = (ValueError, TypeError, RecursionError, csv.Error, pa.ArrowException, SafetensorError)
"""What reading raises when a file is not of the kind that its name says."""
_BYTES_AT_ONCE = 1 << 20


def first_difference(expected: Path, found: Path) -> Difference | None:
    """Return where two files, or two folders of files, differ first; None when all their bytes are
    the same.

    In a folder a value that a person can read comes before a hash that differs because of it, and
    both before bytes; otherwise the files are taken in the order of their names, and a file on one
    side only is a difference. Raises UserError when neither side exists.
    """
    if not expected.exists() and not found.exists():
        raise UserError(expected, "there is no such file or folder")
    if not (expected.is_dir() and found.is_dir()):
        return _of_files(expected, found, found.name)
    best: Difference | None = None
    for difference in _of_folders(expected, found):
        if _is_readable(difference):
            return difference
        if best is None or _is_hash(difference) > _is_hash(best):
            best = difference
    return best


def _of_folders(expected: Path, found: Path) -> Iterator[Difference]:
    names = {
        path.relative_to(top).as_posix()
        for top in (expected, found)
        for path in top.rglob("*")
        if _is_leaf(path)
    }
    for name in sorted(names):
        if difference := _of_files(expected / name, found / name, name):
            yield difference


def _is_leaf(path: Path) -> bool:
    return path.is_file() or not any(path.iterdir())


def _is_readable(difference: Difference) -> bool:
    """Tell whether it is a value that differs, or a file that is not there."""
    is_value = (
        Path(difference.path).suffix in KINDS
        and not difference.same_values
        and not _is_hash(difference)
    )
    return is_value or not difference.where


def _is_hash(difference: Difference) -> bool:
    return Path(difference.path).suffix == ".json" and is_hash(difference.where)


def _of_files(expected: Path, found: Path, name: str) -> Difference | None:
    kinds = [_what(path) for path in (expected, found)]
    if kinds[0] != kinds[1]:
        return between(name, "", *kinds)
    if expected.is_dir() or filecmp.cmp(expected, found, shallow=False):
        return None
    by_kind = KINDS.get(found.suffix)
    if by_kind is None:
        return _of_bytes(expected, found, name, same_values=False)
    try:
        difference = by_kind(expected, found, name)
    except DAMAGED:
        return _of_bytes(expected, found, name, same_values=False)
    return difference or _of_bytes(expected, found, name, same_values=True)


def _what(path: Path) -> Words:
    if not path.exists():
        return NOTHING
    return Words("a folder" if path.is_dir() else "a file")


def _of_bytes(expected: Path, found: Path, name: str, *, same_values: bool) -> Difference:
    """Return the first byte that differs; its offset is counted from 0."""
    start = 0
    with expected.open("rb") as first, found.open("rb") as second:
        while True:
            a, b = first.read(_BYTES_AT_ONCE), second.read(_BYTES_AT_ONCE)
            if a != b or not a:
                break
            start += len(a)
    shared = min(len(a), len(b))
    index = next((i for i in range(shared) if a[i] != b[i]), shared)
    said = [each[index] if index < len(each) else Words("the end") for each in (a, b)]
    return between(name, f"byte {start + index}", *said, same_values=same_values)
