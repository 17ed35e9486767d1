"""The coefficient table of the page."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from linreg.data.formula.design_info import DesignTerm
from linreg.number_format import DIGITS, aligned, decimals_of
from linreg.report.coefficient_table import coefficient_columns, left_out_in_words, rows_by_term
from linreg.report.fit_in_words import absorbed_in_words, f_in_words
from linreg.results.run_results import RunResults

LONG_NAME = 24
"""Letters of a name."""


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
