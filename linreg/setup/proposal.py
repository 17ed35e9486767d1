"""A formula and the settings that go with it, proposed for a table that was surveyed."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.formula.formula import quote_name
from linreg.data.formula.schema import kind_of
from linreg.data.ingest.columns import AuxiliaryColumns, excluded_from_dot
from linreg.data.split.partition import part_sizes
from linreg.data.tables.arrays import as_numpy
from linreg.data.typed_table import TypedTable
from linreg.errors import UserError
from linreg.fit.exact.learning_rate import largest_stable_rate, round_down_to_one_digit
from linreg.fit.exact.standardize import Scaling
from linreg.params import Params
from linreg.setup.column_checks import Facts, Finding, column_findings
from linreg.setup.convergence import GOOD, enough_epochs, expected_gap
from linreg.setup.high_leverage import outliers
from linreg.setup.leakage import Giveaway, giveaway, needs_standardizing
from linreg.setup.preview import Look, look_at
from linreg.setup.survey import Survey

Policy = Literal["error", "drop", "mean"]

MOST_DROPPED = 0.05
"""Rows with missing cells are dropped up to this share of the rows; from there on their cells are
filled.
"""
SPELT_OUT = 30
"""More columns than these are written as `.` where that means the same."""


@dataclass
class Proposal:
    """What `linreg use` will write, and what it has found out on the way.

    lost        rows that `missing` drops, `filled` the cells that it fills with means
    left_out    why a column is no feature, in a word or two
    lr          a learning rate that is needed in place of `train.lr`; None where that will do
    rows_seen   rows that the exact fit has read, with `r2` of it; None where it could not be made
    """

    target: str
    features: list[str]
    formula: str = ""
    missing: Policy = "error"
    standardize: bool = True
    lost: int = 0
    incomplete: int = 0
    filled: int = 0
    rows_seen: int = 0
    r2: float | None = None
    lr: float | None = None
    skewness: float | None = None
    left_out: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def note(self, finding: Finding) -> None:
        """Keep a finding, and take its columns out of the features."""
        self.findings.append(finding)
        self.left_out |= dict.fromkeys(finding.left_out, finding.short)
        self.features = [name for name in self.features if name not in finding.left_out]


def propose(
    table: TypedTable,
    survey: Survey,
    params: Params,
    target: str,
    auxiliary: AuxiliaryColumns,
    without: Collection[str] = (),
) -> Proposal:
    """Choose features, formula, what to do with missing cells, and whether to standardize.

    A column that gives the target away, or that others make redundant, is left out, and the rest
    looked at again.
    """
    aside = {**auxiliary, **dict.fromkeys(without, "--without")}
    facts = Facts(survey, params.split.train, aside, target)
    proposal = Proposal(
        target, [name for name in survey.columns if name != target and name not in aside]
    )
    for finding in column_findings(facts):
        if target not in finding.left_out:
            proposal.note(finding)
    proposal.left_out |= dict.fromkeys(without, "--without")
    while True:
        if not proposal.features:
            proposal.note(
                Finding(
                    "No column is left as a feature.", "The model is the mean of the target alone."
                )
            )
        proposal.formula = written(target, proposal.features, table, survey, auxiliary)
        _settle_missing(proposal, table, survey, auxiliary)
        look = look_at(
            proposal.formula, proposal.missing, table, survey, auxiliary, params.model.weights
        )
        proposal.rows_seen, proposal.skewness = look.moments.num_rows, look.skewness
        try:
            found = giveaway(look.moments, look.names, look.scores)
        except UserError as error:
            proposal.note(
                Finding(f"{error}.", "The training will be refused: add --without COLUMN,COLUMN.")
            )
            return proposal
        if not _leave_out(proposal, look, found):
            proposal.r2 = found.r2
            proposal.standardize = needs_standardizing(look.scores)
            _foresee_training(proposal, look, found, params, survey)
            return proposal


def written(
    target: str, features: list[str], table: TypedTable, survey: Survey, auxiliary: AuxiliaryColumns
) -> str:
    """Write `target ~ features`, as `target ~ .` where they are many and that means the same."""
    if len(features) > SPELT_OUT:
        out = excluded_from_dot(survey.profiles, auxiliary)
        if features == [name for name in table.schema.names if name not in out and name != target]:
            return f"{quote_name(target)} ~ ."
    return f"{quote_name(target)} ~ {' + '.join(map(quote_name, features)) or '1'}"


def _settle_missing(
    proposal: Proposal, table: TypedTable, survey: Survey, auxiliary: AuxiliaryColumns
) -> None:
    used = [proposal.target, *proposal.features, *auxiliary]
    numbers = {
        name for name in proposal.features if kind_of(survey.columns[name].profile.type) == "number"
    }
    gaps = [name for name in used if survey.columns[name].profile.missing]
    proposal.incomplete = _incomplete_rows(table, gaps)
    required = _incomplete_rows(table, [name for name in gaps if name not in numbers])
    if not proposal.incomplete:
        proposal.missing, proposal.lost, proposal.filled = "error", 0, 0
    elif proposal.incomplete < MOST_DROPPED * survey.num_rows or proposal.incomplete == required:
        proposal.missing, proposal.lost, proposal.filled = "drop", proposal.incomplete, 0
    else:
        filled = sum(survey.columns[name].profile.missing for name in gaps if name in numbers)
        proposal.missing, proposal.lost, proposal.filled = "mean", required, filled


def _incomplete_rows(table: TypedTable, columns: list[str]) -> int:
    if not columns:
        return 0
    count = 0
    for part in table.chunks():
        gaps = [as_numpy(pc.is_null(part.rows.column(name)).cast(pa.int8())) for name in columns]
        count += int(np.any(gaps, axis=0).sum())
    return count


def _leave_out(proposal: Proposal, look: Look, found: Giveaway) -> bool:
    """Take out what gives the target away alone, and what is redundant; returns whether there was
    any.
    """
    before = len(proposal.features)
    for name, r in found.singles.items():
        column = look.columns[name]
        if column not in proposal.features:
            continue
        what = f"{name} alone gives the target {proposal.target} away: their correlation is {_nearly(r)}."
        if len(proposal.features) == 1:
            proposal.note(Finding(what, "Kept, since it is the only feature."))
        else:
            proposal.note(
                Finding(
                    what,
                    "Left out: such a column is often the target itself.",
                    (column,),
                    "gives away",
                )
            )
    if len(proposal.features) < before:
        return True
    for name, relation in found.collinear.items():
        column = look.columns[name]
        if column in proposal.features:
            what = f"{name} is a combination of columns before it: {name} = {relation}."
            done = "Left out." if name == column else f"{column} is left out."
            proposal.note(Finding(what, done, (column,), "collinear"))
    if len(proposal.features) < before:
        return True
    if found.relation and not found.singles:
        column = look.columns[found.columns[0]]
        proposal.note(
            Finding(
                f"The features give the target away exactly: {proposal.target} = {found.relation}.",
                f"Kept. Where that is how {proposal.target} was computed there is nothing to learn: add --without"
                f" {column}, say.",
            )
        )
    return False


def _nearly(r: float) -> str:
    return f"{r:.12g}" if abs(r) < 1 else f"{r:.0f}"


def _foresee_training(
    proposal: Proposal, look: Look, found: Giveaway, params: Params, survey: Survey
) -> None:
    train = params.train
    try:
        num_rows = part_sizes(survey.num_rows - proposal.lost, params.split)[0]
    except UserError as error:
        proposal.note(Finding(f"{error}.", "The split will be refused."))
        return
    if num_rows < len(look.names) + 1:
        what = f"{num_rows} training rows are too few for {len(look.names) + 1} coefficients."
        proposal.note(Finding(what, "The training will be refused: add --without COLUMN,COLUMN."))
        return
    if train.solver != "sgd":
        return
    scaling = look.scores if proposal.standardize else Scaling.identity(len(look.names))
    limit = largest_stable_rate(look.moments, True, scaling, train)
    if train.schedule == "constant" and train.lr >= limit:
        proposal.lr = round_down_to_one_digit(limit / 4)
        what = f"train.lr {train.lr:g} is too large for these columns: training must diverge from {limit:.2g} on."
        proposal.note(Finding(what, f"train.lr becomes {proposal.lr:g}."))
    far = outliers(look, scaling)
    if far and (proposal.lr or train.lr) >= far.largest_rate(train):
        proposal.lr = far.safe_rate(train)
        what = f"A few rows lie far from all others in {far.column}: steps with train.lr {train.lr:g} would diverge."
        proposal.note(Finding(what, f"train.lr becomes {proposal.lr:g}."))
    train = train.model_copy(update={"lr": proposal.lr or train.lr})
    gap = expected_gap(look.moments, found.minimum, look.scores, train, num_rows)
    if gap is None or gap <= GOOD:
        return
    epochs = enough_epochs(look.moments, found.minimum, look.scores, train, num_rows)
    end = (
        f"about {gap:.0%} above the least loss"
        if gap < 5
        else f"at about {gap + 1:.0f} times the least loss"
    )
    advice = f"Take more steps, `dvc exp run -S train.epochs={epochs}`, or" if epochs else "Take"
    proposal.note(
        Finding(
            f"{train.epochs} epochs are few for these columns: gradient descent will end {end}.",
            f"{advice} the exact answer: `dvc exp run -S train.solver=exact`.",
            hint=True,
        )
    )
