"""What a run's numbers ask of the person who reads them, in sentences: the first thing in the
report.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from linreg.evaluation.gates import bounds_in_words
from linreg.report.results import Coefficient, RunResults

FAR = 0.2
"""Standard errors between θ and the exact minimum that nobody would notice in an interval."""
OVERFITTED = 1.2
"""RMSE on the test rows over that on the training rows."""
UNEQUAL = 1.5
"""Robust over usual standard error, or the other way round."""
ILL_CONDITIONED = 1e8
FEW_ROWS_PER_COEFFICIENT = 10


class Advice(NamedTuple):
    """A sentence, and whether it is a reason to stop (`bad`), to look (`look`) or to go on
    (`good`).
    """

    kind: str
    text: str


def advice(run: RunResults) -> list[Advice]:
    """Return what to do next, what matters most first; never empty."""
    found = [*_gates(run), *_rows(run), *_fit(run), *_training(run)]
    if not any(each.kind == "bad" for each in found):
        found.append(
            Advice(
                "good",
                "To predict with it: linreg predict models/model INPUT OUTPUT. "
                "To offer it to others: linreg register.",
            )
        )
    return found


def _gates(run: RunResults) -> Iterator[Advice]:
    gates = run.verdict["gates"]
    for name, gate in gates.items():
        if not gate["passed"]:
            value = (
                "there was nothing to judge"
                if gate["value"] is None
                else f"it is {gate['value']:.6g}"
            )
            yield Advice(
                "bad",
                f"{name} must be {bounds_in_words(gate)}, {value}. Change the model or the data; or, "
                "if the bound was wrong, evaluate.gates in params.yaml.",
            )
    if not gates:
        yield Advice(
            "look",
            "No gate is set, so nothing was judged. Set one under evaluate.gates in params.yaml, "
            "such as test_r2: {min: 0.5}.",
        )


def _rows(run: RunResults) -> Iterator[Advice]:
    profile = run.background["profile"]
    dropped, read = sum(profile["dropped"].values()), profile["rows_read"]
    if dropped:
        were = "was" if dropped == 1 else "were"
        yield Advice(
            "look",
            f"{dropped} of {read} rows {were} dropped. If cells are missing for a reason that has to "
            "do with the target, what is left is no fair sample.",
        )
    filled = sum(profile["columns"][name]["missing"] for name in _filled(run))
    if filled:
        most = (
            "up to " if dropped else ""
            # some of them may be in rows that were dropped for another cell
        )
        yield Advice(
            "look",
            f"Missing numbers ({most}{filled}) were filled with the mean of the training rows, which "
            "makes coefficients look surer than they are.",
        )
    rows, rank = run.certainty["num_rows"], run.certainty["num_rows"] - run.certainty["df"]
    if run.certainty["df"] and rows < FEW_ROWS_PER_COEFFICIENT * rank:
        yield Advice(
            "look", f"{rows} training rows for {rank} coefficients are few: expect wide intervals."
        )
    if "test" not in run.metrics:
        yield Advice(
            "look",
            "No rows were kept for a test (split.test), so nobody knows how it does on new ones.",
        )


def _filled(run: RunResults) -> list[str]:
    """The columns whose missing cells are filled: numbers but the target, with ingest.missing:
    mean.
    """
    if run.background["parameters"]["ingest.missing"] != "mean":
        return []
    columns = run.background["profile"]["columns"].items()
    return [
        name for name, column in columns if "mean" in column and name != run.background["target"]
    ]


def _fit(run: RunResults) -> Iterator[Advice]:
    train, test = (run.metrics.get(part, {}).get("rmse") for part in ("train", "test"))
    if train and test and test > OVERFITTED * train:
        yield Advice(
            "look",
            f"The error on the test rows is {test / train:.3g} times that on the training rows: the "
            "model knows its own rows too well, or the test rows are of another kind.",
        )
    unequal = [c.name for c in run.coefficients if _differ(c)]
    if unequal:
        yield Advice(
            "look",
            f"The robust standard errors differ much from the usual ones ({_listed(unequal)}): the "
            "noise is not the same everywhere. Trust the robust ones.",
        )
    unsure = [c.name for c in run.coefficients if c.name != "b" and _holds_0(c.usual)]
    if unsure:
        holds = "the interval holds" if len(unsure) == 1 else "the intervals hold"
        yield Advice(
            "look",
            f"{_listed(unsure)}: {holds} 0. These rows do not tell whether there is any effect.",
        )
    relations = [f"{name} = {relation}" for name, relation in run.certainty["dropped"].items()]
    if relations:
        yield Advice(
            "look", f"Columns that others already tell were left out: {', '.join(relations)}."
        )
    if (run.certainty["condition"] or 0) > ILL_CONDITIONED:
        yield Advice(
            "look",
            f"Columns are nearly collinear (condition {run.certainty['condition']:.1e}): single "
            "coefficients mean little, although predictions may be good.",
        )


def _training(run: RunResults) -> Iterator[Advice]:
    gap = run.metrics.get("gap")
    if run.background["parameters"]["train.solver"] == "exact" or gap is None:
        return
    distance = run.metrics.get("distance")
    if distance is not None and distance < FAR:
        yield Advice(
            "good", f"Training arrived: {distance:.2g} standard errors from the exact minimum."
        )
    else:
        far = "" if distance is None else f", {distance:.3g} standard errors from the exact minimum"
        yield Advice(
            "look",
            f"Training stopped {_percent(gap)} above the least loss{far}. Predictions are as good as "
            "that loss; for the coefficients read the column of the exact minimum, set train.solver: exact, "
            "or let the steps shrink (train.schedule: linear, train.average: 0.5).",
        )


def _percent(value: float) -> str:
    return f"{100 * value:.3g} %"


def _differ(c: Coefficient) -> bool:
    usual, robust = c.usual.get("standard_error"), c.robust.get("standard_error")
    return bool(usual and robust and not 1 / UNEQUAL < robust / usual < UNEQUAL)


def _holds_0(certainty: Mapping[str, float | None]) -> bool:
    low, high = certainty.get("low"), certainty.get("high")
    return low is not None and high is not None and low <= 0 <= high


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
