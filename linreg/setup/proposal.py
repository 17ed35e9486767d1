"""A formula and the parameters that go with it, proposed for a table that was surveyed."""

from collections.abc import Collection
from dataclasses import dataclass, field

from linreg.data.formula.formula import quote_name
from linreg.data.ingest.columns import AuxiliaryColumns, excluded_from_dot
from linreg.data.split.partition import part_sizes
from linreg.data.typed_table import TypedTable
from linreg.errors import UserError
from linreg.fit.exact.solver import solve
from linreg.params import Params
from linreg.setup.checks.column_checks import check_columns
from linreg.setup.checks.finding import CheckContext, Finding
from linreg.setup.checks.leakage import Leakage, find_leakage
from linreg.setup.checks.training_checks import check_training_rows
from linreg.setup.missing_policy import NOTHING_MISSING, MissingCells, choose_policy
from linreg.setup.survey.column_survey import Survey
from linreg.setup.survey.preview import Preview, preview_formula
from linreg.setup.training.choice import TrainingChoice, choose_training

MOST_LISTED = 30
"""More features than these are written as `.` if that means the same."""


@dataclass
class Proposal:
    """What `linreg use` will write, and what it has found on the way.

    excluded          why a column is not a feature, in a word or two
    num_rows_fitted   rows that the exact fit has read; `r2` is its R², None where it failed
    skewness          of the target; None where it is beyond float64
    training          the settings of training; None where there will be none
    """

    target: str
    features: list[str]
    formula: str = ""
    missing: MissingCells = NOTHING_MISSING
    num_rows_fitted: int = 0
    r2: float | None = None
    skewness: float | None = None
    training: TrainingChoice | None = None
    excluded: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        """Add a finding, and exclude its columns from the features."""
        self.findings.append(finding)
        self.excluded |= dict.fromkeys(finding.excluded, finding.reason)
        self.features = [name for name in self.features if name not in finding.excluded]


def propose(
    table: TypedTable,
    survey: Survey,
    params: Params,
    target: str,
    auxiliary: AuxiliaryColumns,
    without: Collection[str] = (),
) -> Proposal:
    """Return features, formula and parameters for a target.

    Where a feature leaks the target or is collinear with others it is excluded, and the rest is
    fitted again.
    """
    not_features = {**auxiliary, **dict.fromkeys(without, "--without")}
    context = CheckContext(survey, params.split.train, not_features, target)
    candidates = [name for name in survey.columns if name != target and name not in not_features]
    proposal = Proposal(target, candidates, excluded=dict.fromkeys(without, "--without"))
    for finding in check_columns(context):
        if target not in finding.excluded:
            proposal.add(finding)
    while True:
        if not proposal.features:
            proposal.add(
                Finding("No column is left as a feature.", "The model predicts the target's mean.")
            )
        others = [target, *auxiliary]
        proposal.formula = write_formula(target, proposal.features, table, survey, auxiliary)
        proposal.missing = choose_policy(table, survey, proposal.features, others)
        preview = preview_formula(
            proposal.formula,
            proposal.missing.policy,
            table,
            survey,
            auxiliary,
            params.model.weights,
            params.split,
        )
        proposal.num_rows_fitted = preview.moments.num_rows
        proposal.skewness = preview.skewness
        try:
            leakage = find_leakage(preview.moments, preview.names, preview.z_scores)
        except UserError as error:
            action = "Training will stop with this error: add --without COLUMN,COLUMN."
            proposal.add(Finding(f"{error}.", action))
            return proposal
        if not _exclude_columns(proposal, preview, leakage):
            break
    proposal.r2 = leakage.r2
    num_rows = survey.num_rows - proposal.missing.num_dropped
    too_few = check_training_rows(num_rows, len(preview.names) + 1, params.split)
    if too_few:
        proposal.add(too_few)
        return proposal
    solution = leakage.solution
    if params.train.l2:
        solution = solve(preview.moments, preview.names, True, params.train.l2, "drop")
    num_training_rows = preview.moments.num_rows
    if preview.is_sample:
        num_training_rows = part_sizes(num_rows, params.split)[0]
    shards = params.split.shards
    proposal.training = choose_training(preview, solution, params.train, num_training_rows, shards)
    return proposal


def write_formula(
    target: str, features: list[str], table: TypedTable, survey: Survey, auxiliary: AuxiliaryColumns
) -> str:
    """Return `target ~ features`, or `target ~ .` for many features if that means the same."""
    if len(features) > MOST_LISTED:
        not_in_dot = {target, *excluded_from_dot(survey.profiles, auxiliary)}
        if features == [name for name in table.schema.names if name not in not_in_dot]:
            return f"{quote_name(target)} ~ ."
    return f"{quote_name(target)} ~ {' + '.join(map(quote_name, features)) or '1'}"


def _exclude_columns(proposal: Proposal, preview: Preview, leakage: Leakage) -> bool:
    """Exclude columns that leak the target, else collinear ones; return whether there were any."""
    before = len(proposal.features)
    _exclude_leaking(proposal, preview, leakage)
    if len(proposal.features) == before:
        _exclude_collinear(proposal, preview, leakage)
    if len(proposal.features) < before:
        return True
    if leakage.relation and not leakage.correlations:
        column = preview.columns[leakage.columns[0]]
        proposal.add(
            Finding(
                f"The features determine the target exactly: {proposal.target} ="
                f" {leakage.relation}.",
                f"Kept. If {proposal.target} was computed from them there is nothing to learn: add"
                f" --without {column}, for example.",
            )
        )
    return False


def _exclude_leaking(proposal: Proposal, preview: Preview, leakage: Leakage) -> None:
    for name, correlation in leakage.correlations.items():
        column = preview.columns[name]
        if column not in proposal.features:
            continue
        rounded = f"{correlation:.12g}" if abs(correlation) < 1 else f"{correlation:.0f}"
        message = f"{name} leaks the target {proposal.target}: their correlation is {rounded}."
        if len(proposal.features) == 1:
            proposal.add(Finding(message, "Kept, as it is the only feature."))
        else:
            action = "Left out: such a column is often the target in other words."
            proposal.add(Finding(message, action, (column,), "target leakage"))


def _exclude_collinear(proposal: Proposal, preview: Preview, leakage: Leakage) -> None:
    for name, relation in leakage.collinear.items():
        column = preview.columns[name]
        if column in proposal.features:
            message = f"{name} is collinear with columns before it: {name} = {relation}."
            action = "Left out." if name == column else f"{column} is left out."
            proposal.add(Finding(message, action, (column,), "collinear"))
