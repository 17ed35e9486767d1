"""Text of others within a page in Markdown, where it stays text: names and levels come out of
files.

MLflow shows descriptions as Markdown, in which a column's name could be a picture from elsewhere.
"""

import re


def code(text: str) -> str:
    """Return a text as code, on one line; it may hold back-quotes itself."""
    text = _on_one_line(text)
    longest = max(map(len, re.findall("`+", text)), default=0)
    return f"{'`' * (longest + 1)} {text} {'`' * (longest + 1)}" if longest else f"`{text}`"


def plain(text: str) -> str:
    """Return a text, on one line, with a backslash before every sign that Markdown or HTML would
    take for more.
    """
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", _on_one_line(text))


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
