"""The coefficient table and the fit as text: for a terminal, for a paper, for the report."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from linreg.data.formula.design_info import DesignTerm
from linreg.number_format import DIGITS, DIGITS_WITHOUT_ERROR, aligned, decimals_of, p_values
from linreg.results.run_results import CoefficientRow, RunResults

FEW_COEFFICIENTS = 25
"""A table of more is shortened, term by term."""
LEVELS_OF_A_TERM = 12
"""Levels of a term that a shortened table shows: those that are furthest from 0 in standard
errors.
"""
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
