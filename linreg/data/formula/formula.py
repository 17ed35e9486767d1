"""A formula such as `mpg ~ weight + C(origin)`, parsed before any row is read.

The text is parsed into a tree (`syntax.py`), the tree expanded into terms (`terms.py`), and here
what stands in a term becomes a factor that reads columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal as OneOf
from typing import NamedTuple

from linreg.data.formula.column_statistics import Level
from linreg.data.formula.expressions import CONSTANTS, SUPPORTED, compile_expression, unsupported
from linreg.data.formula.functions.bases import BASES, read_basis
from linreg.data.formula.functions.contrast_arguments import read_contrast
from linreg.data.formula.functions.contrasts import TREATMENT
from linreg.data.formula.functions.learning import WHERE
from linreg.data.formula.grammar.absorbed import absorbed_columns, cut_at_bar
from linreg.data.formula.grammar.syntax import parse, parse_tokens
from linreg.data.formula.grammar.syntax_tree import (
    Braces,
    Call,
    Name,
    Node,
    unparse,
    with_columns_quoted,
)
from linreg.data.formula.grammar.terms import TermExpansion
from linreg.data.formula.grammar.tokens import (
    ArgumentError,
    FormulaSyntaxError,
    quote_name,
    tokenize,
)
from linreg.data.formula.level_sources import is_level_source, read_level_source
from linreg.errors import UserError

_TODO = "write it as TARGET ~ TERM + TERM"


@dataclass(frozen=True)
class Factor:
    """One factor of a term: a number, a category that becomes one column per level, or a basis of
    several numbers.

    A factor is a column if that is its text and the only column that it reads; no expression has
    the name of its column as its text.

    text     as in the names of coefficients, such as `C(zone)` or `I(age ** 2)`
    columns  the columns that it reads
    base     the reference level of `C(column, base)`; None for the first level
    contrast  how the levels of a category are coded, as in `functions/contrasts.py`
    of       the call that computes a category's levels, such as `month(d)`; None for a column
    times    those of the columns that hold dates or times
    """

    text: str
    kind: OneOf["number", "category", "basis"]
    columns: tuple[str, ...]
    base: Level | None = None
    contrast: str = TREATMENT
    of: str | None = None
    times: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """The factor as a formula takes it: names quoted, bare arithmetic in braces."""
        if self.columns == (self.text,):
            return quote_name(self.text)
        return self.text if isinstance(parse(self.text), Call) else f"{{{self.text}}}"


@dataclass(frozen=True)
class ParsedFormula:
    """A formula in which every column has a name; `terms` exclude the intercept and the offsets.

    removed   the columns of terms that the text subtracts
    offsets   numbers that are added with a coefficient of 1
    absorbed  the categories right of `|`; together they span the intercept
    """

    target: Factor
    intercept: bool
    terms: tuple[tuple[Factor, ...], ...]
    removed: tuple[str, ...] = field(default=(), compare=False)
    offsets: tuple[Factor, ...] = ()
    absorbed: tuple[Factor, ...] = ()

    def __str__(self) -> str:
        """Return the formula with every term written out; parsing it gives the same formula."""
        right = [":".join(factor.source for factor in term) for term in self.terms]
        if not (self.intercept or self.absorbed):
            right.insert(0, "0")
        for offset in self.offsets:
            is_column = offset.columns == (offset.text,)
            right.append(f"offset({quote_name(offset.text) if is_column else offset.text})")
        formula = f"{self.target.source} ~ {' + '.join(right or ['1'])}"
        absorbed = " + ".join(quote_name(factor.columns[0]) for factor in self.absorbed)
        return f"{formula} | {absorbed}" if absorbed else formula

    @property
    def factors(self) -> tuple[Factor, ...]:
        """The factors of all terms, in order, and those that are absorbed."""
        return (*(factor for term in self.terms for factor in term), *self.absorbed)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the formula reads, the target's first, each once."""
        factors = (self.target, *self.factors, *self.offsets)
        return tuple(dict.fromkeys(column for factor in factors for column in factor.columns))


def parse_formula(
    text: str, names: Sequence[str], categories: frozenset[str] = frozenset()
) -> ParsedFormula:
    """Parse a formula in which `.` stands for `names` without the target.

    A column in `categories` is a category. Raises UserError for text that is not a formula, has an
    unsupported expression, or has no target.
    """
    try:
        parsed = _parse(text, names, categories)
    except ArgumentError as error:
        raise UserError(f"{WHERE}: {error.call}", error.what) from None
    except FormulaSyntaxError as error:
        todo = f"{_TODO}; {SUPPORTED}"
        raise UserError(WHERE, f"is not a formula ({error})", found=text, todo=todo) from None
    if not (parsed.terms or parsed.intercept or parsed.absorbed):
        todo = "name a column, or 1 for the intercept alone"
        raise UserError(WHERE, "has nothing to fit", found=text, todo=todo)
    _check_target_is_no_feature(parsed, text)
    return parsed


def _parse(text: str, names: Sequence[str], categories: frozenset[str]) -> ParsedFormula:
    tokens = tokenize(text)
    tildes = [i for i, token in enumerate(tokens) if (token.kind, token.value) == ("operator", "~")]
    if (tildes and tildes[0] == len(tokens) - 1) or not tildes:
        raise UserError(WHERE, "must name its terms", found=text, todo=_TODO)
    if len(tildes) > 1:
        raise UserError(WHERE, "must have one ~", found=text, todo=_TODO)

    # A name of R's that is also a column is the column.
    constants = CONSTANTS.keys() & set(names)

    def factor_of(node: Node) -> Factor:
        return _factor(with_columns_quoted(node, constants), categories)

    def term_of(node: Node) -> _Part:
        match node:
            case Call(function="offset", arguments=[argument], keywords=()):
                return _Part(_offset(with_columns_quoted(argument, constants), node), True)
        return _Part(factor_of(node), False)

    left = parse_tokens(text, tokens[: tildes[0]])
    if not isinstance(left, Name | Call | Braces):
        raise UserError(WHERE, "must have one column as its target", found=text)
    target = factor_of(left)
    if target.kind == "basis":
        raise UserError(WHERE, "must have a single number as its target", found=text)
    right, behind = cut_at_bar(tokens[tildes[0] + 1 :])
    absorbed = tuple(
        Factor(f"C({quote_name(column)})", "category", (column,))
        for column in (absorbed_columns(parse_tokens(text, behind)) if behind else ())
    )
    not_in_dot = {*target.columns, *(factor.columns[0] for factor in absorbed)}
    others = [term_of(Name(name)) for name in names if name not in not_in_dot]
    expansion = TermExpansion(term_of, others)
    expanded = expansion.terms(parse_tokens(text, right))
    offsets, terms = [], []
    for term in expanded:
        if not any(part.is_offset for part in term):
            terms.append(tuple(part.factor for part in term))
        elif len(term) == 1:
            offsets.append(term[0].factor)
        else:
            raise FormulaSyntaxError("an offset is a term of its own")
    _check_absorbed_are_no_terms(absorbed, terms)
    removed = dict.fromkeys(name for part in expansion.removed for name in part.factor.columns)
    intercept = expansion.intercept and not absorbed
    return ParsedFormula(target, intercept, tuple(terms), tuple(removed), tuple(offsets), absorbed)


def _check_absorbed_are_no_terms(
    absorbed: Sequence[Factor], terms: Sequence[tuple[Factor, ...]]
) -> None:
    """Raise FormulaSyntaxError for a category that is a term and absorbed too."""
    columns = {factor.columns for factor in absorbed}
    for factors in terms:
        if len(factors) > 1 or factors[0].kind != "category" or factors[0].of:
            continue
        if factors[0].columns in columns:
            name = quote_name(factors[0].columns[0])
            raise FormulaSyntaxError(f"{name} is absorbed, and so cannot be a term too")


def _check_target_is_no_feature(parsed: ParsedFormula, text: str) -> None:
    """Raise UserError for a target of one column that a term reads too."""
    factors = (*parsed.factors, *parsed.offsets)
    features = {column for factor in factors for column in factor.columns}
    if len(parsed.target.columns) == 1 and features & set(parsed.target.columns):
        todo = f"leave {parsed.target.columns[0]} out on the right"
        raise UserError(WHERE, "has its target among the features", found=text, todo=todo)


class _Part(NamedTuple):
    """What stands in a term: a factor, or the argument of an offset."""

    factor: Factor
    is_offset: bool


def _factor(node: Node, categories: frozenset[str]) -> Factor:
    """Return the factor of a part of a term; raises UserError for an unsupported expression."""
    match node:
        case Name(name=column):
            return Factor(column, "category" if column in categories else "number", (column,))
        case Call(function="C", arguments=[levels, *contrasts], keywords=()):
            return _category(node, levels, contrasts)
        case Call(function="cut"):
            return _category(node, node, [])
        case Call(function=function, source=source) if function in BASES:
            argument = read_basis(node).argument
            expression = compile_expression(argument, source)
            if expression.learned:
                raise unsupported(source)
            text, kind = unparse(node), "basis"
        case Call(source=source):
            expression = compile_expression(node, source)
            text, kind = unparse(node), "number"
        case Braces(inner=inner, source=source):
            expression = compile_expression(inner, source)
            text, kind = unparse(inner), "number"
        case _:
            raise FormulaSyntaxError("a term is a column, a call, or arithmetic in {braces}")
    if not expression.columns:
        raise unsupported(source)
    return Factor(text, kind, expression.columns, times=expression.times)  # type: ignore[arg-type]


def _category(node: Call, levels: Node, contrasts: Sequence[Node]) -> Factor:
    """Return the factor of C(…), of a column or of what makes levels, or of a cut."""
    if len(contrasts) > 1:
        raise unsupported(node.source)
    contrast: str = TREATMENT
    base: Level | None = None
    if contrasts:
        contrast, base = read_contrast(contrasts[0], node.source)
    text = unparse(node)
    if isinstance(levels, Name):
        return Factor(text, "category", (levels.name,), base, contrast)
    if not is_level_source(levels):
        raise unsupported(node.source)
    source = read_level_source(levels)
    of = source.argument
    return Factor(text, "category", of.columns, base, contrast, source.text, of.times)


def _offset(argument: Node, call: Call) -> Factor:
    """Return the number that an offset adds."""
    if isinstance(argument, Name):
        return Factor(argument.name, "number", (argument.name,))
    expression = compile_expression(argument, call.source)
    if not expression.columns:
        raise unsupported(call.source)
    return Factor(unparse(argument), "number", expression.columns, times=expression.times)
