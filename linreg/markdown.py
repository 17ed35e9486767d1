"""Text from files, such as names and levels, as it is: Markdown gives it no other meaning.

MLflow shows descriptions as Markdown, in which the name of a column could become a remote image.
"""

import re


def code(text: str) -> str:
    """Return a text as inline code on one line; it may contain backticks."""
    text = _on_one_line(text)
    longest = max(map(len, re.findall("`+", text)), default=0)
    delimiter = "`" * (longest + 1)
    return f"{delimiter} {text} {delimiter}" if longest else f"`{text}`"


def plain(text: str) -> str:
    """Return a text on one line, with all characters escaped that Markdown or HTML would act on."""
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", _on_one_line(text))


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
