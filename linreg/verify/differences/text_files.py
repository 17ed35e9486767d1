"""The first line in which two text files differ."""

import re
from itertools import zip_longest
from pathlib import Path

from linreg.verify.differences.difference import LONGEST_VALUE, Description, Difference

_BYTES_READ = 8192
_CHARACTERS_BEFORE = 20
END = Description("the end of the file")


def is_text(path: Path) -> bool:
    """Tell whether a file begins as UTF-8 text does: without characters that only control."""
    with path.open("rb") as file:
        data = file.read(_BYTES_READ)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        # The last character may have been cut off.
        if error.start < len(data) - 3 or len(data) < _BYTES_READ:
            return False
        text = data[: error.start].decode()
    return not re.search(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]", text)


def text_difference(
    expected: Path, found: Path, name: str, *, same_values: bool = False
) -> Difference | None:
    """Return the first line that differs, and the column in it, both counted from 1.

    A long line is shown from shortly before that column. Raises UnicodeDecodeError for what is no
    text further on.
    """
    with (
        expected.open(encoding="utf-8", newline="") as first,
        found.open(encoding="utf-8", newline="") as second,
    ):
        for number, (a, b) in enumerate(zip_longest(first, second), start=1):
            if a != b:
                return _in_line(name, number, a, b, same_values=same_values)
    return None


def _in_line(
    name: str, number: int, a: str | None, b: str | None, *, same_values: bool
) -> Difference:
    if a is None or b is None:
        values = [END if each is None else _without_end(each) for each in (a, b)]
        return Difference.between(name, f"line {number}", *values, same_values=same_values)
    shared = min(len(a), len(b))
    column = next((i for i in range(shared) if a[i] != b[i]), shared)
    ends = [len(each) - len(_without_end(each)) for each in (a, b)]
    # Line ends are shown where they differ.
    texts = [a, b] if a[-ends[0] :] != b[-ends[1] :] else [_without_end(a), _without_end(b)]
    if max(map(len, texts)) > LONGEST_VALUE:
        start = max(0, column - _CHARACTERS_BEFORE)
        texts = [each[start:] for each in texts]
    place = f"line {number}, column {column + 1}"
    return Difference.between(name, place, *texts, same_values=same_values)


def _without_end(line: str) -> str:
    return line.rstrip("\r\n")
