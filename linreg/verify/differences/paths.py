"""The first difference of two files, or of two folders of files."""

import csv
import filecmp
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import pyarrow as pa
from safetensors import SafetensorError

from linreg.errors import UserError
from linreg.verify.differences.array_files import npy_difference, npz_difference
from linreg.verify.differences.compressed_files import ZIP_SUFFIXES, gzip_difference, zip_difference
from linreg.verify.differences.csv_files import csv_difference
from linreg.verify.differences.difference import ABSENT, Description, Difference
from linreg.verify.differences.image_files import SUFFIXES, image_difference
from linreg.verify.differences.json_documents import is_hash, json_difference
from linreg.verify.differences.parquet_files import parquet_difference
from linreg.verify.differences.raw_bytes import byte_difference
from linreg.verify.differences.tensor_files import tensor_difference
from linreg.verify.differences.text_files import is_text, text_difference
from linreg.verify.differences.yaml_documents import yaml_difference

Compare = Callable[[Path, Path, str], Difference | None]

FORMATS: Mapping[str, Compare] = {
    ".csv": csv_difference,
    ".ipynb": json_difference,
    ".json": json_difference,
    ".npy": npy_difference,
    ".npz": npz_difference,
    ".parquet": parquet_difference,
    ".safetensors": tensor_difference,
    ".tsv": partial(csv_difference, delimiter="\t"),
    ".yaml": yaml_difference,
    ".yml": yaml_difference,
    **dict.fromkeys(SUFFIXES, image_difference),
}
COMPRESSED = (".gz", *ZIP_SUFFIXES)
WRONG_FORMAT = (
    ValueError,
    TypeError,
    EOFError,
    RecursionError,
    zipfile.BadZipFile,
    csv.Error,
    pa.ArrowException,
    SafetensorError,
)
"""What reading raises when a file does not have the format that its suffix names."""


def names_in(folder: Path) -> set[str]:
    """Return the files and empty folders in a folder, by their relative paths."""
    paths = [path for path in folder.rglob("*") if path.is_file() or not any(path.iterdir())]
    return {path.relative_to(folder).as_posix() for path in paths}


def first_difference(
    expected: Path, found: Path, names_of: Callable[[Path], set[str]] = names_in
) -> Difference | None:
    """Return the first difference of two files or folders; None when all bytes are the same.

    names_of  returns the relative paths of what counts in a folder

    In a folder, a value comes before an encoding of the same values, that before a hash, which
    differs because something else does, and a hash before bytes; among equals the first file by
    name counts. A file on one side only is a difference. Raises UserError when neither side exists.
    """
    if not expected.exists() and not found.exists():
        raise UserError(expected, "there is no such file or folder")
    if not (expected.is_dir() and found.is_dir()):
        return _file_difference(expected, found, found.name)
    best: Difference | None = None
    for difference in _folder_differences(expected, found, names_of(expected) | names_of(found)):
        if _rank(difference) == 0:
            return difference
        if best is None or _rank(difference) < _rank(best):
            best = difference
    return best


def _rank(difference: Difference) -> int:
    """Return 0 for a value that differs or a file that is absent, 1 for an encoding, 2 for a hash,
    3 for bytes.
    """
    suffix = Path(difference.path).suffix.lower()
    if suffix == ".json" and is_hash(difference.where):
        return 2
    if suffix in {*FORMATS, *COMPRESSED}:
        return int(difference.same_values)
    return 3 if difference.where else 0


def _folder_differences(expected: Path, found: Path, names: Iterable[str]) -> Iterator[Difference]:
    for name in sorted(names):
        if difference := _file_difference(expected / name, found / name, name):
            yield difference


def _file_difference(expected: Path, found: Path, name: str) -> Difference | None:
    kinds = [_kind(path) for path in (expected, found)]
    if kinds[0] != kinds[1]:
        return Difference.between(name, "", *kinds)
    if expected.is_dir() or filecmp.cmp(expected, found, shallow=False):
        return None
    suffix = found.suffix.lower()
    compare = FORMATS.get(suffix)
    if suffix in ZIP_SUFFIXES:
        compare = partial(zip_difference, compare=_file_difference)
    elif suffix == ".gz":
        compare = partial(gzip_difference, compare=_file_difference)
    difference, is_read = None, compare is not None
    if compare is not None:
        try:
            difference = compare(expected, found, name)
        except WRONG_FORMAT:
            is_read = False
    return difference or _encoding_difference(expected, found, name, same_values=is_read)


def _encoding_difference(
    expected: Path, found: Path, name: str, *, same_values: bool
) -> Difference | None:
    """Return the first line of text, or else the first byte, that differs."""
    if is_text(expected) and is_text(found):
        with suppress(UnicodeDecodeError):
            return text_difference(expected, found, name, same_values=same_values)
    return byte_difference(expected, found, name, same_values=same_values)


def _kind(path: Path) -> Description:
    if not path.exists():
        return ABSENT
    return Description("a folder" if path.is_dir() else "a file")
