"""Text and numbers as LaTeX shows them."""

import re

TEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"$<$",
    ">": r"$>$",
    "θ": r"$\theta$",
    "²": r"$^2$",
    "–": r"--",
    "…": r"\dots{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}

NUMBER = re.compile(r"\(?[-<]?[0-9.]+(e[-+]?[0-9]+)?\)?\**")


def tex(text: str) -> str:
    """Return text as LaTeX shows it literally."""
    return "".join(TEX.get(sign, sign) for sign in " ".join(text.split()))


def tex_number(text: str) -> str:
    """Return a number with a minus sign rather than a hyphen; other text literally.

    It may stand in parentheses, and stars may follow it.
    """
    if not NUMBER.fullmatch(text):
        return tex(text)
    number = text.rstrip("*")
    stars = f"^{{{text[len(number) :]}}}" if number != text else ""
    if number.startswith("("):
        return f"({tex_number(number[1:-1])})"
    mantissa, _, exponent = number.partition("e")
    if exponent:
        return f"${mantissa} \\times 10^{{{int(exponent)}}}{stars and '{}' + stars}$"
    if number[:1] in ("-", "<"):
        return f"${number}{stars}$"
    return tex(number) + (f"${stars}$" if stars else "")
