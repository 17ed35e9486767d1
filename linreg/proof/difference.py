"""The first value in which two outputs differ, said so that a person can judge how much it matters."""

import csv
import filecmp
import json
import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from safetensors import SafetensorError
from safetensors.numpy import load_file

HASHES = ("checksum", "hashes", "moments")
"""Keys of our JSON files that differ because something else does."""
READABLE = (".json", ".csv", ".parquet", ".safetensors", ".arrow")


@dataclass(frozen=True)
class Difference:
    """Where two files differ first, and the two values; None stands for one that is not there."""

    path: str
    where: str
    expected: object
    found: object
    ulps: int | None = None
    """How many floating-point numbers lie between them, in their own type; None where they are not two floats."""

    def __str__(self) -> str:
        distance = "" if self.ulps is None else f" ({self.ulps} ulp{'s'[: self.ulps != 1]})"
        place = f"{self.path}: {self.where}" if self.where else self.path
        return f"{place}: {_text(self.expected)} became {_text(self.found)}{distance}"


def first_difference(expected: Path, found: Path) -> Difference | None:
    """Return where two files, or two folders of files, differ first; None when all their bytes are the same.

    In a folder a file that people read is looked at before one that only programs do.
    """
    if not expected.is_dir():
        return _of_files(expected, found, found.name)
    names = sorted(
        {path.relative_to(top).as_posix() for top in (expected, found) for path in top.rglob("*") if path.is_file()},
        key=lambda name: (Path(name).suffix not in READABLE, name),
    )
    return next((each for name in names if (each := _of_files(expected / name, found / name, name))), None)


def ulps_between(a: float, b: float, width: int = 64) -> int | None:
    """Return how many steps of float64 or float32 (`width`) lead from a to b; None if one is NaN.

    −0 and 0 are one step apart, the largest number and infinity too.
    """
    if math.isnan(a) or math.isnan(b):
        return None
    return abs(_rank(a, width) - _rank(b, width))


def _rank(value: float, width: int) -> int:
    """The place of a float among all floats of its type, by its bits."""
    bits: int
    (bits,) = struct.unpack("<q" if width == 64 else "<i", struct.pack("<d" if width == 64 else "<f", value))
    return bits if bits >= 0 else -(bits + (1 << (width - 1))) - 1


def _of_files(expected: Path, found: Path, name: str) -> Difference | None:
    if not expected.exists() or not found.exists():
        return Difference(name, "", *_both(lambda path: "a file" if path.exists() else None, expected, found))
    if filecmp.cmp(expected, found, shallow=False):
        return None
    kinds = {".json": _of_json, ".csv": _of_csv, ".parquet": _of_parquet, ".safetensors": _of_tensors}
    try:
        difference = kinds.get(found.suffix, _of_bytes)(expected, found, name)
    except (ValueError, pa.ArrowException, SafetensorError, OSError):  # damaged: its bytes are all there is to compare
        difference = None
    return difference or _of_bytes(expected, found, name)


def _of_json(expected: Path, found: Path, name: str) -> Difference | None:
    pairs = list(_leaves(json.loads(expected.read_text()), json.loads(found.read_text()), ""))
    pairs.sort(key=lambda pair: pair[0].split(".")[0] in HASHES)
    return next((_of_values(name, *pair) for pair in pairs if not _same(pair[1], pair[2])), None)


def _leaves(a: Any, b: Any, key: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(a, dict) and isinstance(b, dict):
        for inner in sorted(a.keys() | b.keys()):
            yield from _leaves(a.get(inner), b.get(inner), f"{key}.{inner}".removeprefix("."))
    elif isinstance(a, list) and isinstance(b, list):
        for index, (x, y) in enumerate(zip_longest(a, b)):
            yield from _leaves(x, y, f"{key}[{index}]")
    else:
        yield key, a, b


def _of_csv(expected: Path, found: Path, name: str) -> Difference | None:
    with expected.open(encoding="utf-8", newline="") as first, found.open(encoding="utf-8", newline="") as second:
        header: list[str] = []
        for row, (a, b) in enumerate(zip_longest(csv.reader(first), csv.reader(second))):
            header = header or a
            for column, (x, y) in enumerate(zip_longest(a or [], b or [])):
                if x != y:
                    title = header[column] if column < len(header) else f"{column + 1}"
                    return _of_values(name, f"column {title}, row {row}", _number(x), _number(y))
    return None


def _of_parquet(expected: Path, found: Path, name: str) -> Difference | None:
    first, second = pq.ParquetFile(expected, pre_buffer=False), pq.ParquetFile(found, pre_buffer=False)
    if not first.schema_arrow.equals(second.schema_arrow, check_metadata=True):
        return Difference(name, "columns", *_both(lambda file: " ".join(str(file.schema_arrow).split()), first, second))
    if first.metadata.num_rows != second.metadata.num_rows:
        return Difference(name, "number of rows", first.metadata.num_rows, second.metadata.num_rows)
    start = 0
    for a, b in zip(first.iter_batches(65_536), second.iter_batches(65_536), strict=True):
        places = [(_first_row(x, y), column) for column, (x, y) in enumerate(zip(a.columns, b.columns, strict=True))]
        row, column = min(((row, column) for row, column in places if row is not None), default=(None, None))
        if row is not None and column is not None:
            field, x, y = a.schema.field(column), a.column(column)[row].as_py(), b.column(column)[row].as_py()
            width = 32 if pa.types.is_float32(field.type) else 64
            return _of_values(name, f"column {field.name}, row {start + row + 1}", x, y, width)
        start += len(a)
    return None


def _first_row(a: pa.Array, b: pa.Array) -> int | None:
    if pa.types.is_floating(a.type):  # by their bits: NaN is itself, and −0 is not 0
        integers = pa.int32() if pa.types.is_float32(a.type) else pa.int64()
        if a.type.bit_width in (32, 64):
            a, b = a.view(integers), b.view(integers)
    same = pc.fill_null(pc.equal(a, b), False)
    same = pc.or_(same, pc.and_(pc.is_null(a), pc.is_null(b)))
    row = pc.index(same, False).as_py()
    return None if row < 0 else int(row)


def _of_tensors(expected: Path, found: Path, name: str) -> Difference | None:
    first, second = load_file(expected), load_file(found)
    for key in sorted(first.keys() | second.keys()):
        a, b = first.get(key), second.get(key)
        if a is None or b is None or a.shape != b.shape or a.dtype != b.dtype:
            return Difference(name, key, *_both(lambda x: None if x is None else f"{x.dtype}{x.shape}", a, b))
        bits = [np.ascontiguousarray(each).view(f"u{each.itemsize}").ravel() for each in (a, b)]
        differing = np.flatnonzero(bits[0] != bits[1])
        if len(differing):
            index = int(differing[0])
            width = 8 * a.itemsize
            return _of_values(name, f"{key}[{index}]", a.ravel()[index].item(), b.ravel()[index].item(), width)
    return None


def _of_bytes(expected: Path, found: Path, name: str) -> Difference | None:
    sizes = [path.stat().st_size for path in (expected, found)]
    if sizes[0] != sizes[1]:
        return Difference(name, "length in bytes", sizes[0], sizes[1])
    a, b = (np.memmap(path, np.uint8, mode="r") for path in (expected, found))
    for start in range(0, len(a), 1 << 20):
        differing = np.flatnonzero(a[start : start + (1 << 20)] != b[start : start + (1 << 20)])
        if len(differing):
            offset = start + int(differing[0])
            return Difference(name, f"byte {offset}", int(a[offset]), int(b[offset]))
    return None


def _both(say: Callable[[Any], str | None], expected: Any, found: Any) -> tuple[str | None, str | None]:
    return say(expected), say(found)


def _of_values(name: str, where: str, expected: Any, found: Any, width: int = 64) -> Difference:
    floats = isinstance(expected, float) and isinstance(found, float)
    return Difference(name, where, expected, found, ulps_between(expected, found, width) if floats else None)


def _same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and repr(a) == repr(b)


def _number(text: str | None) -> Any:
    try:
        return text if text is None else float(text)
    except ValueError:
        return text


def _text(value: object) -> str:
    if value is None:
        return "nothing"
    text = repr(value) if isinstance(value, float) else str(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
