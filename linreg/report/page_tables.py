"""Tables of the page: coefficients; tests, inflated columns and rows of the diagnostics."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from linreg.data.formula.design_info import DesignTerm
from linreg.number_format import DIGITS, NONE, aligned, alike, decimals_of, number, p_value
from linreg.report.coefficient_table import (
    absorbed_in_words,
    coefficient_columns,
    f_in_words,
    left_out_in_words,
    rows_by_term,
)
from linreg.report.results import RunResults

TITLES = {
    "breusch_pagan": "Breusch–Pagan, studentized",
    "breusch_pagan_original": "Breusch–Pagan, original",
    "white": "White",
    "jarque_bera": "Jarque–Bera",
    "reset": "RESET, powers 2 and 3",
    "rainbow": "Rainbow",
}
MAX_ROWS = 10
"""Rows of a table, of which diagnostics.json has more."""
LONG_NAME = 24
"""Letters of a name."""
MEASURES = ("actual", "fitted", "externally_studentized", "leverage", "cooks_distance", "dffits")


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


class DiagnosticTables(NamedTuple):
    """Cells as text.

    findings     severity and sentence of each diagnostic
    tests        name, statistic, distribution and p-value of each test that was computed
    inflation    name and VIF of the columns with the largest ones, and of terms the generalized one
    conditions   condition indices above 10, each with the columns that share it
    outliers     name of a row and its MEASURES: the largest |studentized residuals|
    influential  likewise the largest Cook's distances
    """

    findings: Sequence[tuple[str, str]]
    tests: Sequence[Sequence[str]]
    inflation: Sequence[Sequence[str]]
    conditions: Sequence[Sequence[str]]
    outliers: Sequence[Sequence[str]]
    influential: Sequence[Sequence[str]]


def diagnostic_tables(diagnostics: Mapping[str, Any]) -> DiagnosticTables | None:
    """Return the tables of diagnostics.json; None where there is none."""
    if not diagnostics:
        return None
    found = diagnostics.get("collinearity", {"vif": {}, "terms": {}, "condition_indices": []})
    influence = diagnostics.get("influence", {"outliers": [], "influential": []})
    return DiagnosticTables(
        [(each["severity"], each["text"]) for each in diagnostics["findings"]],
        list(_tests(diagnostics)),
        _inflation(found),
        _conditions(found),
        _rows(influence["outliers"]),
        _rows(influence["influential"]),
    )


def _tests(diagnostics: Mapping[str, Any]) -> list[list[str]]:
    tests = {title: diagnostics.get(key, {}) for key, title in TITLES.items()}
    by_order = diagnostics.get("breusch_godfrey", {})
    for order in sorted(key for key in by_order if key != "reason"):
        tests[f"Breusch–Godfrey, order {order}"] = by_order[order]
    rows = [
        [title, number(test["statistic"], ".5g"), _distribution(test), p_value(test["p"])]
        for title, test in tests.items()
        if "p" in test
    ]
    watson = diagnostics.get("durbin_watson", {}).get("statistic")
    if watson is not None:
        rows.append(["Durbin–Watson", number(watson, ".5g"), NONE, NONE])
    return rows


def _distribution(test: Mapping[str, Any]) -> str:
    if test["distribution"] == "chi2":
        return f"χ²({test['df']})"
    return f"F({test['df']}, {test['df_residual']})"


def _inflation(found: Mapping[str, Any]) -> list[list[str]]:
    largest = sorted(found["vif"].items(), key=lambda each: (-each[1], each[0]))[:MAX_ROWS]
    rows = [[name, number(value, ".4g")] for name, value in largest]
    for term, values in found["terms"].items():
        text = f"{term}, generalized: {number(values['adjusted'], '.4g')} for each standard error"
        rows.append([text, number(values["gvif"], ".4g")])
    return rows


def _conditions(found: Mapping[str, Any]) -> list[list[str]]:
    rows = []
    for each in found["condition_indices"]:
        parts = sorted(each["variance_proportions"].items(), key=lambda part: -part[1])
        shared = [f"{name} {value:.2f}" for name, value in parts if value > 0.5]
        if each["index"] > 10 and shared:
            rows.append([number(each["index"], ".4g"), ", ".join(shared[:MAX_ROWS])])
    return rows


def _rows(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    shown = rows[:MAX_ROWS]
    columns = [alike([row[name] for row in shown], DIGITS) for name in MEASURES]
    # The folder of the files is the same for all, and takes the width of a telephone.
    return [
        [row["row"].rpartition("/")[2], *cells] for row, *cells in zip(shown, *columns, strict=True)
    ]
