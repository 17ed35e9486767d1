"""The coefficient table and the fit as text: for a terminal, for a paper, for the report."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from linreg.data.formula.design_info import DesignTerm
from linreg.number_format import (
    DIGITS,
    DIGITS_WITHOUT_ERROR,
    aligned,
    alike,
    decimals_of,
    p_value,
    p_values,
)
from linreg.report.results import CoefficientRow, RunResults
from linreg.text import count_of

FEW_COEFFICIENTS = 25
"""A table of more is shortened, term by term."""
LEVELS_OF_A_TERM = 12
"""Levels of a term that a shortened table shows: those that are furthest from 0 in standard
errors.
"""
DIGITS_OF_RESIDUALS = 4
"""Significant digits of the largest quantile of the residuals."""
MAX_TERMS = 150
"""Terms of a shortened table."""
MAX_JOINT_TESTS = 12
"""Terms whose tests are listed below a table."""


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


def absorbed_in_words(results: RunResults) -> str:
    """Return the absorbed factors with their levels; empty if there are none."""
    factors = results.inference.get("absorbed", {})
    counted = ", ".join(
        f"{name} ({each['levels']} level{'s' if each['levels'] != 1 else ''})"
        for name, each in factors.items()
    )
    return f"absorbed: {counted}" if counted else ""


def weights_in_words(results: RunResults) -> str:
    """Return the column of weights, their kind and the rows that count; empty without weights."""
    if not results.weights:
        return ""
    column, kind = results.weights
    inference = results.inference
    number = inference["num_rows"]
    if kind == "frequency":
        rows = f"which stand for {count_of(number, 'row')}"
    else:
        rows = f"of {count_of(number, 'training row')}"
        of_absorbed = sum(factor["df"] for factor in inference.get("absorbed", {}).values())
        rank = inference["f_df"] + ("b" in inference["coefficients"]) + of_absorbed
        # Without degrees of freedom, a penalized fit may have more coefficients than rows.
        if (df := inference["df"]) and df + rank < number:
            rows += f", {number - df - rank} of weight 0"
    return f"weights: {column} ({kind}), {rows}"


def fit_in_words(results: RunResults) -> Iterator[str]:
    """Yield n, R² and F of the exact fit, each as a phrase; what does not exist is left out."""
    inference = results.inference
    df, f_df = inference["df"], inference["f_df"]
    yield f"n = {inference['num_rows']}"
    if penalty := inference.get("penalty"):
        sizes = [f"{name} = {penalty[name]:.6g}" for name in ("l1", "l2") if penalty[name]]
        scale = " of standardized columns" if penalty["scale"] == "standardize" else ""
        yield f"penalty {', '.join(sizes)}{scale}"
    if inference["sigma"] is not None:
        yield f"residual sd {inference['sigma']:.4g} on {df} df"
    if inference["r2"] is not None:
        yield f"R² {_r2(inference['r2'])}"
    if inference["adjusted_r2"] is not None:
        yield f"adjusted R² {_r2(inference['adjusted_r2'])}"
    if inference.get("r2_around_mean") is not None:
        yield f"R² around the mean {_r2(inference['r2_around_mean'])}"
    if inference.get("r2_within") is not None:
        yield f"within R² {_r2(inference['r2_within'])}"
    start = "robust_" if results.has_robust_headline else ""
    if (f := inference[f"{start}f"]) is not None:
        f_df2 = inference["robust_df"] if start else df
        yield f_in_words(f, f_df, f_df2, inference[f"{start}f_p"])
    if results.has_robust_headline and results.has_errors:
        yield f"{errors_in_words(results)}, t on {inference['robust_df']} df"
    # An evaluation from before these numbers were computed does not have them.
    if inference.get("log_likelihood") is not None:
        # What counts is how far the models of the same rows are apart.
        log_likelihood, aic, bic = (
            f"{inference[key]:.2f}" for key in ("log_likelihood", "aic", "bic")
        )
        yield f"log-likelihood {log_likelihood}, AIC {aic}, BIC {bic}"


def joint_tests_in_words(results: RunResults) -> Iterator[str]:
    """Yield the test of each term of several coefficients as a phrase: `zone as a whole: F = …`."""
    tests = results.joint_tests
    for term, df, test in tests[:MAX_JOINT_TESTS]:
        yield f"{term} as a whole: {f_in_words(test['f'], df, test['df2'], test['p'])}"
    if len(tests) > MAX_JOINT_TESTS:
        yield f"{len(tests) - MAX_JOINT_TESTS} more terms in inference.json"


def f_in_words(f: float, df1: int, df2: int, p: float) -> str:
    """Return an F test: `F = 8.498 on 2 and 48 df, p = 0.0007`."""
    text = p_value(p)
    sign = "<" if text.startswith("<") else "="
    return f"F = {f:.5g} on {df1} and {df2} df, p {sign} {text.removeprefix('<')}"


def residuals_in_words(results: RunResults) -> Iterator[str]:
    """Yield the quartiles of the residuals of the exact fit as a phrase; nothing without them."""
    quantiles = results.inference.get("residuals")
    if quantiles is None:
        return
    weighted = "weighted " if results.weights else ""
    names = {"min": "min", "q1": "1Q", "median": "median", "q3": "3Q", "max": "max"}
    cells = alike([quantiles[key] for key in names], DIGITS_OF_RESIDUALS)
    values = (f"{name} {cell.strip()}" for name, cell in zip(names.values(), cells, strict=True))
    yield f"{weighted}residuals: {', '.join(values)}"


def errors_in_words(results: RunResults) -> str:
    """Return what the standard errors of the table are: `standard errors clustered by school (48
    clusters)`.
    """
    if not results.has_robust_headline:
        return "classical standard errors"
    return robust_errors_in_words(results)


def robust_errors_in_words(results: RunResults) -> str:
    """Return what the robust standard errors are, whether they count or not."""
    kind, _, of = results.inference["robust_kind"].partition(":")
    counts = list(results.inference["num_clusters"].items())
    if kind == "HAC":
        (column, number), *_ = counts
        return f"HAC standard errors, {of} lags of {column} ({number} times)"
    if kind != "cluster":
        return f"{kind} standard errors"
    numbers = " and ".join(str(results.inference["num_clusters"][name]) for name in of.split(","))
    return f"standard errors clustered by {' and '.join(of.split(','))} ({numbers} clusters)"


def _r2(value: float) -> str:
    """Return R² with 4 decimals, or more where 1 − R² has fewer than 3 digits in them."""
    return f"{value:.{max(4, decimals_of(1 - value, DIGITS)) if value < 1 else 4}f}"


def _furthest_from_0(rows: list[CoefficientRow], number: int) -> list[CoefficientRow]:
    """Return so many of the rows, in their order."""
    if len(rows) <= number:
        return rows

    def distance(row: CoefficientRow) -> float:
        t = row.headline.get("t")
        return abs(row.trained if t is None else t)

    furthest = {row.name for row in sorted(rows, key=distance, reverse=True)[:number]}
    return [row for row in rows if row.name in furthest]
