"""Two runs side by side: the same page as the report, for two, and the same in a few lines of
text.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from linreg.comparison.paired_test import paired_sample
from linreg.report import figures
from linreg.report.advice import advice
from linreg.report.figures import Run
from linreg.report.page import MOST_ROWS, number, render
from linreg.report.results import Coefficient, RunResults

FEWEST_ROWS = 3
MEASURES = ("r2", "rmse", "mae", "max_error")


class Measure(NamedTuple):
    """A metric of both runs, such as test_rmse, and whether they can be compared: errors of one
    target can.
    """

    name: str
    a: float | None
    b: float | None
    alike: bool = True

    @property
    def change(self) -> str:
        """By how much the second is more than the first, in words; empty where nobody can tell."""
        if self.a is None or self.b is None or not self.alike:
            return ""
        if self.a == self.b:
            return "the same"
        if self.name.endswith("r2") or self.a == 0:
            return f"{self.b - self.a:+.3g}"
        return f"{100 * (self.b / self.a - 1):+.3g} %"


def comparison(first: Run, second: Run) -> str:
    """Return the page; the runs are named."""
    runs, a, b = [first, second], first.findings, second.findings
    of_each = [(run, figures.KINDS[i]) for i, run in enumerate(runs)]
    return render(
        "comparison.html.jinja",
        {
            "names": [first.name, second.name],
            "a": a,
            "b": b,
            "verdict": verdict(first, second),
            "measures": list(measures(a, b)),
            "gates": _paired(a.verdict["gates"], b.verdict["gates"]),
            "advice": [(run.name, advice(run.findings)) for run in runs],
            "parameters": differing_parameters(a, b),
            "data_differ": not _same_data(a, b),
            "coefficients": dict(list(_coefficients(a, b).items())[:MOST_ROWS]),
            "hashes": _paired(a.background["hashes"], b.background["hashes"]),
            "effects": figures.effects(runs),
            "distances": figures.distances(runs),
            "loss": figures.loss(runs),
            "gap": figures.gap(runs),
            "paths": [(run.name, figures.whole_path(run)) for run in runs],
            "predicted": [
                (run.name, figures.predicted_against_actual(run, kind)) for run, kind in of_each
            ],
            "residuals": [(run.name, figures.residuals(run, kind)) for run, kind in of_each],
            "normal_quantiles": figures.normal_quantiles(runs),
        },
        package="linreg.comparison",
    )


def in_text(first: Run, second: Run) -> list[str]:
    """Return the parameters that differ, the measures of both, and what that says, for a
    terminal.
    """
    a, b = first.findings, second.findings
    rows = [("", first.name, second.name, "")]
    rows += [
        (name, _text(old), _text(new), "")
        for name, (old, new) in differing_parameters(a, b).items()
    ]
    rows += [(each.name, number(each.a), number(each.b), each.change) for each in measures(a, b)]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(row[i].rjust(widths[i]) for i in (1, 2, 3))]).rstrip()
        for row in rows
    ]
    return [*lines, "", verdict(first, second)["text"]]


def measures(a: RunResults, b: RunResults) -> Iterator[Measure]:
    """Yield the metrics of all parts that one of the runs has, then the gap."""
    alike = a.background["target"] == b.background["target"]
    for part in ("train", "validation", "test"):
        if part in a.metrics or part in b.metrics:
            for name in MEASURES:
                old, new = (each.metrics.get(part, {}).get(name) for each in (a, b))
                yield Measure(f"{part}_{name}", old, new, alike)
    yield Measure("gap", a.metrics.get("gap"), b.metrics.get("gap"))


def differing_parameters(a: RunResults, b: RunResults) -> dict[str, tuple[Any, Any]]:
    """Return the parameters whose values differ, by name; None for one that a run does not have."""
    both = _paired(a.background["parameters"], b.background["parameters"])
    return {name: values for name, values in both.items() if values[0] != values[1]}


def verdict(first: Run, second: Run) -> dict[str, str]:
    """Say which of the two predicts better, as far as the rows that both have judged can tell.

    On the same rows the difference of the squared errors is taken row by row, so that what both
    find hard does not hide it; it counts where the interval around its mean, at the confidence of
    the first run, leaves out 0.
    """
    a, b = first.findings, second.findings
    if a.background["target"] != b.background["target"]:
        return {
            "kind": "none",
            "text": "The targets differ: no measure of one can be compared with the other's.",
        }
    if not np.array_equal(a.actual, b.actual) or len(a.actual) < FEWEST_ROWS:
        text = "They were judged on different rows: a difference of their measures may be one of the rows."
        return {"kind": "none", "text": text}
    if np.array_equal(a.predicted, b.predicted):
        return {
            "kind": "none",
            "text": f"They predict the same: on all {len(a.actual)} rows there is no difference.",
        }
    found = paired_sample(a.residuals, b.residuals, a.certainty["confidence"])
    told = f"{found.in_words()}."
    if found.low > 0:
        return {
            "kind": "good",
            "text": f"{second.name} predicts better: on the same {found.num_rows} rows {told}",
        }
    if found.high < 0:
        return {
            "kind": "bad",
            "text": f"{first.name} predicts better: on the same {found.num_rows} rows {told}",
        }
    return {
        "kind": "none",
        "text": f"The same {found.num_rows} rows do not tell which predicts better: {told}",
    }


def _coefficients(
    a: RunResults, b: RunResults
) -> dict[str, tuple[Coefficient | None, Coefficient | None]]:
    return _paired({c.name: c for c in a.coefficients}, {c.name: c for c in b.coefficients})


def _same_data(a: RunResults, b: RunResults) -> bool:
    return bool(a.background["hashes"] == b.background["hashes"])


def _paired(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {name: (a.get(name), b.get(name)) for name in dict.fromkeys([*a, *b])}


def _text(value: Any) -> str:
    text = "–" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
