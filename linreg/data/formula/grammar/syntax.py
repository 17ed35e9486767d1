"""Text parsed into a tree: one grammar for formulas, the expressions in them, and conditions.

The operators bind as in R, which agrees with Python where both have them. A tree says nothing of
meaning: `terms.py` reads it as R's terms, `expressions.py` as arithmetic on columns, and the
condition `ingest.where` as a truth value. Nothing of it is ever executed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeAlias

from linreg.data.formula.grammar.tokens import FormulaSyntaxError, Token, in_back_quotes, tokenize

DEEPEST_NESTING = 80
"""Of parentheses, calls and signs: far less than Python's stack holds."""
LARGEST_POWER = 10
"""Of numbers and of terms."""

_BINDING = {
    **dict.fromkeys(("or", "|", "||"), 10),
    **dict.fromkeys(("and", "&", "&&"), 20),
    **dict.fromkeys(("==", "!=", "<>", "<", "<=", ">", ">=", "in", "not in", "is", "is not"), 40),
    **dict.fromkeys("+-", 50),
    **dict.fromkeys("*/", 60),
    "%in%": 70,
    ":": 80,
    **dict.fromkeys(("**", "^"), 100),
}
_NOT = 30
_COMPARISON = 40
_SIGN = 90
_POWER = 100
_WORDS = frozenset(["and", "or", "not", "in", "is", "AND", "OR", "NOT", "IN", "IS"])


@dataclass(frozen=True, slots=True)
class Name:
    """A column."""

    name: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, or a text in quotes."""

    value: str | int | float


@dataclass(frozen=True, slots=True)
class Dot:
    """All other columns."""


@dataclass(frozen=True, slots=True)
class Unary:
    """A sign, or `not`."""

    operator: str
    operand: "Node"


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands and what stands between them."""

    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments, of which some have a name; `source` is the text as written."""

    function: str
    arguments: tuple["Node", ...]
    keywords: tuple[tuple[str, "Node"], ...]
    source: str


@dataclass(frozen=True, slots=True)
class Braces:
    """Arithmetic as a term, as in `{a / b}`; `source` is the text as written."""

    inner: "Node"
    source: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Several values, in brackets or in parentheses."""

    items: tuple["Node", ...]


Node: TypeAlias = Name | Literal | Dot | Unary | Binary | Call | Braces | Listing


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
        while _BINDING.get(operator := self._operators[self._index], -1) > binding:
            own = _BINDING[operator]
            if own == _COMPARISON:
                if compared:
                    raise FormulaSyntaxError("two comparisons in a row: join them with and")
                compared = True
            self._index += len(operator.split())
            # A power takes a sign on its right, and the power to the right of it.
            right = self.expression(_SIGN - 1 if own == _POWER else own)
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
            return Unary(operator, self.expression(_SIGN - 1))
        if operator in ("not", "!"):
            self._index += 1
            return Unary("not", self.expression(_NOT))
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


def with_columns_quoted(node: Node, columns: Collection[str], depth: int = 0) -> Node:
    """Return a tree in which the names of some columns are quoted, and so no constants.

    What is nested deeper than any expression may be is left as it is.
    """
    if not columns or depth > DEEPEST_NESTING:
        return node

    def quoted(child: Node) -> Node:
        return with_columns_quoted(child, columns, depth + 1)

    match node:
        case Name(name=name) if name in columns:
            return Name(name, quoted=True)
        case Unary(operand=operand):
            return replace(node, operand=quoted(operand))
        case Binary(left=left, right=right):
            return replace(node, left=quoted(left), right=quoted(right))
        case Call(arguments=arguments, keywords=keywords):
            named = tuple((name, quoted(value)) for name, value in keywords)
            return replace(node, arguments=tuple(map(quoted, arguments)), keywords=named)
        case Braces(inner=inner):
            return replace(node, inner=quoted(inner))
    return node


def unparse(node: Node) -> str:
    """Return a tree as text with one way of writing everything, that of Python's `ast.unparse`."""
    return _unparse(node)[0]


def _unparse(node: Node) -> tuple[str, int]:
    """Return the text of a tree, and how tightly its operator binds."""
    atom = 1000
    match node:
        case Name(name=name, quoted=quoted):
            return in_back_quotes(name) if quoted else name, atom
        case Literal(value=value):
            return repr(value), atom
        case Dot():
            return ".", atom
        case Unary(operator=operator, operand=operand):
            binding = _NOT if operator == "not" else _SIGN
            space = " " if operator == "not" else ""
            return operator + space + _bracketed(operand, binding), binding
        case Binary(operator=operator, left=left, right=right):
            binding = _BINDING[operator]
            is_power = binding == _POWER
            left_text = _bracketed(left, binding + is_power)
            right_text = _bracketed(right, _SIGN if is_power else binding + 1)
            return f"{left_text} {'**' if is_power else operator} {right_text}", binding
        case Call(function=function, arguments=arguments, keywords=keywords):
            named = [f"{name}={unparse(value)}" for name, value in keywords]
            return f"{function}({', '.join([*map(unparse, arguments), *named])})", atom
        case Braces(inner=inner):
            return f"{{{unparse(inner)}}}", atom
        case Listing(items=items):
            return f"[{', '.join(map(unparse, items))}]", atom


def _bracketed(node: Node, binding: int) -> str:
    """Return the text of an operand, in parentheses if it binds less tightly than that."""
    text, own = _unparse(node)
    return f"({text})" if own < binding else text
