"""R's notation parsed by `formulaic` into terms of factors, with nothing in it evaluated.

On the left of `~` formulaic evaluates calls to find the columns that they read. So it is given one
side at a time, as a formula without a left side; in the tests an audit hook sees that it then
executes nothing.

Of formulaic only the parser is imported: the whole needs pandas and scipy, and half a second.
"""

import importlib.util
import math
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from linreg.data.formula.expressions import LARGEST_POWER, WHERE
from linreg.errors import UserError

Term = tuple[tuple[str, str], ...]
"""The factors of a term: the text, and "lookup" (a name), "python" (an expression) or "literal"."""

_MOST_TERMS = 10_000
_MOST_CHARACTERS = 20_000
"""Of a formula that is not a sum of names: formulaic's time grows with the square of its length."""


def split_sides(text: str) -> tuple[str, str]:
    """Return the texts left and right of the unquoted `~`; raises UserError unless there is one."""
    with _without_the_whole():
        from formulaic.parser.algos.tokenize import tokenize

    if len(text) > _MOST_CHARACTERS:
        what = f"is longer than {_MOST_CHARACTERS} characters, which only a sum of names may be"
        raise UserError(WHERE, what, found=text, todo="shorten it")
    with _translated_errors(text):
        tildes = [
            token
            for token in tokenize(text)
            if token.kind is token.Kind.OPERATOR and "~" in token.token
        ]
    if len(tildes) != 1 or tildes[0].token.count("~") != 1:
        raise UserError(
            WHERE, "must have one ~", found=text, todo="write it as TARGET ~ TERM + TERM"
        )
    position = text.index("~", tildes[0].source_start)
    return text[:position], text[position + 1 :]


def parse_terms(text: str, names: Sequence[str], formula: str, *, intercept: bool) -> list[Term]:
    """Return the terms of one side of a formula, in which `.` stands for `names`.

    With `intercept` there is one unless the side says 0. Raises UserError, which shows `formula`,
    for text that is not a side of a formula or expands to too many terms.
    """
    with _without_the_whole():
        from formulaic.parser import DefaultFormulaParser
        from formulaic.utils.structured import Structured

    parser = DefaultFormulaParser(include_intercept=intercept, feature_flags=set())
    with _translated_errors(formula):
        if _bound_on_terms(parser.get_ast(text), len(names)) > _MOST_TERMS:
            what = f"expands to over {_MOST_TERMS} terms, or has a power above {LARGEST_POWER}"
            raise UserError(WHERE, what, found=formula, todo="name the terms")
        context = {
            "__formulaic_variables_available__": list(names),
            "__formulaic_variables_used_lhs__": [],
        }
        side = parser.get_terms(text, context=context)._simplify()
        if isinstance(side, Structured):
            raise TypeError("one side has several parts")
        return [
            tuple((factor.expr, factor.eval_method.value) for factor in term.factors)
            for term in sorted(side, key=lambda term: term.degree)
        ]


@contextmanager
def _without_the_whole() -> Iterator[None]:
    """Let parts of formulaic be imported without the package itself, whose parts they are."""
    if "formulaic" in sys.modules:
        yield
        return
    found = importlib.util.find_spec("formulaic")
    assert found is not None, "it is among the dependencies"
    # An empty package that knows where its parts are.
    sys.modules["formulaic"] = importlib.util.module_from_spec(found)
    try:
        yield
    finally:
        # So that whoever imports the package gets it.
        del sys.modules["formulaic"]


@contextmanager
def _translated_errors(formula: str) -> Iterator[None]:
    """Turn what formulaic and Python's parser raise for a formula into UserError."""
    with _without_the_whole():
        from formulaic.errors import FormulaicError

    try:
        # Python's parser warns of syntax that is rejected later, or that is taken literally.
        with warnings.catch_warnings(action="ignore"):
            yield
    # Python's parser raises MemoryError, at once, for what is nested too deeply.
    except (RecursionError, MemoryError):
        raise UserError(
            WHERE,
            "has too many terms or nested parentheses",
            found=formula,
            todo="write a sum of plain names, or fewer terms",
        ) from None
    except (FormulaicError, SyntaxError, ValueError, TypeError, IndexError) as error:
        message = str(error).split("\n")[0]
        todo = "write it as TARGET ~ TERM + TERM"
        raise UserError(WHERE, f"is not a formula ({message})", found=formula, todo=todo) from None


def _bound_on_terms(node: Any, num_names: int) -> int:
    """Return an upper bound on the terms that a syntax tree expands to, without expanding it."""
    if not hasattr(node, "operator"):
        return 1
    sizes = [min(_bound_on_terms(each, num_names), 2 * _MOST_TERMS) for each in node.args]
    match node.operator.symbol:
        case ".":
            return num_names
        case "*" | "/" | "in" | "%in%":
            return math.prod(size + 1 for size in sizes) - 1
        case ":":
            return math.prod(sizes)
        case "**" | "^":
            power = str(getattr(node.args[1], "token", "")).strip("() ")
            # formulaic expands every combination before it removes duplicates.
            is_small = power.isdigit() and int(power) <= LARGEST_POWER
            return int(sizes[0] ** int(power)) if is_small else 2 * _MOST_TERMS
        case _:
            return sum(sizes)
