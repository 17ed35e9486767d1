"""Absorbed factors: what stands behind the `|` of a formula such as `y ~ x | firm + year`."""

from collections.abc import Sequence

from linreg.data.formula.grammar.syntax_tree import Binary, Call, Name, Node
from linreg.data.formula.grammar.tokens import FormulaSyntaxError, Token

_OPENING, _CLOSING = ("(", "[", "{"), (")", "]", "}")


def cut_at_bar(tokens: Sequence[Token]) -> tuple[Sequence[Token], Sequence[Token]]:
    """Return the words before and behind the `|` that stands in no parentheses, if there is one.

    Raises FormulaSyntaxError for more than one, and for one at the end.
    """
    depth = 0
    bars = []
    for index, token in enumerate(tokens):
        if token.kind == "operator":
            depth += (token.value in _OPENING) - (token.value in _CLOSING)
            bars += [index] if token.value == "|" and depth == 0 else []
    if len(bars) > 1:
        raise FormulaSyntaxError("there is more than one |")
    if not bars:
        return tokens, ()
    if bars[0] == len(tokens) - 1:
        raise FormulaSyntaxError("it ends where a name should follow")
    return tokens[: bars[0]], tokens[bars[0] + 1 :]


def absorbed_columns(names: Node) -> tuple[str, ...]:
    """Return the columns of a sum of names, each once; raises FormulaSyntaxError."""
    columns: list[str] = []
    # A sum is a tree that leans to the left.
    while isinstance(names, Binary) and names.operator == "+":
        columns.insert(0, _column(names.right))
        names = names.left
    columns.insert(0, _column(names))
    return tuple(dict.fromkeys(columns))


def _column(node: Node) -> str:
    match node:
        case Name(name=column) | Call(function="C", arguments=[Name(name=column)], keywords=()):
            return column
    raise FormulaSyntaxError("behind | stand names of columns with + between them")
