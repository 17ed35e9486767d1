"""The tree of a formula, an expression or a condition, and its text.

A tree says nothing of meaning: `terms.py` reads it as R's terms, `expressions.py` as arithmetic on
columns, and the condition `ingest.where` as a truth value. Nothing of it is ever executed.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TypeAlias

from linreg.data.formula.grammar.tokens import in_back_quotes

DEEPEST_NESTING = 80
"""Of parentheses, calls and signs: far less than Python's stack holds."""
LARGEST_POWER = 10
"""Of numbers and of terms."""

BINDING = {
    **dict.fromkeys(("or", "|", "||"), 10),
    **dict.fromkeys(("and", "&", "&&"), 20),
    **dict.fromkeys(("==", "!=", "<>", "<", "<=", ">", ">=", "in", "not in", "is", "is not"), 40),
    **dict.fromkeys("+-", 50),
    **dict.fromkeys("*/", 60),
    "%in%": 70,
    ":": 80,
    **dict.fromkeys(("**", "^"), 100),
}
"""How tightly an operator binds, as in R, which agrees with Python where both have it."""
NOT = 30
COMPARISON = 40
SIGN = 90
POWER = 100


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
            binding = NOT if operator == "not" else SIGN
            space = " " if operator == "not" else ""
            return operator + space + _bracketed(operand, binding), binding
        case Binary(operator=operator, left=left, right=right):
            binding = BINDING[operator]
            is_power = binding == POWER
            left_text = _bracketed(left, binding + is_power)
            right_text = _bracketed(right, SIGN if is_power else binding + 1)
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
