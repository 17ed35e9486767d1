"""Tables of the regression diagnostics: tests, inflated columns, rows that stand out."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from linreg.number_format import NONE, alike, number, p_value

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
DIGITS = 3
MEASURES = ("actual", "fitted", "externally_studentized", "leverage", "cooks_distance", "dffits")


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
