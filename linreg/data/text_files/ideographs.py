"""Whether text reads as Chinese, Japanese or Korean.

The standards list their characters by use: first the few thousand that are in daily use.
"""

import re
from collections.abc import Callable, Sequence

KOREAN = "Korean"
_ENOUGH = 0.9
_RUN = re.compile(r"([A-Za-z]?)[^\x00-\x7f]+([A-Za-z]?)")


def reads_as(language: str, cells: Sequence[str]) -> bool:
    """Whether what is outside ASCII in the cells is nearly all in daily use in a language.

    Words of Latin letters seldom touch it.
    """
    characters = [each for cell in cells for each in cell if not each.isascii()]
    usual = sum(map(_USUAL[language], characters))
    runs = [letters for cell in cells for letters in _RUN.findall(cell)]
    touched = sum(any(letters) for letters in runs)
    return usual >= _ENOUGH * len(characters) and touched <= (1 - _ENOUGH) * len(runs)


def _leads(encoding: str, first: int, last: int) -> Callable[[str], bool]:
    """Return whether a character is one of two bytes, of which the first is in a range."""

    def is_usual(character: str) -> bool:
        try:
            encoded = character.encode(encoding)
        except UnicodeEncodeError:
            return False
        return len(encoded) == 2 and first <= encoded[0] <= last

    return is_usual


def _is_kana_or_usual_kanji(character: str) -> bool:
    return "\u3000" <= character <= "\u30ff" or _leads("euc_jp", 0xB0, 0xCF)(character)


def _is_hangul(character: str) -> bool:
    return "\uac00" <= character <= "\ud7a3" and _leads("euc_kr", 0xB0, 0xC8)(character)


_USUAL: dict[str, Callable[[str], bool]] = {
    "Simplified Chinese": _leads("gb2312", 0xB0, 0xD7),
    "Traditional Chinese": _leads("big5", 0xA4, 0xC6),
    "Japanese": _is_kana_or_usual_kanji,
    KOREAN: _is_hangul,
}
