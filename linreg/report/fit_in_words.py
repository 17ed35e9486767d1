"""What the fit is as a whole, in phrases: below the coefficient table."""

from collections.abc import Iterator

from linreg.number_format import DIGITS, alike, decimals_of, p_value
from linreg.results.run_results import RunResults
from linreg.text import count_of

MAX_JOINT_TESTS = 12
"""Terms whose tests are listed below a table."""
DIGITS_OF_RESIDUALS = 4
"""Significant digits of the largest quantile of the residuals."""


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


def absorbed_in_words(results: RunResults) -> str:
    """Return the absorbed factors with their levels; empty if there are none."""
    factors = results.inference.get("absorbed", {})
    counted = ", ".join(
        f"{name} ({each['levels']} level{'s' if each['levels'] != 1 else ''})"
        for name, each in factors.items()
    )
    return f"absorbed: {counted}" if counted else ""


def _r2(value: float) -> str:
    """Return R² with 4 decimals, or more where 1 − R² has fewer than 3 digits in them."""
    return f"{value:.{max(4, decimals_of(1 - value, DIGITS)) if value < 1 else 4}f}"
