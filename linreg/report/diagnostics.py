"""Diagnostics: what the numbers of a run mean, and what to do about it, in sentences.

They are the first thing in the report: which coefficients to read, gates, the rows, the fit.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from linreg.data.split.unseen_levels import describe
from linreg.evaluation.gates import LARGEST_GAP, format_bounds
from linreg.fit.exact.least_squares import FEW_DIGITS
from linreg.fit.history import gap_in_words
from linreg.results.run_results import CoefficientRow, RunResults

CONVERGED = 0.25
"""Standard errors between θ and the exact minimum, on average, that make no difference."""
FARTHEST = 0.5
"""Standard errors between a single coefficient and its exact value that make no difference."""
OVERFITTING = 1.2
"""RMSE on the test rows divided by RMSE on the training rows."""
UNEQUAL_ERRORS = 1.5
"""Robust divided by classical standard error, or the other way round."""
ILL_CONDITIONED = 1e8
FEW_ROWS_PER_COEFFICIENT = 10
MAX_NAMES, MAX_LETTERS = 5, 160


class Diagnostic(NamedTuple):
    """A sentence, and whether the model must not be used, needs attention, or is fine."""

    severity: Literal["error", "warning", "ok"]
    text: str


def diagnostics(run: RunResults) -> list[Diagnostic]:
    """Return the diagnostics of a run, the most important first; never empty."""
    found = [*_of_convergence(run), *_of_gates(run), *_of_rows(run), *_of_fit(run)]
    if run.passed:
        found.append(
            Diagnostic(
                "ok",
                "To predict: linreg predict models/model INPUT OUTPUT. "
                "To register the model: linreg register.",
            )
        )
    return found


def _of_gates(run: RunResults) -> Iterator[Diagnostic]:
    for name, gate in run.gates.items():
        if not gate["passed"]:
            is_value = "has no value" if gate["value"] is None else f"is {gate['value']:.6g}"
            yield Diagnostic(
                "error",
                f"Gate failed: {name} {is_value}, must be {format_bounds(gate)}. Improve the "
                "model or the data; if the bound is wrong, change evaluate.gates in params.yaml.",
            )
    if not run.gates:
        yield Diagnostic(
            "warning",
            "No gates are set, so the model meets no requirement. Set one under evaluate.gates in "
            "params.yaml, such as test_r2: {min: 0.5}.",
        )


def _of_rows(run: RunResults) -> Iterator[Diagnostic]:
    profile = run.context["profile"]
    num_dropped, num_read = sum(profile["dropped"].values()), profile["rows_read"]
    if num_dropped:
        were = "was" if num_dropped == 1 else "were"
        yield Diagnostic(
            "warning",
            f"{num_dropped} of {num_read} rows {were} dropped. If values are missing for a reason "
            "related to the target, the remaining rows are a biased sample.",
        )
    if unseen := describe(run.context.get("unseen_levels", {})):
        yield Diagnostic(
            "warning", f"{unseen[0].upper()}{unseen[1:]}. The metrics are those of the other rows."
        )
    num_imputed = sum(profile["columns"][name]["missing"] for name in _imputed_columns(run))
    if num_imputed:
        # Some of them may be in rows that were dropped for another cell.
        up_to = "up to " if num_dropped else ""
        yield Diagnostic(
            "warning",
            f"Missing values ({up_to}{num_imputed}) were imputed with the mean of the training "
            "rows, which makes standard errors too small.",
        )
    # A penalty is there for few rows; its fit has no intervals.
    if not run.inference.get("penalty"):
        yield from _of_few_rows(run.inference)
    if "test" not in run.metrics:
        yield Diagnostic(
            "warning", "There are no test rows (split.test), so the error on new rows is unknown."
        )


def _of_few_rows(inference: Mapping[str, Any]) -> Iterator[Diagnostic]:
    absorbed = inference.get("absorbed") or {}
    of_levels = sum(factor["df"] for factor in absorbed.values())
    num_coefficients = len(inference["coefficients"]) + of_levels
    # Rows of weight 0 are no degrees of freedom.
    num_weighted = inference["df"] + num_coefficients
    if inference["df"] and num_weighted < FEW_ROWS_PER_COEFFICIENT * num_coefficients:
        weighted = " with a weight above 0" if num_weighted < inference["num_rows"] else ""
        levels = ", those of absorbed levels included" if absorbed else ""
        yield Diagnostic(
            "warning",
            f"{num_weighted} training rows{weighted} are few for {num_coefficients} "
            f"coefficients{levels}: expect wide confidence intervals.",
        )


def _imputed_columns(run: RunResults) -> list[str]:
    """Return the columns whose missing cells were imputed: numbers, except for the target."""
    if run.context["parameters"]["ingest.missing"] != "mean":
        return []
    columns = run.context["profile"]["columns"].items()
    target = run.context["target"]
    return [name for name, column in columns if "mean" in column and name != target]


def _of_fit(run: RunResults) -> Iterator[Diagnostic]:
    train_rmse, test_rmse = (run.metrics.get(part, {}).get("rmse") for part in ("train", "test"))
    if train_rmse and test_rmse and test_rmse > OVERFITTING * train_rmse:
        yield Diagnostic(
            "warning",
            f"RMSE on the test rows is {test_rmse / train_rmse:.3g} times that on the training "
            "rows: overfitting, or the test rows come from another distribution.",
        )
    yield from _of_errors(run)
    not_significant = [
        c.name for c in run.coefficients if c.name != "b" and _contains_0(c.headline)
    ]
    if not_significant:
        intervals = "interval contains" if len(not_significant) == 1 else "intervals contain"
        yield Diagnostic(
            "warning",
            f"{_listed(not_significant)}: not significant at "
            f"{run.confidence} (the confidence {intervals} 0).",
        )
    yield from _of_collinearity(run.inference)
    yield from _of_noise(run.inference)
    if run.problems:
        titles = dict.fromkeys(problem["title"] for problem in run.problems)
        yield Diagnostic(
            "warning",
            f"The diagnostics of the fit have found: {'; '.join(titles)}. What each means and what "
            "to do about it stands under “Regression diagnostics”.",
        )


def _of_errors(run: RunResults) -> Iterator[Diagnostic]:
    unequal = [c.name for c in run.coefficients if _errors_are_unequal(c)]
    kind = str(run.inference.get("robust_kind"))
    if not unequal:
        return
    cause, advice = "the noise has unequal variance (heteroscedasticity)", "Use the robust ones."
    if not kind.startswith("HC"):
        cause = f"rows depend on each other ({kind})"
    if run.has_robust_headline:
        advice = "Those shown are the robust ones."
    yield Diagnostic(
        "warning",
        f"Robust and classical standard errors differ by more than a factor of "
        f"{UNEQUAL_ERRORS:g} ({_listed(unequal)}): {cause}. {advice}",
    )


def _of_noise(inference: Mapping[str, Any]) -> Iterator[Diagnostic]:
    if inference["sigma"] == 0:
        yield Diagnostic(
            "warning",
            "The fit is perfect: rounding explains every residual. Standard errors are 0, and p "
            "says nothing.",
        )


def _of_collinearity(inference: Mapping[str, Any]) -> Iterator[Diagnostic]:
    relations = [f"{name} = {relation}" for name, relation in inference["dropped"].items()]
    if relations:
        yield Diagnostic("warning", f"Collinear columns were dropped: {', '.join(relations)}.")
    digits = inference.get("digits", FEW_DIGITS)
    if digits < FEW_DIGITS:
        yield Diagnostic(
            "warning",
            "The columns are so nearly collinear, or a row has so high a leverage, that "
            f"coefficients and standard errors have only {digits} correct digits.",
        )
    condition = inference["condition"] or 0
    if condition > ILL_CONDITIONED:
        yield Diagnostic(
            "warning",
            f"The columns are nearly collinear (condition number {condition:.1e}): single "
            "coefficients are unreliable, although predictions may be good.",
        )


def _of_convergence(run: RunResults) -> Iterator[Diagnostic]:
    """Say which coefficients to read."""
    if run.context["parameters"]["train.solver"] == "exact":
        yield Diagnostic(
            "ok",
            "The coefficients are the exact minimum of the penalized loss, nearer to 0 than those "
            "of least squares."
            if run.inference.get("penalty")
            else "Read the coefficients as they are: they are the exact solution.",
        )
        return
    gap, distance = run.metrics.get("gap"), run.metrics.get("distance")
    read_exact = "Read the exact coefficients, not the trained ones: "
    to_converge = (
        " To train to the minimum set train.scale: whiten, train.schedule: linear and"
        " train.average: 0.5; or train.solver: exact."
    )
    if gap is None:
        reason = (
            "the least loss is 0 or rounding, so that it cannot be told how close training came."
        )
        yield Diagnostic("warning", read_exact + reason)
        return
    of_each = ""
    if distance is not None:
        mean_distance = f"{_mean_distance(run, distance):.2g} standard errors"
        of_each = f", and coefficients are on average {mean_distance} from the exact ones"
    far = [c for c in run.coefficients if abs(c.distance or 0.0) > FARTHEST]
    if far and _mean_distance(run, distance or 0.0) <= CONVERGED:
        farthest = max(far, key=lambda c: abs(c.distance or 0.0))
        of_each += f", {farthest.name} {abs(farthest.distance or 0.0):.2g}"
    ended = f"training ended {gap_in_words(gap)}{of_each}."
    if gap > LARGEST_GAP:
        yield Diagnostic("error", f"{read_exact}{ended}{to_converge}")
    elif far or _mean_distance(run, distance or 0.0) > CONVERGED:
        fine = " Predictions are as good as they can be."
        yield Diagnostic("warning", f"{read_exact}{ended}{fine}{to_converge}")
    else:
        yield Diagnostic("ok", f"Read the trained coefficients: {ended}")


def _mean_distance(run: RunResults, distance: float) -> float:
    """Return the root mean square of the distances of coefficients, from that of all of them."""
    return distance / math.sqrt(max(1, len(run.coefficients)))


def _errors_are_unequal(c: CoefficientRow) -> bool:
    classical, robust = (errors.get("standard_error") for errors in (c.classical, c.robust))
    if not classical or not robust:
        return False
    return not 1 / UNEQUAL_ERRORS < robust / classical < UNEQUAL_ERRORS


def _contains_0(interval: Mapping[str, float | None]) -> bool:
    low, high = interval.get("low"), interval.get("high")
    return low is not None and high is not None and low <= 0 <= high


def _listed(names: Sequence[str]) -> str:
    shown = list(names[:MAX_NAMES])
    while len(shown) > 1 and sum(map(len, shown)) > MAX_LETTERS:
        shown.pop()
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
