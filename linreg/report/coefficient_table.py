"""The coefficient table as text: for a terminal, for a paper, for the report."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from linreg.data.formula.design_info import DesignTerm
from linreg.number_format import DIGITS, DIGITS_WITHOUT_ERROR, aligned, decimals_of, p_values
from linreg.report.fit_in_words import absorbed_in_words, f_in_words
from linreg.results.run_results import CoefficientRow, RunResults

FEW_COEFFICIENTS = 25
"""A table of more is shortened, term by term."""
LEVELS_OF_A_TERM = 12
"""Levels of a term that a shortened table shows: those that are furthest from 0 in standard
errors.
"""
LONG_NAME = 24
"""Letters of a name."""
MAX_TERMS = 150
"""Terms of a shortened table."""


class TermRows(NamedTuple):
    """Consecutive rows of the table that belong to one term of the formula.

    term      None for the intercept, and for all terms behind MAX_TERMS
    rows      those that are shown
    left_out  those that are not
    """

    term: DesignTerm | None
    rows: list[CoefficientRow]
    left_out: list[CoefficientRow]


def coefficient_columns(
    results: RunResults, rows: Sequence[CoefficientRow], digits: int = DIGITS
) -> dict[str, list[str]]:
    """Return the columns of the table by title: the cells of `rows`, in one format a column.

    digits  significant digits of a standard error; a coefficient ends at the same decimal

    There are no columns that would say nothing: `trained` where training is the exact solution,
    `true` where nobody knows it, standard errors where there are none.
    """
    errors = [row.headline.get("standard_error") for row in rows]
    decimals = [
        decimals_of(error, digits)
        if error
        else decimals_of(row.exact if row.exact is not None else row.trained, DIGITS_WITHOUT_ERROR)
        for row, error in zip(rows, errors, strict=True)
    ]
    columns = {}
    if not results.is_exact:
        columns["trained"] = aligned([row.trained for row in rows], decimals)
    if results.context["truth"]:
        columns["true"] = aligned([row.true for row in rows], decimals)
    columns["exact"] = aligned([row.exact for row in rows], decimals)
    if not results.has_errors:
        return columns
    columns["std. error"] = aligned(errors, decimals)
    columns["t"] = aligned([row.headline.get("t") for row in rows], digits - 1)
    columns["p"] = p_values([row.headline.get("p") for row in rows], digits)
    for end in ("low", "high"):
        values = [row.headline.get(end) for row in rows]
        columns[f"{results.confidence} {end}"] = aligned(values, decimals)
    return columns


def rows_by_term(results: RunResults, terms: Sequence[DesignTerm]) -> list[TermRows]:
    """Return the rows of the table by term, in the order of the formula, without absorbed factors.

    More than FEW_COEFFICIENTS are shortened: terms of many levels to those that are furthest from 0
    in standard errors, and the terms to the first MAX_TERMS.
    """
    table = {row.name: row for row in results.coefficients}
    terms = [term for term in terms if not term.is_absorbed]
    is_shortened = len(table) > FEW_COEFFICIENTS
    groups = [TermRows(None, [table["b"]], [])] if "b" in table else []
    for term in terms[:MAX_TERMS]:
        rows = [table[name] for name in term.names]
        shown = _furthest_from_0(rows, LEVELS_OF_A_TERM) if is_shortened else rows
        names = {row.name for row in shown}
        groups.append(TermRows(term, shown, [row for row in rows if row.name not in names]))
    behind = [table[name] for term in terms[MAX_TERMS:] for name in term.names]
    return [*groups, TermRows(None, [], behind)] if behind else groups


def left_out_in_words(results: RunResults, left_out: Sequence[CoefficientRow]) -> str:
    """Return what a shortened table does not show of a term; empty if that is nothing."""
    if not left_out:
        return ""
    values = [row.trained if row.exact is None else row.exact for row in left_out]
    low, high = map(
        str.rstrip, aligned([min(values), max(values)], decimals_of(max(map(abs, values)), DIGITS))
    )
    text = f"{len(left_out)} more, from {low} to {high}"
    if not results.has_errors:
        return text
    level = 1 - results.inference["confidence"]
    p = [row.headline.get("p") for row in left_out]
    significant = sum(value is not None and value < level for value in p)
    return f"{text}; significant at {results.confidence}: {significant or 'none'}"


class HtmlRow(NamedTuple):
    """A line of the table on a page: a coefficient with its cells, or a sentence about a term.

    label  the name of the coefficient; of a level below its category only that of the level
    """

    label: str
    name: str
    cells: list[str]


class HtmlTable(NamedTuple):
    """The table on a page: titles of columns, and the lines of each term."""

    titles: list[str]
    terms: list[list[HtmlRow]]

    @property
    def has_long_names(self) -> bool:
        """Whether a name would be broken into many lines of a narrow column."""
        return any(len(row.label) > LONG_NAME for term in self.terms for row in term if row.name)


def html_table(results: RunResults, terms: Sequence[DesignTerm]) -> HtmlTable:
    """Return the table with the other kind of standard errors, a line with the reference level of
    each category, and what is left out.
    """
    groups = rows_by_term(results, terms)
    rows = [row for group in groups for row in group.rows]
    columns = coefficient_columns(results, rows)
    joint = {
        term: f"as a whole {f_in_words(test['f'], df, test['df2'], test['p'])}"
        for term, df, test in results.joint_tests
    }
    if results.inference["robust_kind"] and results.has_errors:
        is_robust = results.has_robust_headline
        others = [row.classical if is_robust else row.robust for row in rows]
        errors = [each.get("standard_error") for each in others]
        own = [max(0, decimals_of(error, DIGITS)) for error in errors]
        columns[f"{'classical' if is_robust else 'robust'} std. error"] = aligned(errors, own)
    lines = map(list, zip(*columns.values(), strict=True))
    of_terms = []
    for group in groups:
        of_term = []
        label = _label(group.term)
        if group.term and group.rows:
            text, references = group.term.text, group.term.reference_levels
            about = [_compared(text, references)] if references else []
            about += [joint[text]] if text in joint else []
            # A line of their own for each: one with both is cut off on a phone.
            of_term += [HtmlRow(f"{text}: {each}", "", []) for each in about[:1]]
            of_term += [HtmlRow(each, "", []) for each in about[1:]]
        of_term += [HtmlRow(label(row.name), row.name, next(lines)) for row in group.rows]
        if left_out := left_out_in_words(results, group.left_out):
            of_term.append(HtmlRow(f"… {left_out}", "", []))
        of_terms.append(of_term)
    if absorbed := absorbed_in_words(results):
        of_terms.append([HtmlRow(absorbed, "", [])])
    return HtmlTable(list(columns), of_terms)


def _label(term: DesignTerm | None) -> Callable[[str], str]:
    """Return what names a coefficient of a term below the line about the term."""
    if not term or list(term.reference_levels) != [term.text]:
        return str
    start = f"{term.text}[T."
    return lambda name: name.removeprefix(start).removesuffix("]")


def _compared(text: str, references: Mapping[str, object]) -> str:
    if list(references) == [text]:
        return f"compared with {references[text]}"
    return f"compared with {', '.join(f'{level} of {name}' for name, level in references.items())}"


def reference_levels(terms: Sequence[DesignTerm]) -> Iterator[tuple[str, str]]:
    """Yield each category that has a reference level, once, with that level."""
    found: dict[str, str] = {}
    for term in terms:
        # The only level of a category has no column that could be compared with it.
        if term.names and not term.is_absorbed:
            found |= {factor: str(level) for factor, level in term.reference_levels.items()}
    yield from found.items()


def _furthest_from_0(rows: list[CoefficientRow], number: int) -> list[CoefficientRow]:
    """Return so many of the rows, in their order."""
    if len(rows) <= number:
        return rows

    def distance(row: CoefficientRow) -> float:
        t = row.headline.get("t")
        return abs(row.trained if t is None else t)

    furthest = {row.name for row in sorted(rows, key=distance, reverse=True)[:number]}
    return [row for row in rows if row.name in furthest]
