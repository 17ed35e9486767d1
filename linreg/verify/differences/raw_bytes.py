"""The first byte in which two files differ, and the bytes around it."""

from pathlib import Path

from linreg.verify.differences.difference import Description, Difference

_BYTES_PER_READ = 1 << 20
_BYTES_AROUND = 8


def byte_difference(expected: Path, found: Path, name: str, *, same_values: bool) -> Difference:
    """Return the first byte that differs, in hexadecimal; its offset is counted from 0."""
    offset = first_differing_byte(expected, found)
    where = f"byte {offset}"
    values = [_with_context(path, offset) for path in (expected, found)]
    return Difference.between(name, where, *values, same_values=same_values)


def first_differing_byte(expected: Path, found: Path) -> int:
    """Return the offset of the first byte in which two different files differ."""
    offset = 0
    with expected.open("rb") as first, found.open("rb") as second:
        while True:
            a, b = first.read(_BYTES_PER_READ), second.read(_BYTES_PER_READ)
            if a != b or not a:
                break
            offset += len(a)
    shared = min(len(a), len(b))
    return offset + next((i for i in range(shared) if a[i] != b[i]), shared)


def _with_context(path: Path, offset: int) -> Description:
    """Return a byte in brackets, between those around it."""
    start = max(0, offset - _BYTES_AROUND)
    with path.open("rb") as file:
        file.seek(start)
        data = file.read(offset - start + 1 + _BYTES_AROUND)
    before, after = data[: offset - start], data[offset - start + 1 :]
    if len(data) <= offset - start:
        return Description("the end of the file")
    words = [before.hex(" "), f"[{data[offset - start]:02x}]", after.hex(" ")]
    return Description(" ".join(word for word in words if word))
