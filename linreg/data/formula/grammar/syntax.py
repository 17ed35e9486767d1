"""Text parsed into a tree: one grammar for formulas, the expressions in them, and conditions."""

from collections.abc import Sequence
from itertools import pairwise

from linreg.data.formula.grammar.syntax_tree import (
    BINDING,
    COMPARISON,
    DEEPEST_NESTING,
    NOT,
    POWER,
    SIGN,
    Binary,
    Braces,
    Call,
    Dot,
    Listing,
    Literal,
    Name,
    Node,
    Unary,
)
from linreg.data.formula.grammar.tokens import FormulaSyntaxError, Token, tokenize

_WORDS = frozenset(["and", "or", "not", "in", "is", "AND", "OR", "NOT", "IN", "IS"])


def parse(text: str, *, words: bool = False) -> Node:
    """Return the tree of a text; raises FormulaSyntaxError.

    With `words`, and, or, not, in and is are operators; otherwise they are names.
    """
    return parse_tokens(text, tokenize(text), words=words)


def parse_tokens(text: str, tokens: Sequence[Token], *, words: bool = False) -> Node:
    """Return the tree of some of the tokens of a text; raises FormulaSyntaxError."""
    parser = _Parser(text, tokens, words)
    tree = parser.expression(0)
    parser.require_end()
    return tree


class _Parser:
    """Parses by precedence climbing: an operand, and all operators that bind tighter than those
    before it (Pratt 1973).
    """

    def __init__(self, text: str, tokens: Sequence[Token], words: bool) -> None:
        self._text = text
        self._tokens = tokens
        self._operators = _operators(tokens, words)
        self._index = 0
        self._nesting = 0

    def expression(self, binding: int) -> Node:
        """Parse an operand and what follows it, up to an operator that binds no tighter."""
        self._nesting += 1
        if self._nesting > DEEPEST_NESTING:
            raise FormulaSyntaxError(f"nested more than {DEEPEST_NESTING} levels deep")
        left = self._operand()
        compared = False
        while BINDING.get(operator := self._operators[self._index], -1) > binding:
            own = BINDING[operator]
            if own == COMPARISON:
                if compared:
                    raise FormulaSyntaxError("two comparisons in a row: join them with and")
                compared = True
            self._index += len(operator.split())
            # A power takes a sign on its right, and the power to the right of it.
            right = self.expression(SIGN - 1 if own == POWER else own)
            left = Binary(operator, left, right)
        self._nesting -= 1
        return left

    def require_end(self) -> None:
        """Raise FormulaSyntaxError unless all tokens are read."""
        if self._index == len(self._tokens):
            return
        self._require_no_assignment()
        if self._operators[self._index]:
            raise FormulaSyntaxError(f"unexpected {self._word()}")
        raise FormulaSyntaxError(f"there is no operator before {self._word()}")

    def _operand(self) -> Node:
        """Parse a name, a value, a call, or what stands in parentheses, with its sign."""
        if self._index == len(self._tokens):
            raise FormulaSyntaxError("it ends where a name should follow")
        token = self._tokens[self._index]
        operator = self._operators[self._index]
        if operator in ("-", "+"):
            self._index += 1
            return Unary(operator, self.expression(SIGN - 1))
        if operator in ("not", "!"):
            self._index += 1
            return Unary("not", self.expression(NOT))
        self._index += 1
        match operator:
            case "(" | "[":
                items = self._items(")" if operator == "(" else "]")
                if operator == "(" and len(items) == 1:
                    return items[0]
                return Listing(items)
            case "{":
                inner = self.expression(0)
                self._require("}")
                return Braces(inner, self._source(token))
            case ".":
                return Dot()
            case "":
                pass
            case _:
                self._index -= 1
                raise FormulaSyntaxError(f"unexpected {self._word()}")
        if token.kind in ("number", "text"):
            return Literal(token.value)
        name = str(token.value)
        if token.kind == "quoted":
            return Name(name, quoted=True)
        return self._call(name, token) if self._operators[self._index] == "(" else Name(name)

    def _call(self, function: str, first: Token) -> Node:
        """Parse the arguments of a function; patsy's Q("a name") is the name."""
        self._index += 1
        keywords: list[tuple[str, Node]] = []
        arguments = self._items(")", keywords)
        match function, arguments:
            case "Q", [Literal(value=str() as name)] if not keywords and name:
                return Name(name, quoted=True)
        return Call(function, arguments, tuple(keywords), self._source(first))

    def _items(
        self, closing: str, keywords: list[tuple[str, Node]] | None = None
    ) -> tuple[Node, ...]:
        """Parse values with commas between them; add those with a name to `keywords`."""
        items: list[Node] = []
        while self._operators[self._index] != closing:
            name = self._word()
            value = self.expression(0)
            if (
                keywords is not None
                and self._operators[self._index] == "="
                and isinstance(value, Name)
            ):
                self._index += 1
                keywords.append((name, self.expression(0)))
            else:
                items.append(value)
            self._require_no_assignment()
            if self._operators[self._index] != closing:
                self._require(",")
        self._index += 1
        return tuple(items)

    def _require_no_assignment(self) -> None:
        if self._operators[self._index] == "=":
            raise FormulaSyntaxError("= is no operator: two of them, ==, compare")

    def _require(self, operator: str) -> None:
        if self._operators[self._index] != operator:
            found = self._word() or "nothing"
            raise FormulaSyntaxError(f"{operator} expected, {found} found")
        self._index += 1

    def _word(self) -> str:
        """Return what is written at the present place; empty at the end."""
        if self._index >= len(self._tokens):
            return ""
        token = self._tokens[self._index]
        return self._text[token.start : token.end]

    def _source(self, first: Token) -> str:
        """Return the text from a token up to the last one that was read."""
        return self._text[first.start : self._tokens[self._index - 1].end]


def _operators(tokens: Sequence[Token], words: bool) -> list[str]:
    """Return the operator that begins at each token, and at the end: empty where there is none."""
    operators = [
        str(token.value)
        if token.kind == "operator"
        else str(token.value).lower()
        if words and token.kind == "name" and token.value in _WORDS
        else ""
        for token in tokens
    ]
    operators.append("")
    if words:
        for index, pair in enumerate(pairwise(operators)):
            if pair in (("is", "not"), ("not", "in")):
                operators[index] = " ".join(pair)
    return operators
