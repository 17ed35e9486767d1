"""The encoding of a file that is not UTF-8, guessed from all cells that are not ASCII.

A guess is made only where every other plausible encoding reads the same text.
"""

import codecs
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from linreg.data.text_files.ideographs import KOREAN, reads_as
from linreg.data.text_files.languages import are_plainly_western, count_languages, letters_of

_OF_LANGUAGES = (
    "cp1252",
    "cp1250",
    "cp1251",
    "cp1253",
    "cp1254",
    "cp1257",
    "cp1255",
    "cp1256",
    "cp874",
    "iso8859-15",
    "iso8859-2",
    "iso8859-5",
    "iso8859-7",
    "koi8-r",
    "cp850",
    "cp852",
    "cp866",
    "mac-roman",
)
_OF_IDEOGRAPHS = {
    "cp932": "Japanese",
    "euc-jp": "Japanese",
    "gb18030": "Simplified Chinese",
    "big5": "Traditional Chinese",
    "cp949": KOREAN,
}
_OF_SYMBOLS = ("cp1252", "iso8859-15")
_MOST_CELLS = 5000
_ENOUGH_LETTERS = 5
_ENOUGH_SYLLABLES = 20
# Neither a delimiter below 0x40 nor a line end is the second byte of a character anywhere.
_CELL = re.compile(rb'[^\r\n\t,;"]*[\x80-\xff][^\r\n\t,;"]*')


class Reading(NamedTuple):
    """How an encoding reads the cells that are not ASCII; `languages` is how many they are in."""

    encoding: str
    cells: tuple[str, ...]
    languages: int

    def shown(self) -> str:
        """Return the cell with the most characters outside ASCII, and not too many others."""
        return max(self.cells, key=lambda cell: sum(not each.isascii() for each in cell[:40]))[:40]


def cells_outside_ascii(pieces: Iterable[bytes]) -> list[bytes]:
    """Return different cells of a text that are not ASCII: the first few thousand."""
    cells: dict[bytes, None] = {}
    begun = b""
    for piece in pieces:
        text = begun + piece
        # A cell that the end of the piece cuts is left to the next one.
        end = max(text.rfind(b"\n"), text.rfind(b"\r")) + 1 or len(text)
        begun = text[end:]
        _add_cells(cells, text[:end])
        if len(cells) >= _MOST_CELLS:
            break
    _add_cells(cells, begun)
    return list(cells)


def _add_cells(cells: dict[bytes, None], text: bytes) -> None:
    if not text.isascii():
        cells.update(dict.fromkeys(each.strip() for each in _CELL.findall(text)))


def plausible_readings(cells: Sequence[bytes]) -> list[Reading]:
    """Return the plausible readings that differ, the most plausible one first.

    Of encodings that read the same only the first is returned. One reading is left alone where it
    has symbols alone and others letters, or words that are plainly Western, or where all its
    letters, and enough of them, belong to one language, and those of any other do not; or enough
    syllables of Korean, which take a part of the bytes that Chinese would.
    """
    readings: dict[tuple[str, ...], Reading] = {}
    for encoding in (*_OF_LANGUAGES, *_OF_IDEOGRAPHS):
        try:
            decoded = tuple(cell.decode(encoding) for cell in cells)
        except UnicodeDecodeError:
            continue
        if encoding in _OF_IDEOGRAPHS:
            languages = 1 if reads_as(_OF_IDEOGRAPHS[encoding], decoded) else None
        else:
            languages = count_languages(decoded)
        if languages is not None:
            readings.setdefault(decoded, Reading(encoding, decoded, languages))
    ranked = sorted(readings.values(), key=lambda each: each.languages)
    best = [each for each in ranked if each.languages == ranked[0].languages]
    korean = [each for each in ranked if _OF_IDEOGRAPHS.get(each.encoding) == KOREAN]
    if korean and len("".join(korean[0].cells)) >= _ENOUGH_SYLLABLES:
        return korean
    western = [each for each in ranked if each.encoding == _OF_SYMBOLS[0]]
    if western and are_plainly_western(western[0].cells):
        return western
    if len(best) == 1 and _is_convincing(best[0]):
        return best
    return ranked


def _is_convincing(reading: Reading) -> bool:
    if reading.languages == 0:
        return reading.encoding in _OF_SYMBOLS
    return reading.languages == 1 and len(letters_of(reading.cells)) >= _ENOUGH_LETTERS


def is_mixed(cells: Sequence[bytes], encoding: str) -> bool:
    """Whether some cells are UTF-8 while an encoding is that of the others.

    Pairs of bytes of Chinese, Japanese and Korean encodings may be UTF-8 by chance.
    """
    num_utf8 = sum(is_utf8(cell, final=True) for cell in cells)
    return num_utf8 > (0.1 * len(cells) if encoding in _OF_IDEOGRAPHS else 0)


def is_utf8(block: bytes, *, final: bool) -> bool:
    """Whether bytes are UTF-8; their end may cut a character unless it is final."""
    if block.isascii():
        # Most tables end here, which takes a tenth of the time.
        return True
    try:
        codecs.getincrementaldecoder("utf-8")().decode(block, final)
    except UnicodeDecodeError:
        return False
    return True
