"""R's algebra of terms: a side of a formula expanded into products of factors.

The rules are those of R's `terms.formula`: 1 and 0 are the intercept wherever they stand, after
them the last one counts, and subtracting one means the other; a/b is a + a:b, `a %in% b` is a:b.
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from linreg.data.formula.grammar.syntax_tree import LARGEST_POWER, Binary, Dot, Literal, Node, Unary
from linreg.data.formula.grammar.tokens import FormulaSyntaxError

F = TypeVar("F")
Terms = dict[frozenset[F], tuple[F, ...]]
"""The terms in their order; the factors of each in theirs, by which it is the same term."""

MOST_TERMS = 10_000
"""That products expand to; a sum of names may be longer."""
_MOST_PRODUCTS = 20 * MOST_TERMS
_PRODUCTS = ("*", ":", "/", "%in%", "**", "^")


class TermExpansion(Generic[F]):
    """Expands one side of a formula.

    factor_of  returns the factor of a name, a call, or arithmetic in braces
    others     the factors that `.` stands for
    intercept  whether there is one, after what was expanded so far
    removed    the factors of terms that were subtracted
    """

    def __init__(self, factor_of: Callable[[Node], F], others: Sequence[F]) -> None:
        self._factor_of = factor_of
        self._others = others
        self._is_added = True
        self.intercept = True
        self.removed: list[F] = []

    def terms(self, tree: Node) -> list[tuple[F, ...]]:
        """Return the terms, those with few factors first; raises FormulaSyntaxError."""
        return sorted(self._expand(tree).values(), key=len)

    def _expand(self, node: Node) -> Terms[F]:
        # A sum is a tree that is as deep as it has terms, too deep to descend by recursion.
        applied = []
        while isinstance(node, Binary):
            applied.append((node.operator, node.right))
            node = node.left
        terms = self._operand(node)
        if applied and applied[-1][0] in _PRODUCTS:
            _require_terms(node)
        for operator, right in reversed(applied):
            terms = self._apply(operator, terms, right)
        return terms

    def _operand(self, node: Node) -> Terms[F]:
        match node:
            case Literal(value=0 | 1 as number):
                self.intercept = (number == 1) is self._is_added
                return {}
            case Literal():
                raise FormulaSyntaxError(
                    "the only values that are terms are 1 and 0, the intercept"
                )
            case Unary(operator="+", operand=operand):
                return self._expand(operand)
            case Unary(operator="-", operand=operand):
                return self._subtract({}, operand)
            case Dot():
                return {frozenset((factor,)): (factor,) for factor in self._others}
        factor = self._factor_of(node)
        return {frozenset((factor,)): (factor,)}

    def _apply(self, operator: str, left: Terms[F], node: Node) -> Terms[F]:
        """Return the terms of two operands, of which the left one is expanded."""
        match operator:
            case "+":
                for factors, term in self._expand(node).items():
                    left.setdefault(factors, term)
                return left
            case "-":
                return self._subtract(left, node)
            case "**" | "^":
                return _power(left, node)
            case "*" | ":" | "/" | "%in%":
                _require_terms(node)
                right = self._expand(node)
            case _:
                raise FormulaSyntaxError(f"{operator} is no operator of terms")
        match operator:
            case ":":
                return _products(left, right)
            case "*":
                return _checked({**left, **_new(right, left), **_products(left, right)})
            case "/":
                nested = _products(_joined(left), right)
                return _checked({**left, **_new(nested, left)})
            case _:
                return _products(left, _joined(right))

    def _subtract(self, left: Terms[F], node: Node) -> Terms[F]:
        """Return the left terms without the others; to leave out one that is not there is nothing.

        What is subtracted inside of it is added.
        """
        self._is_added = not self._is_added
        for factors, term in self._expand(node).items():
            self.removed += term
            left.pop(factors, None)
        self._is_added = not self._is_added
        return left


def _require_terms(node: Node) -> None:
    """Raise FormulaSyntaxError for an operand of a product that is a value or has a sign."""
    if isinstance(node, Literal):
        raise FormulaSyntaxError("1 and 0 are the intercept, and can only be added or left out")
    if isinstance(node, Unary):
        raise FormulaSyntaxError("a sign stands between terms, not within one")


def _new(terms: Terms[F], known: Terms[F]) -> Terms[F]:
    return {factors: term for factors, term in terms.items() if factors not in known}


def _joined(terms: Terms[F]) -> Terms[F]:
    """Return the product of all terms, as a term."""
    factors = tuple(dict.fromkeys(factor for term in terms.values() for factor in term))
    return {frozenset(factors): factors} if factors else {}


def _products(left: Terms[F], right: Terms[F]) -> Terms[F]:
    """Return the products of each of the left terms with each of the right ones."""
    if len(left) * len(right) > _MOST_PRODUCTS:
        raise _too_many()
    products: Terms[F] = {}
    for first, term in left.items():
        for second, other in right.items():
            product = (*term, *(factor for factor in other if factor not in first))
            products.setdefault(first | second, product)
    return _checked(products)


def _power(terms: Terms[F], exponent: Node) -> Terms[F]:
    """Return the terms of up to that many different ones multiplied."""
    match exponent:
        case Literal(value=int() as times) if 0 < times <= LARGEST_POWER:
            result = terms
            for _ in range(times - 1):
                result = _products(result, terms)
            return result
    raise FormulaSyntaxError(f"a power of terms is a number from 1 to {LARGEST_POWER}")


def _checked(terms: Terms[F]) -> Terms[F]:
    if len(terms) > MOST_TERMS:
        raise _too_many()
    return terms


def _too_many() -> FormulaSyntaxError:
    return FormulaSyntaxError(f"it expands to over {MOST_TERMS:,} terms: name them")
