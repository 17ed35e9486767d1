"""The first difference of two files, or of two folders of files."""

import csv
import filecmp
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from safetensors import SafetensorError

from linreg.errors import UserError
from linreg.verify.differences.csv_files import csv_difference
from linreg.verify.differences.difference import ABSENT, Description, Difference
from linreg.verify.differences.json_documents import is_hash, json_difference
from linreg.verify.differences.parquet_files import parquet_difference
from linreg.verify.differences.tensor_files import tensor_difference

FORMATS = {
    ".json": json_difference,
    ".csv": csv_difference,
    ".parquet": parquet_difference,
    ".safetensors": tensor_difference,
}
WRONG_FORMAT = (
    ValueError,
    TypeError,
    RecursionError,
    csv.Error,
    pa.ArrowException,
    SafetensorError,
)
"""What reading raises when a file does not have the format that its suffix names."""
_BYTES_PER_READ = 1 << 20


def first_difference(expected: Path, found: Path) -> Difference | None:
    """Return the first difference of two files or folders; None when all bytes are the same.

    In a folder, a value comes before an encoding of the same values, that before a hash, which
    differs because something else does, and a hash before bytes; among equals the first file by
    name counts. A file on one side only is a difference. Raises UserError when neither side exists.
    """
    if not expected.exists() and not found.exists():
        raise UserError(expected, "there is no such file or folder")
    if not (expected.is_dir() and found.is_dir()):
        return _file_difference(expected, found, found.name)
    best: Difference | None = None
    for difference in _folder_differences(expected, found):
        if _rank(difference) == 0:
            return difference
        if best is None or _rank(difference) < _rank(best):
            best = difference
    return best


def _rank(difference: Difference) -> int:
    """Return 0 for a value that differs or a file that is absent, 1 for an encoding, 2 for a hash,
    3 for bytes.
    """
    suffix = Path(difference.path).suffix
    if suffix == ".json" and is_hash(difference.where):
        return 2
    if suffix in FORMATS:
        return int(difference.same_values)
    return 3 if difference.where else 0


def _names_in(folder: Path) -> set[str]:
    """Return the files and empty folders in a folder, by their relative paths."""
    paths = [path for path in folder.rglob("*") if path.is_file() or not any(path.iterdir())]
    return {path.relative_to(folder).as_posix() for path in paths}


def _folder_differences(expected: Path, found: Path) -> Iterator[Difference]:
    names = _names_in(expected) | _names_in(found)
    for name in sorted(names):
        if difference := _file_difference(expected / name, found / name, name):
            yield difference


def _file_difference(expected: Path, found: Path, name: str) -> Difference | None:
    kinds = [_kind(path) for path in (expected, found)]
    if kinds[0] != kinds[1]:
        return Difference.between(name, "", *kinds)
    if expected.is_dir() or filecmp.cmp(expected, found, shallow=False):
        return None
    compare = FORMATS.get(found.suffix)
    if compare is None:
        return _byte_difference(expected, found, name, same_values=False)
    try:
        difference = compare(expected, found, name)
    except WRONG_FORMAT:
        return _byte_difference(expected, found, name, same_values=False)
    return difference or _byte_difference(expected, found, name, same_values=True)


def _kind(path: Path) -> Description:
    if not path.exists():
        return ABSENT
    return Description("a folder" if path.is_dir() else "a file")


def _byte_difference(expected: Path, found: Path, name: str, *, same_values: bool) -> Difference:
    """Return the first byte that differs; its offset is counted from 0."""
    offset = 0
    with expected.open("rb") as first, found.open("rb") as second:
        while True:
            a, b = first.read(_BYTES_PER_READ), second.read(_BYTES_PER_READ)
            if a != b or not a:
                break
            offset += len(a)
    shared = min(len(a), len(b))
    index = next((i for i in range(shared) if a[i] != b[i]), shared)
    values = [
        part[index] if index < len(part) else Description("the end of the file") for part in (a, b)
    ]
    return Difference.between(name, f"byte {offset + index}", *values, same_values=same_values)
