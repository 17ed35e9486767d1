"""The words of a formula or a condition: names, numbers, texts in quotes, operators.

A name is taken as it is written, without the normalization of Python's own tokenizer (which makes
the micro sign a Greek letter), and none is reserved.
"""

import re
from typing import Literal, NamedTuple

Kind = Literal["name", "quoted", "number", "text", "operator"]

MOST_CHARACTERS = 4_000_000
"""Of a formula: enough for a sum of 100,000 long names, which takes a second."""

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<quoted>`(?:[^`]|``)+`)
    |(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    |(?P<number>0[xX][0-9a-fA-F]+|(?:[0-9][0-9_]*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    |(?P<name>(?:[^\W\d]|\.(?=[^\W\d]))[\w.]*)
    |(?P<operator>%in%|\*\*|==|!=|<>|<=|>=|&&|\|\||[-+*/^:~(){}\[\],=<>!&|.])
    |(?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)
_REST_OF_NAME = re.compile(r"[\w.]*")
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U000[0-9a-fA-F]{5}|[\\'\"ntr])")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}


class FormulaSyntaxError(ValueError):
    """Text that the grammar does not have; the message says what is wrong, as part of a line."""


class ArgumentError(FormulaSyntaxError):
    """A function of a formula, called with arguments that it cannot have.

    call  as it was written
    what  is wrong with it
    """

    def __init__(self, call: str, what: str) -> None:
        super().__init__(f"{call}: {what}")
        self.call = call
        self.what = what


class Token(NamedTuple):
    """A word, and where it begins and ends in the text."""

    kind: Kind
    value: str | int | float
    start: int
    end: int


def quote_name(column: str) -> str:
    """Return a column's name as a formula takes it: in back-quotes unless it is an identifier.

    A back-quote in the name is written twice.
    """
    return column if column.isidentifier() else in_back_quotes(column)


def in_back_quotes(column: str) -> str:
    """Return a column's name in back-quotes, whatever it is."""
    return "`" + column.replace("`", "``") + "`"


def tokenize(text: str) -> list[Token]:
    """Return the words of a text; raises FormulaSyntaxError for a character that begins none."""
    if len(text) > MOST_CHARACTERS:
        raise FormulaSyntaxError(f"longer than {MOST_CHARACTERS:,} characters")
    tokens: list[Token] = []
    position = 0
    while True:
        match = _TOKEN.match(text, position) or _match_identifier(text, position)
        kind, word = match.lastgroup, match[match.lastgroup or 0]
        start, position = match.span(kind or 0)
        value: str | int | float = word
        match kind:
            case "end":
                return tokens
            case "name":
                if position < len(text) and not text[position].isascii():
                    position = _end_of_name(text, position)
                value = text[start:position]
            case "quoted":
                value = word[1:-1].replace("``", "`")
            case "text":
                value = _ESCAPE.sub(_unescape, word[1:-1])
            case "number":
                if _end_of_name(text, position) > position:
                    end = _end_of_name(text, position)
                    message = f"{text[start:end]} begins with a digit: a name needs `back-quotes`"
                    raise FormulaSyntaxError(message)
                value = _number(word)
        tokens.append(Token(kind, value, start, position))  # type: ignore[arg-type]


def _match_identifier(text: str, position: int) -> re.Match[str]:
    """Match a name that begins with a letter which is none for regular expressions, such as ℘."""
    position += len(text[position:]) - len(text[position:].lstrip())
    if text[position].isidentifier():
        match = re.compile("(?P<name>.)").match(text, position)
        assert match is not None, "a character matches"
        return match
    if text[position] in "`'\"":
        raise FormulaSyntaxError(f"{text[position]} is not closed")
    raise FormulaSyntaxError(f"unexpected character {text[position]!r}")


def _end_of_name(text: str, position: int) -> int:
    """Return where a name ends that goes on at a position: marks such as accents belong to it."""
    while True:
        match = _REST_OF_NAME.match(text, position)
        assert match is not None, "nothing matches, too"
        position = match.end()
        if position == len(text) or text[position].isascii():
            return position
        if not f"_{text[position]}".isidentifier():
            return position
        position += 1


def _number(word: str) -> int | float:
    try:
        if word[:2] in ("0x", "0X"):
            return int(word, 16)
        return int(word) if word.replace("_", "").isdigit() else float(word)
    except ValueError:
        raise FormulaSyntaxError(f"{word[:20]} is not a number") from None


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    return chr(int(code[1:], 16)) if code[0] in "xuU" else _ESCAPED.get(code, code)
