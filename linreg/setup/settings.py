"""The parameters that `linreg use` writes, and why they have these values."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from linreg.params import Params
from linreg.setup.missing_policy import MOST_DROPPED, MissingCells
from linreg.setup.proposal import Proposal

DEFAULTS: Mapping[str, object] = {"split.by": "row", "model.weights": None}
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
    names: Collection[str] | None,
    unknown: Collection[str],
) -> dict[str, Setting]:
    """Return the parameters to write, by name.

    `unknown` are the parameters that name a column which the table, of `num_rows` rows, lacks.
    """
    scales = "have different scales" if proposal.standardize else "are like z-scores already"
    settings = {
        "ingest.source": Setting(source),
        "ingest.names": Setting(list(names) if names else None),
        "ingest.missing": Setting(
            proposal.missing.policy, _reason_for_missing(proposal.missing, num_rows)
        ),
        "model.formula": Setting(proposal.formula),
        "train.standardize": Setting(proposal.standardize, f"the features {scales}"),
    }
    if proposal.is_too_wide:
        reason = f"gradient descent on {proposal.num_coefficients:,} coefficients takes long"
        settings["train.solver"] = Setting("exact", reason)
    if proposal.lr:
        settings["train.lr"] = Setting(proposal.lr, f"{params.train.lr:g} would diverge")
    if source != params.ingest.source:
        gates = {"test_r2": {"min": 0}} if params.split.test else {}
        settings["evaluate.gates"] = Setting(gates, "new data: better than the mean")
    for parameter in unknown:
        reason = "the column that it named is not in this file"
        settings[parameter] = Setting(DEFAULTS[parameter], reason)
    return settings


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
