"""Text and numbers as LaTeX shows them."""

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


def tex(text: str) -> str:
    """Return text as LaTeX shows it literally."""
    return "".join(TEX.get(sign, sign) for sign in " ".join(text.split()))


def tex_number(text: str) -> str:
    """Return a number with a minus sign rather than a hyphen, a dash for none.

    It may stand in parentheses, and stars may follow it.
    """
    number = text.rstrip("*")
    if number.startswith("("):
        return f"({tex_number(number[1:-1])})"
    stars = text[len(number) :]
    mantissa, _, exponent = number.partition("e")
    if exponent:
        return f"${mantissa} \\times 10^{{{int(exponent)}}}$" + _raised(stars)
    shown = f"${number}$" if number[:1] in ("-", "<") else tex(number)
    return shown + _raised(stars)


def _raised(stars: str) -> str:
    return f"$^{{{stars}}}$" if stars else ""
