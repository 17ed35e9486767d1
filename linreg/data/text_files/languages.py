"""Whether text reads as words of a language: what tells one encoding from another.

Bytes above 127 are letters in every encoding. In the right one, those of a word belong to one
script, capitals begin it, and those of a file make up the alphabets of a few languages.
"""

import re
import unicodedata
from collections.abc import Sequence, Set
from itertools import combinations

MOST_LANGUAGES = 3
_MOST_ODD_WORDS = 0.05
# Letters outside ASCII, small ones; those that are as good as never used are left out.
_ALPHABETS = {
    "Danish, Norwegian": "æøåéôòü",
    "Dutch": "éëïèöüá",
    "Estonian": "äöüõšž",
    "Finnish, Swedish": "åäöé",
    "French": "àâæçéèêëîïôœùûüÿ",
    "German": "äöüßé",
    "Icelandic": "áéíóúýþæöð",
    "Italian": "àèéìîòù",
    "Portuguese": "áâãàçéêíóôõú",
    "Spanish, Catalan": "áéíóúñüçàèïò",
    "Croatian, Slovene": "čćđšž",
    "Czech": "áčďéěíňóřšťúůýž",
    "Hungarian": "áéíóöőúüű",
    "Polish": "ąćęłńóśźż",
    "Romanian": "ăâîșțşţ",
    "Slovak": "áäčďéíľňóôšťúýž",
    "Turkish": "çğıöşüâîû",
    "Latvian": "āčēģīķļņšūž",
    "Lithuanian": "ąčęėįšųūž",
    "Russian": "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
    "Ukrainian": "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
    "Serbian": "абвгдђежзијклљмнњопрстћуфхцчџш",
    "Greek": "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",
    "Hebrew": "".join(map(chr, range(0x5D0, 0x5EB))),
    "Arabic": "".join(map(chr, range(0x621, 0x64B))) + "پچژگ",
    "Thai": "".join(map(chr, range(0xE01, 0xE5B))),
}
_SYMBOLS = frozenset("€£¥°–—…‘’‚“”„«»§©®™±²³µ½¼¾×÷·¿¡ºª‰†•\u00a0№")
_BETWEEN_LETTERS = frozenset("’‘–—\u00a0")
_MICRO = re.compile(r"µ(g|l|L|m|s|A|V|W|M|F|H|N|J|K|T|C|Gy|Pa|Sv|mol|in)?(?![^\W\d_])")
_NOT_LETTERS = str.maketrans(dict.fromkeys("²³¹¼½¾ºª", " "))
_WESTERN_WORD = re.compile(
    r"(?:[a-zàäåéëíîóôöúüß]|(?<![aeiouäöü])á|â(?!j)|ç(?=[aou])|ñ(?=[aeiouáéíóú])|ã(?=[eo])|õ(?=e)"
    r"|è(?=[b-z]+e|s?\b)|ê(?=t|m|ch|l|p|v|r|n)|(?<=a)ï|(?<=o)û|û(?=t)|(?<=o)ù\b|œ(?=u)"
    r"|æ(?=[b-dfghj-np-tv-z])|ø(?![aeiouyáéíóú]))+"
)
"""A word whose letters stand where Western European languages have them, and where those that other
encodings read from the same bytes hardly do: Coruña, but not Gdañsk for Gdańsk.
"""
_WORD = re.compile(r"[^\W\d_]+")


def count_languages(cells: Sequence[str]) -> int | None:
    """Return how many languages have all letters of the cells, or None where none seem to.

    That is 0 for cells in which all that is outside ASCII is symbols such as €, and at most
    MOST_LANGUAGES.
    """
    texts = [_MICRO.sub(" ", cell.translate(_NOT_LETTERS)) for cell in cells]
    words = [word for text in texts for word in _WORD.findall(text) if not word.isascii()]
    odd = sum(map(_is_odd_word, words)) + sum(map(_has_odd_symbol, cells))
    if odd > _MOST_ODD_WORDS * (len(words) + 1):
        return None
    letters = letters_of(words)
    return next(
        (count for count in range(MOST_LANGUAGES + 1) if _are_of_languages(letters, count)), None
    )


def are_plainly_western(cells: Sequence[str]) -> bool:
    """Whether cells are words of Western Europe, with most of their letters in ASCII."""
    words = [word.lower() for cell in cells for word in _WORD.findall(_MICRO.sub(" ", cell))]
    words = [word for word in words if not word.translate(_NOT_LETTERS).isascii()]
    return bool(words) and all(
        _WESTERN_WORD.fullmatch(word) and 2 * sum(map(str.isascii, word)) >= len(word)
        for word in words
    )


def letters_of(texts: Sequence[str]) -> Set[str]:
    """Return the letters outside ASCII, small ones."""
    letters = {each for text in texts for each in text.lower()}
    return {each for each in letters if each.isalpha() and not each.isascii()}


def _are_of_languages(letters: Set[str], count: int) -> bool:
    return any(
        letters <= set("".join(alphabets)) for alphabets in combinations(_ALPHABETS.values(), count)
    )


def _is_odd_word(word: str) -> bool:
    scripts = {unicodedata.name(each, "").split(" ")[0] for each in word}
    # Scripts without capitals have neither case.
    has_case_of_a_word = word.isupper() or word[1:] == word[1:].lower()
    # Greek has a sigma for the end of a word.
    return len(scripts) > 1 or not has_case_of_a_word or "ς" in word[:-1]


def _has_odd_symbol(cell: str) -> bool:
    for index, each in enumerate(cell):
        if each.isascii() or each.isalpha():
            continue
        before, after = cell[max(0, index - 1) : index], cell[index + 1 : index + 2]
        if unicodedata.combining(each) or unicodedata.category(each) == "Mn":
            if before.isascii():
                return True
        elif (
            each not in _SYMBOLS
            or (
                each not in _BETWEEN_LETTERS
                and ((before.isalpha() or each == "€") and after.isalpha())
            )
            or before in _SYMBOLS - _BETWEEN_LETTERS
        ):
            return True
    return False
