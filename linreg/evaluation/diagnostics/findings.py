"""What diagnostics mean and what to do about it: one sentence for each."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

SIGNIFICANT = 0.01
"""The p-value below which a test is a finding."""
HIGH_VIF = 10.0
"""Belsley, Kuh and Welsch, and most textbooks after them."""
HIGH_CONDITION = 30.0
HIGH_PROPORTION = 0.5
"""Belsley: a condition index above 30 that has more than half of two variances is a dependency."""
INFLUENTIAL = 1.0
"""Cook and Weisberg, 1982: without a row of this distance, coefficients are elsewhere."""
MAX_NAMES = 5


class Finding(NamedTuple):
    """A sentence about one diagnostic.

    diagnostic  its key
    severity    "warning", "ok", or "none" where it could not be computed
    title       what is wrong, in a few words; empty unless it is a warning
    text        what it means and what to do
    """

    diagnostic: str
    severity: Literal["warning", "ok", "none"]
    title: str
    text: str


class _Sentences(NamedTuple):
    """Of one test: its name, the title of a warning, and what it means, with what to do, or not."""

    name: str
    title: str
    warning: str
    ok: str


_TESTS = {
    "breusch_pagan": _Sentences(
        "Breusch–Pagan",
        "unequal variance",
        "the variance of the errors changes with the {against} (heteroscedasticity). Use robust"
        " standard errors (evaluate.errors: HC3), or model the logarithm of the target.",
        "no sign that the variance of the errors changes with the {against}.",
    ),
    "white": _Sentences(
        "White",
        "unequal variance",
        "the variance of the errors changes with squares and products of the {against}. Use "
        "robust standard errors (evaluate.errors: HC3); look for a missing term, which looks the"
        " same.",
        "no sign that the variance of the errors changes with squares and products of the "
        "{against}.",
    ),
    "jarque_bera": _Sentences(
        "Jarque–Bera",
        "non-normal errors",
        "the errors are not normal (skewness {skewness:.2g}, kurtosis {kurtosis:.3g}, of the normal"
        " distribution 0 and 3). With many rows the coefficients and their intervals hold all the "
        "same; prediction intervals do not.",
        "no sign that the errors are not normal.",
    ),
    "reset": _Sentences(
        "RESET",
        "missing curvature",
        "the square or cube of the fitted values explains what the columns do not: a term is "
        "missing. Look at the partial residuals for the column that bends, and add its square or "
        "logarithm.",
        "no sign that squares or other curved terms are missing.",
    ),
    "rainbow": _Sentences(
        "Rainbow",
        "misfit away from the centre",
        "the central half of the rows ({central}) fits better by itself: the relation is not the "
        "same everywhere. Look for a curved term, or for a change between groups of rows.",
        "the central half of the rows ({central}) fits no better by itself.",
    ),
}


def findings(results: Mapping[str, Any]) -> list[Finding]:
    """Return a sentence for each diagnostic, warnings first."""
    found = []
    if "reason" in results:
        text = f"No diagnostics of residuals: {results['reason']}."
        found.append(Finding("residuals", "none", "", text))
    else:
        found += [*_of_influence(results["influence"]), *_of_order(results)]
        found += [_of_test(key, results[key]) for key in _TESTS]
    if "collinearity" in results:
        found += _of_collinearity(results["collinearity"])
    order = ("warning", "ok", "none")
    return sorted(found, key=lambda finding: order.index(finding.severity))


def _of_test(key: str, test: Mapping[str, Any]) -> Finding:
    name, title, warning, ok = _TESTS[key]
    if "reason" in test:
        return Finding(key, "none", "", f"{name}: not computed, as {test['reason']}.")
    result = f"{name}, p = {_p(test['p'])}: "
    if test["p"] < SIGNIFICANT:
        return Finding(key, "warning", title, result + warning.format(**test))
    return Finding(key, "ok", "", result + ok.format(**test))


def _of_order(results: Mapping[str, Any]) -> Iterator[Finding]:
    """Say whether residuals that follow each other are correlated."""
    key, tests = "breusch_godfrey", results["breusch_godfrey"]
    if "reason" in tests:
        text = f"Serial correlation: not computed, as {tests['reason']}."
        yield Finding(key, "none", "", text)
        return
    order, test = min(tests.items(), key=lambda each: each[1]["p"], default=("", None))
    if test is None:
        return
    statistic = results["durbin_watson"].get("statistic")
    watson = "" if statistic is None else f", Durbin–Watson {statistic:.3g}"
    result = f"Breusch–Godfrey of order {order}, p = {_p(test['p'])}{watson}: "
    # The smallest of several p-values, each by itself.
    if test["p"] * len(tests) < SIGNIFICANT:
        text = (
            "errors are correlated with those before them, so that standard errors are wrong. Add a"
            " trend, seasons or earlier values of the target to the columns."
        )
        yield Finding(key, "warning", "serial correlation", result + text)
    else:
        yield Finding(key, "ok", "", f"{result}no sign that errors are correlated in time.")


def _of_influence(found: Mapping[str, Any]) -> Iterator[Finding]:
    p, outliers = found["outlier_p"], found["outliers"]
    if p is not None:
        row = outliers[0]
        residual, adjusted = f"{row['externally_studentized']:.3g}", f"Bonferroni p = {_p(p)}"
        if p < SIGNIFICANT:
            text = (
                f"{row['row']} is an outlier: a studentized residual of {residual}, {adjusted}. "
                "Look for a typing error or for what is special about it; say so where you leave it"
                " out."
            )
            yield Finding("outliers", "warning", f"outlier: {_short(row['row'])}", text)
        else:
            text = f"No outlier: the largest studentized residual is {residual}, {adjusted}."
            yield Finding("outliers", "ok", "", text)
    moving = [row for row in found["influential"] if (row["cooks_distance"] or 0.0) > INFLUENTIAL]
    if moving:
        names = _listed([row["row"] for row in moving])
        text = (
            f"Cook's distance above {INFLUENTIAL:g}: {names}. The coefficients hang on single rows:"
            " fit without them and compare."
        )
        yield Finding("influential", "warning", f"influential: {_short(moving[0]['row'])}", text)
    elif found["influential"]:
        largest = found["influential"][0]["cooks_distance"]
        text = (
            "No row moves the coefficients by itself: the largest Cook's distance is "
            f"{largest:.2g}."
        )
        yield Finding("influential", "ok", "", text)
    if found["num_exact"]:
        count = found["num_exact"]
        rows = "1 row is" if count == 1 else f"{count} rows are"
        text = (
            f"{rows} fitted exactly, as if by a coefficient for one row alone, so that nothing can "
            "be said about the error there."
        )
        yield Finding("exact_rows", "ok", "", text)


def _of_collinearity(found: Mapping[str, Any]) -> Iterator[Finding]:
    inflated = [name for name, value in found["vif"].items() if value > HIGH_VIF]
    if inflated:
        inflated.sort(key=lambda name: -found["vif"][name])
        largest = found["vif"][inflated[0]]
        text = (
            f"VIF above {HIGH_VIF:g} ({_listed(inflated)}; the largest is {largest:.3g}): other "
            "columns explain most of theirs, so that their coefficients are uncertain. Read them "
            "together, or leave some out."
        )
        yield Finding("vif", "warning", "collinear columns", text)
    elif found["vif"]:
        largest = max(found["vif"].values())
        text = f"No column is nearly explained by others: the largest VIF is {largest:.3g}."
        yield Finding("vif", "ok", "", text)
    for each in found["condition_indices"]:
        parts = each["variance_proportions"]
        shared = [name for name, part in parts.items() if part > HIGH_PROPORTION]
        if each["index"] > HIGH_CONDITION and len(shared) > 1:
            yield _of_dependency(each["index"], shared)


def _of_dependency(index: float, shared: Sequence[str]) -> Finding:
    """Say which columns are nearly dependent: of each other, or one of them of the constant."""
    condition = f"Condition index {index:.3g}: "
    columns = [name for name in shared if name != "b"]
    if len(columns) > 1:
        text = (
            f"{condition}{_listed(shared)} are nearly dependent, so that their coefficients are "
            "uncertain. Read them together, or leave some out."
        )
        return Finding("condition_indices", "warning", "collinear columns", text)
    text = (
        f"{condition}{columns[0]} varies little beside its mean, so that b, far outside of the "
        "rows, is uncertain. Other coefficients are not affected; subtract the mean to read b."
    )
    return Finding("condition_indices", "ok", "", text)


def _short(row: str) -> str:
    """Return the name of a row without the folder of its file."""
    return row.rpartition("/")[2]


def _p(p: float) -> str:
    return f"{p:.2g}"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
