"""R's notation read by `formulaic`: which factors the terms of a formula have, with nothing in it
evaluated.

formulaic evaluates calls on the left of `~` while it looks for the columns that are read there. So
it is given each side by itself, as a formula without a left side; an audit hook sees in the tests
that it then executes nothing.
"""

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from linreg.data.formula.expressions import LARGEST_POWER, WHERE
from linreg.errors import UserError

Term = tuple[tuple[str, str], ...]
"""The factors of a term, each as its text and whether it is a "lookup" (a name), "python" or a
"literal".
"""
_MOST_TERMS = 1000
_LONGEST = 20_000
"""Of a formula that is more than a sum of names, in characters: how long formulaic takes grows with
their square.
"""


def sides(text: str) -> tuple[str, str]:
    """Return what stands left and right of the `~` that is not quoted; raises UserError unless
    there is one.
    """
    from formulaic.parser.algos.tokenize import tokenize

    if len(text) > _LONGEST:
        what = f"is longer than {_LONGEST} characters, which only a sum of plain names may be"
        raise UserError(WHERE, what, found=text, todo="shorten it")
    with _refused(text):
        tildes = [
            each for each in tokenize(text) if each.kind is each.Kind.OPERATOR and "~" in each.token
        ]
    if len(tildes) != 1 or tildes[0].token.count("~") != 1:
        raise UserError(
            WHERE, "must have one ~", found=text, todo="write it as TARGET ~ TERM + TERM"
        )
    place = text.index("~", tildes[0].source_start)
    return text[:place], text[place + 1 :]


def terms(text: str, names: Sequence[str], formula: str, *, intercept: bool) -> list[Term]:
    """Return the terms of one side of a formula, in which `.` stands for `names`; `intercept`: with
    1 unless it says 0.

    Raises UserError for what is no side of a formula, or spells out to too many terms.
    """
    from formulaic import Formula, SimpleFormula
    from formulaic.parser import DefaultFormulaParser

    parser = DefaultFormulaParser(include_intercept=intercept, feature_flags=set())
    with _refused(formula):
        if _most_terms(parser.get_ast(text), len(names)) > _MOST_TERMS:
            what = f"spells out to over {_MOST_TERMS} terms, or has a power above {LARGEST_POWER}"
            raise UserError(WHERE, what, found=formula, todo="name the terms")
        context = {
            "__formulaic_variables_available__": list(names),
            "__formulaic_variables_used_lhs__": [],
        }
        side = Formula(text, _parser=parser, _context=context)
        if not isinstance(side, SimpleFormula):
            raise TypeError("one side has several parts")
        return [
            tuple((factor.expr, factor.eval_method.value) for factor in term.factors)
            for term in side
        ]


@contextmanager
def _refused(formula: str) -> Iterator[None]:
    """Turn what formulaic and Python's parser raise about a formula into UserError."""
    from formulaic.errors import FormulaicError

    try:
        with warnings.catch_warnings(
            action="ignore"
            # of Python's parser, about what is refused or means itself
        ):
            yield
    except (
        RecursionError,
        MemoryError,
        # the latter is what Python's parser raises, at once, for what is too deep
    ):
        raise UserError(
            WHERE,
            "has too many terms or parentheses within each other",
            found=formula,
            todo="write a sum of plain names, or fewer terms",
        ) from None
    except (FormulaicError, SyntaxError, ValueError, TypeError, IndexError) as error:
        message = str(error).split("\n")[0]
        todo = "write it as TARGET ~ TERM + TERM"
        raise UserError(WHERE, f"is not a formula ({message})", found=formula, todo=todo) from None


def _most_terms(node: Any, num_names: int) -> int:
    """Return a bound on the number of terms that a formula's syntax tree spells out to, before that
    is done.
    """
    if not hasattr(node, "operator"):
        return 1
    sizes = [min(_most_terms(each, num_names), 2 * _MOST_TERMS) for each in node.args]
    match node.operator.symbol:
        case ".":
            return num_names
        case "*" | "/" | "in" | "%in%":
            return math.prod(size + 1 for size in sizes) - 1
        case ":":
            return math.prod(sizes)
        case "**" | "^":
            power = str(getattr(node.args[1], "token", "")).strip("() ")
            # formulaic multiplies out every combination before it removes those that are the same.
            small = power.isdigit() and int(power) <= LARGEST_POWER
            return int(sizes[0] ** int(power)) if small else 2 * _MOST_TERMS
        case _:
            return sum(sizes)
