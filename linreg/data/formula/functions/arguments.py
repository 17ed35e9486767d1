"""The arguments of a function in a formula, by position or by name, as R and patsy write them."""

import math
from collections.abc import Sequence

from linreg.data.formula.grammar.syntax_tree import Call, Listing, Literal, Name, Node, Unary
from linreg.data.formula.grammar.tokens import ArgumentError

_TRUTH = {"TRUE": True, "True": True, "T": True, "FALSE": False, "False": False, "F": False}


class Arguments:
    """The arguments of a call, of which the first is what the function is computed of.

    names  of the others, in the order in which they may stand without a name

    Raises ArgumentError for an argument that the function does not have, or has twice.
    """

    def __init__(self, call: Call, names: Sequence[str]) -> None:
        self._call = call
        if not call.arguments:
            raise self.error("names no column")
        if len(call.arguments) > 1 + len(names):
            raise self.error("has too many arguments")
        self.first: Node = call.arguments[0]
        self._given = dict(zip(names, call.arguments[1:], strict=False))
        for name, value in call.keywords:
            if name not in names:
                raise self.error(f"has no argument {name}; it has {', '.join(names) or 'none'}")
            if name in self._given:
                raise self.error(f"has {name} twice")
            self._given[name] = value

    def has(self, name: str) -> bool:
        """Return whether an argument is given."""
        return name in self._given

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`."""
        match self._given.get(name, Literal(default)):
            case Literal(value=int() as number) if low <= number <= high:
                return number
        raise self.error(f"{name} must be a whole number from {low} to {high}")

    def numbers(self, name: str) -> tuple[float, ...] | None:
        """Return numbers in c(…) or in brackets, or a single one; None if there is none."""
        match self._given.get(name):
            case None:
                return None
            case Call(function="c", arguments=items, keywords=()) | Listing(items=items):
                pass
            case node:
                items = (node,)
        return tuple(self._number(item, name) for item in items)

    def texts(self, name: str) -> tuple[str, ...] | None:
        """Return texts in c(…) or in brackets; None if the argument is absent."""
        match self._given.get(name):
            case None:
                return None
            case Call(function="c", arguments=items, keywords=()) | Listing(items=items):
                texts = [item.value for item in items if isinstance(item, Literal)]
                if len(texts) == len(items) and all(isinstance(text, str) for text in texts):
                    return tuple(map(str, texts))
        raise self.error(f'{name} must be texts, as in c("low", "high")')

    def truth(self, name: str, *, default: bool) -> bool:
        """Return TRUE or FALSE."""
        match self._given.get(name):
            case None:
                return default
            case Name(name=word, quoted=False) if word in _TRUTH:
                return _TRUTH[word]
        raise self.error(f"{name} must be TRUE or FALSE")

    def error(self, what: str) -> ArgumentError:
        """Return the error for the call."""
        return ArgumentError(self._call.source, what)

    def _number(self, node: Node, name: str) -> float:
        match node:
            case Literal(value=int() | float() as number) if abs(number) < 1e308:
                return float(number)
            case Name(name="Inf", quoted=False):
                return math.inf
            case Unary(operator="-", operand=operand):
                return -self._number(operand, name)
        raise self.error(f"{name} must be numbers, as in c(1, 2)")
