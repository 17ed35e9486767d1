"""From `mpg ~ weight + C(origin)` to the terms of a design: what a formula means, before any row is read.

`formulaic` parses R's notation and decides which categories need a reference level. What it yields is plain data
that goes into schema.json; building a design from it needs neither formulaic nor a Python expression. A sum of
plain names, such as `y ~ x1 + x2`, is read without it: importing it takes longer than ingesting a million rows.
"""

import ast
import json
import math
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from linreg.data.expressions import LARGEST_POWER, parse_expression, parse_python, unsupported
from linreg.errors import UserError

WHERE = "params.yaml: model.formula"
_MOST_TERMS = 1000
_LONGEST = 100_000
"""Of a formula that is more than a sum of names, in characters: how long formulaic takes grows with their square."""
_PLAIN_SUM = re.compile(r"\s*([A-Za-z_]\w*)\s*~\s*([A-Za-z_]\w*(?:\s*\+\s*[A-Za-z_]\w*)*)\s*", re.ASCII)

Term = tuple[tuple[str, str], ...]
"""The factors of a term, each as its text and whether it is a "lookup" (a name), "python" or a "literal"."""


@dataclass(frozen=True)
class Factor:
    """One factor of a term: a number, or a category that becomes one column per level.

    text     as it appears in the names of coefficients, such as `C(zone)` or `I(age ** 2)`
    columns  the columns it reads
    base     a category's reference level when `C(column, base)` names one, else None for the first
    """

    text: str
    kind: Literal["number", "category"]
    columns: tuple[str, ...]
    base: str | int | float | bool | None = None

    @property
    def source(self) -> str:
        """The factor as one writes it in a formula: odd names in back-quotes, bare arithmetic in braces."""
        if self.columns == (self.text,):
            return self.text if self.text.isidentifier() else f"`{self.text}`"
        return self.text if self.text.endswith(")") and re.match(r"\w+\(", self.text) else f"{{{self.text}}}"


@dataclass(frozen=True)
class ParsedFormula:
    """A formula whose columns are known by name; `terms` exclude the intercept."""

    target: Factor
    intercept: bool
    terms: tuple[tuple[Factor, ...], ...]

    def __str__(self) -> str:
        """Write the formula with every term spelt out, so that parsing it again gives the same."""
        terms = [":".join(factor.source for factor in term) for term in self.terms]
        right = [*(["0"] if not self.intercept else [] if terms else ["1"]), *terms]
        return f"{self.target.source} ~ {' + '.join(right)}"

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column the formula reads, target first, each once."""
        factors = [self.target, *(factor for term in self.terms for factor in term)]
        return tuple(dict.fromkeys(column for factor in factors for column in factor.columns))


def parse_formula(text: str, names: Sequence[str], categories: frozenset[str] = frozenset()) -> ParsedFormula:
    """Parse a formula; `.` stands for `names` but the target, and a column in `categories` is a category.

    Raises UserError for what is no formula, holds an expression that is not supported, or has no target.
    """
    if not text.partition("~")[2].strip():
        raise UserError(WHERE, "must name its terms", found=text, todo="write it as TARGET ~ TERM + TERM")
    if match := _PLAIN_SUM.fullmatch(text):
        left: list[Term] = [((match[1], "lookup"),)]
        right: list[Term] = [(("1", "literal"),)]
        right += dict.fromkeys(((name.strip(), "lookup"),) for name in match[2].split("+"))
    else:
        left, right = _read_by_formulaic(text, names)
    target = _factors(left[0], categories)
    if len(target) != 1:
        raise UserError(WHERE, "must have one column as its target", found=text)
    terms = [_factors(term, categories) for term in right]
    parsed = ParsedFormula(target[0], () in terms, tuple(term for term in terms if term))
    if not terms:
        raise UserError(WHERE, "has nothing to fit", found=text, todo="name a column, or 1 for the intercept alone")
    features = {column for term in parsed.terms for factor in term for column in factor.columns}
    if len(target[0].columns) == 1 and features & set(target[0].columns):
        todo = f"leave {target[0].columns[0]} out on the right"
        raise UserError(WHERE, "has its target among the features", found=text, todo=todo)
    return parsed


def plan(parsed: ParsedFormula) -> dict[str, Any]:
    """Return the terms of the design as plain data, with a reference level left out where one is redundant.

    Each term is a list of factors {"factor", "kind", "columns"}, a category's with "base" (its reference level
    or None) and "full" (whether the reference level has a column too).
    """
    if any(factor.kind == "category" for term in parsed.terms for factor in term):
        terms = _coded(parsed)
    else:
        terms = [[_as_data(factor, full=True) for factor in term] for term in parsed.terms]
    return {"intercept": parsed.intercept, "target": _as_data(parsed.target, full=True), "terms": terms}


def _read_by_formulaic(text: str, names: Sequence[str]) -> tuple[list[Term], list[Term]]:
    """Return the terms left and right of `~`."""
    from formulaic import Formula, SimpleFormula
    from formulaic.errors import FormulaicError
    from formulaic.parser import DefaultFormulaParser

    if len(text) > _LONGEST:
        what = f"is longer than {_LONGEST} characters, which only a sum of plain names may be"
        raise UserError(WHERE, what, found=text, todo="shorten it")
    try:
        with warnings.catch_warnings(action="ignore"):  # of Python's parser, about what is refused or means itself
            if _most_terms(DefaultFormulaParser().get_ast(text), len(names)) > _MOST_TERMS:
                raise UserError(
                    WHERE,
                    f"spells out to over {_MOST_TERMS} terms, or has a power above {LARGEST_POWER}",
                    found=text,
                    todo="name the terms",
                )
            formula = Formula(text, _context={"__formulaic_variables_available__": list(names)})
    except RecursionError:
        raise UserError(WHERE, "has too many terms or parentheses within each other", found=text,
                        todo="write a sum of plain names, or fewer terms") from None  # fmt: skip
    except (FormulaicError, SyntaxError, ValueError, TypeError) as error:
        message = str(error).split("\n")[0]
        raise UserError(
            WHERE, f"is not a formula ({message})", found=text, todo="write it as TARGET ~ TERM + TERM"
        ) from None
    left, right = getattr(formula, "lhs", None), getattr(formula, "rhs", None)
    if not isinstance(left, SimpleFormula) or not isinstance(right, SimpleFormula) or len(left) != 1:
        raise UserError(
            WHERE, "must have one target and one right-hand side", found=text, todo="write it as TARGET ~ TERM + TERM"
        )
    return _as_terms(left), _as_terms(right)


def _as_terms(side: Iterable[Any]) -> list[Term]:
    return [tuple((factor.expr, factor.eval_method.value) for factor in term.factors) for term in side]


def _most_terms(node: Any, num_names: int) -> int:
    """Return a bound on the number of terms that a formula's syntax tree spells out to, before that is done."""
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


def _coded(parsed: ParsedFormula) -> list[list[dict[str, Any]]]:
    """Ask formulaic which levels are redundant, with a two-level stand-in for each factor.

    Which columns a design needs depends on which factors are categories, not on their values, so that nothing
    that the user wrote is evaluated.
    """
    import pandas as pd
    from formulaic import Formula

    distinct = dict.fromkeys(factor for term in parsed.terms for factor in term)
    factors = {f"f{i}": factor for i, factor in enumerate(distinct)}
    stand_ins = {factor: name for name, factor in factors.items()}
    values = {
        name: pd.Categorical(["a", "b"]) if factor.kind == "category" else [0.0, 1.0]
        for name, factor in factors.items()
    }
    sums = [":".join(stand_ins[factor] for factor in term) for term in parsed.terms]
    formula = Formula(" + ".join(["1" if parsed.intercept else "0", *sums]))
    terms = []
    for structure in formula.get_model_matrix(pd.DataFrame(values)).model_spec.structure:
        # A scoped term's factors have no order of their own; the formula's is the one people expect in names.
        order = [factor.expr for factor in structure.term.factors]
        for scoped in structure.scoped_terms:
            inner = sorted(scoped.factors, key=lambda each: order.index(each.factor.expr))
            if inner:
                terms.append([_as_data(factors[each.factor.expr], full=not each.reduced) for each in inner])
    return terms


def _as_data(factor: Factor, *, full: bool) -> dict[str, Any]:
    data: dict[str, Any] = {"factor": factor.text, "kind": factor.kind, "columns": list(factor.columns)}
    return data | ({"base": factor.base, "full": full} if factor.kind == "category" else {})


def _factors(term: Term, categories: frozenset[str]) -> tuple[Factor, ...]:
    """Return a term's factors; none for the intercept."""
    if term == (("1", "literal"),):
        return ()
    return tuple(_factor(text, method, categories) for text, method in term)


def _factor(text: str, method: str, categories: frozenset[str]) -> Factor:
    if method == "lookup":
        return Factor(text, "category" if text in categories else "number", (text,))
    if method == "literal":
        raise unsupported(text)
    tree, names = parse_python(text)
    match tree:
        case ast.Call(func=ast.Name(id="C"), args=[ast.Name(id=column)], keywords=[]):
            return Factor(text, "category", (names.get(column, column),))
        case ast.Call(func=ast.Name(id="C"), args=[ast.Name(id=column), base], keywords=[]):
            return Factor(text, "category", (names.get(column, column),), _level(base, text))
        case _:
            expression = parse_expression(text)
            if not expression.columns:
                raise unsupported(text)
            return Factor(text, "number", expression.columns)


def _level(node: ast.expr, text: str) -> str | int | float | bool:
    try:
        level = ast.literal_eval(node)
        json.dumps(level, allow_nan=False, ensure_ascii=False).encode()  # it goes into schema.json
    except (ValueError, TypeError, RecursionError, MemoryError):
        raise unsupported(text) from None
    if not isinstance(level, str | int | float):
        raise unsupported(text)
    return level
