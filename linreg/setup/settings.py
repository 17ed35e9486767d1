"""The parameters that `linreg use` writes, and why they have these values."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from linreg.evaluation.gates import LARGEST_GAP
from linreg.fit.history import gap_in_words
from linreg.params.ingest import Ingest, ReadOptions
from linreg.params.metric_names import CV
from linreg.params.params import Params
from linreg.params.train import Train
from linreg.setup.missing_policy import MOST_DROPPED, MissingCells
from linreg.setup.proposal import Proposal
from linreg.setup.training.choice import TABLE_DEPENDENT, TrainingChoice

DEFAULTS: Mapping[str, object] = {
    "split.by": "row",
    "model.weights": None,
    "evaluate.errors": "auto",
}
"""Of the parameters that may name a column."""


class Setting(NamedTuple):
    """The value of a parameter, and the reason for it, or ''."""

    value: object
    reason: str = ""


def choose_settings(
    proposal: Proposal,
    params: Params,
    num_rows: int,
    *,
    source: str,
    reading: ReadOptions,
    unknown: Collection[str],
    keeps_folds: bool,
) -> dict[str, Setting]:
    """Return the parameters to write, by name.

    `unknown` are the parameters that name a column which the table, of `num_rows` rows, lacks.
    """
    settings = {
        "ingest.source": Setting(source),
        **_reading_settings(reading, params.ingest),
        "ingest.missing": Setting(
            proposal.missing.policy, _reason_for_missing(proposal.missing, num_rows)
        ),
        "model.formula": Setting(proposal.formula),
    }
    if proposal.training:
        settings |= _training_settings(proposal.training, params.train)
    gates = _gates(proposal, params, is_new=source != params.ingest.source, folds=keeps_folds)
    if gates:
        settings["evaluate.gates"] = gates
    for parameter in unknown:
        reason = "the column that it named is not in this file"
        settings[parameter] = Setting(DEFAULTS[parameter], reason)
    if not keeps_folds:
        by_column = "split.by" in unknown
        reason = "the column that they went by is not in this file" if by_column else "too few rows"
        settings["split.folds"] = Setting(0, reason)
        if params.train.l1_rule:
            settings["train.l1"] = Setting(0.0, f"{params.train.l1} needs folds")
    return settings


def _reading_settings(reading: ReadOptions, before: Ingest) -> dict[str, Setting]:
    """Return how the files are read: the names, and what differs from the table before."""
    values = reading.model_dump(mode="json")
    others = [key for key in values if getattr(reading, key) != getattr(before, key)]
    return {f"ingest.{key}": Setting(values[key]) for key in dict.fromkeys(["names", *others])}


def _training_settings(choice: TrainingChoice, before: Train) -> dict[str, Setting]:
    """Return the settings of training; those that only a few tables need, where they change."""
    chosen = choice.train
    reasons = {"solver": choice.reason}
    if choice.gap is not None:
        reasons["epochs"] = f"the loss is expected to end at {gap_in_words(choice.gap)}"
    return {
        f"train.{key}": Setting(getattr(chosen, key), reasons.get(key, ""))
        for key in TABLE_DEPENDENT
        if key not in ("patience", "dtype") or getattr(chosen, key) != getattr(before, key)
    }


def _gates(proposal: Proposal, params: Params, *, is_new: bool, folds: bool) -> Setting | None:
    """Return the gates of a new table; of a known one those that there are, with one on the gap.

    Those on metrics over folds need `folds`.
    """
    gates: dict[str, object] = {}
    if is_new and params.split.test:
        gates["test_r2"] = {"min": 0}
    if not is_new:
        kept = {
            name: gate
            for name, gate in params.evaluate.gates.items()
            if folds or not name.startswith(f"{CV}_")
        }
        gates = {name: gate.model_dump(exclude_none=True) for name, gate in kept.items()}
        if "gap" in gates:
            return None if len(kept) == len(params.evaluate.gates) else Setting(gates, "no folds")
    if proposal.training and proposal.training.gap is not None:
        gates["gap"] = {"max": LARGEST_GAP}
    reason = "new data: better than the mean, and at the minimum" if is_new else "at the minimum"
    return Setting(gates, reason)


def _reason_for_missing(missing: MissingCells, num_rows: int) -> str:
    if missing.policy == "error":
        return "no cell is missing in the columns used"
    dropped = f"{missing.num_dropped} rows, {missing.num_dropped / num_rows:.1%},"
    if missing.policy == "drop":
        if missing.num_dropped == 1:
            return f"1 row, {1 / num_rows:.1%}, has a missing cell"
        return f"{dropped} have a missing cell"
    also = f", and {dropped} dropped" if missing.num_dropped else ""
    return (
        f"dropping would lose {missing.num_incomplete / num_rows:.1%} of the rows, more than"
        f" {MOST_DROPPED:.0%}: {missing.num_filled} cells are filled with means{also}"
    )
