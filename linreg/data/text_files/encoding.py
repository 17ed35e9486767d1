"""The encoding of a file of text: by its mark, the option, its bytes, or a guess from its cells."""

import codecs
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from linreg.data.tables.reading_note import ReadingNote
from linreg.data.text_files.guess import (
    Reading,
    cells_outside_ascii,
    is_mixed,
    is_utf8,
    plausible_readings,
)
from linreg.errors import UserError
from linreg.params.ingest import ReadOptions

UTF8 = "utf-8"
_LEAST_ASCII = 0.3
_OPTION = "ingest.encoding"
# As browsers do: the first are subsets of the second, but for control characters that no text has.
_WIDER = {
    "iso8859-1": "cp1252",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
}
_MARKS = (
    (codecs.BOM_UTF8, UTF8),
    # Before the mark of UTF-16, with which it begins.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WITHOUT_MARK = {
    "utf-32-le": "UTF-32 (little-endian)",
    "utf-32-be": "UTF-32 (big-endian)",
    "utf-16-le": "UTF-16 (little-endian)",
    "utf-16-be": "UTF-16 (big-endian)",
}


class Encoding(NamedTuple):
    """How bytes are text.

    name   the name of a codec
    mark   how many bytes a byte order mark takes that the codec does not read
    notes  what was chosen
    """

    name: str = UTF8
    mark: int = 0
    notes: tuple[ReadingNote, ...] = ()


def find_encoding(
    path: Path, start: bytes, pieces: Callable[[], Iterator[bytes]], options: ReadOptions
) -> Encoding:
    """Return the encoding of a file, of which `start` is the first block and `pieces` yield all.

    A mark goes before the option, since no text begins like that in another encoding. Where there
    is neither, the text is UTF-8 if its first block is; what follows may prove to be no text.
    Raises UserError where the option is wrong, and where the bytes leave several readings or none.
    """
    for mark, name in _MARKS:
        if start.startswith(mark):
            return Encoding(name, len(mark) if name == UTF8 else 0)
    if options.encoding:
        return _given_encoding(path, options.encoding, start)
    if b"\0" in start:
        return _unicode_without_mark(path, start)
    if is_utf8(start, final=False):
        return Encoding()
    return _guessed_encoding(path, cells_outside_ascii(pieces()))


def _given_encoding(path: Path, given: str, start: bytes) -> Encoding:
    """Return the encoding that was given; raises UserError where the text is UTF-8."""
    name = codecs.lookup(given).name.removesuffix("-sig")
    is_other_utf8 = name != UTF8 and not start.isascii() and is_utf8(start, final=False)
    # Pairs of bytes of other encodings are UTF-8 by chance.
    if is_other_utf8 and _has_a_character_per_byte(name):
        cell = next(iter(cells_outside_ascii([start])))
        raise UserError(
            path,
            f"is UTF-8, not {given} ({_OPTION})",
            found=f"{cell.decode(errors='replace')!r}, in {given} it would be"
            f" {cell.decode(name, errors='replace')!r}",
            todo=f"set {_OPTION} to null",
        )
    return Encoding(_WIDER.get(name, name))


def _has_a_character_per_byte(name: str) -> bool:
    return len(bytes(range(128, 256)).decode(name, errors="replace")) == 128


def _unicode_without_mark(path: Path, start: bytes) -> Encoding:
    """Return the encoding of two or four bytes a character that the NULs of a text show.

    It is UTF-8 where they show none, so that the first of them is named as an error.
    """
    for name, shown in _WITHOUT_MARK.items():
        width = 4 if "32" in name else 2
        text = start[: len(start) - len(start) % width]
        # The high byte of ASCII is 0, and its low byte is not.
        high, low = (width - 1, 0) if name.endswith("le") else (0, width - 1)
        num_ascii = text[high::width].count(0)
        if text[low::width].count(0) or num_ascii < _LEAST_ASCII * len(text) / width:
            continue
        try:
            decoded = text.decode(name)
        except UnicodeDecodeError:
            continue
        if "\n" in decoded or "\r" in decoded:
            lines = decoded.split()
            cell = next((each for each in lines if not each.isascii()), lines[0] if lines else "")
            what = f"is read as {shown}, as its bytes show ({cell[:40]!r})"
            return Encoding(name, notes=(ReadingNote(path.name, what, _OPTION),))
    return Encoding()


def _guessed_encoding(path: Path, cells: list[bytes]) -> Encoding:
    readings = plausible_readings(cells)
    if is_mixed(cells, readings[0].encoding if readings else UTF8):
        # The first row that is not UTF-8 is named when it is read.
        return Encoding()
    if len(readings) == 1:
        name = readings[0].encoding
        what = f"is not UTF-8, and is read as {name} ({readings[0].shown()!r})"
        return Encoding(name, notes=(ReadingNote(path.name, what, _OPTION),))
    if not readings:
        raise UserError(
            path,
            "is not UTF-8, and no usual encoding makes words of it",
            found=max(cells, key=len)[:40],
            todo=f"set {_OPTION} to its encoding",
        )
    raise UserError(
        path,
        "is not UTF-8, and may be in several encodings",
        found=_shown(readings),
        todo=f"set {_OPTION} to the right one: `linreg use FILE --encoding {readings[0].encoding}`",
    )


def _shown(readings: list[Reading]) -> str:
    """Return a cell as the first readings have it, one in which they differ."""
    first, second, *more = readings
    differ = [
        index
        for index, (one, other) in enumerate(zip(first.cells, second.cells, strict=True))
        if one != other
    ]
    index = min(differ, key=lambda index: abs(len(first.cells[index]) - 12))
    shown = [f"{each.cells[index][:40]!r} in {each.encoding}" for each in (first, second)]
    others = ", or another in " + ", ".join(each.encoding for each in more[:3]) if more else ""
    return " or ".join(shown) + others
