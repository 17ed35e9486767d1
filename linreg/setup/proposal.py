"""A formula and the parameters that go with it, proposed for a table that was surveyed."""

import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from linreg.data.split.partition import part_sizes
from linreg.errors import UserError
from linreg.fit.exact.solver import solve
from linreg.setup.checks.column_checks import ROW_NUMBER, UNLESS_ALONE, check_columns
from linreg.setup.checks.finding import CheckContext, Finding
from linreg.setup.checks.leakage import SMALLEST_CONTRIBUTION, Leakage, find_leakage
from linreg.setup.checks.training_checks import check_training_rows
from linreg.setup.formula_reader import FormulaReader
from linreg.setup.missing_policy import NOTHING_MISSING, MissingCells, missing_findings
from linreg.setup.survey.column_names import is_row_number
from linreg.setup.survey.preview import Preview
from linreg.setup.training.choice import TrainingChoice, choose_training

STRONG = 5.0
"""A row number whose t value is larger explains the target, and is a measurement after all."""


@dataclass
class Proposal:
    """What `linreg use` will write, and what it has found on the way.

    codes             features that are numbers and categories
    excluded          why a column is not a feature, in a word or two
    num_rows_fitted   rows that the exact fit has read; `r2` is its R², None where it failed
    skewness          of the target; None where it is beyond float64
    training          the settings of training; None where there will be none
    """

    target: str
    features: list[str]
    formula: str = ""
    codes: Collection[str] = ()
    missing: MissingCells = NOTHING_MISSING
    num_rows_fitted: int = 0
    r2: float | None = None
    skewness: float | None = None
    training: TrainingChoice | None = None
    excluded: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def said(self) -> set[str]:
        """The features of which it has been said that they are codes or like row numbers."""
        return {*self.codes, *(finding.column for finding in self.findings)}

    def add(self, finding: Finding) -> None:
        """Add a finding, and exclude its columns from the features."""
        self.findings.append(finding)
        self.excluded |= dict.fromkeys(finding.excluded, finding.reason)
        self.features = [name for name in self.features if name not in finding.excluded]

    def restore(self) -> None:
        """Take back the exclusion that speaks least against a column, as no feature is left."""
        possible = [finding for finding in self.findings if finding.reason in UNLESS_ALONE]
        if possible:
            finding = min(possible, key=lambda each: UNLESS_ALONE.index(each.reason))
            action, names = "Kept, as it is the only feature.", finding.excluded
            kept = replace(finding, action=action, excluded=(), is_hint=True, column=names[0])
            self.findings[self.findings.index(finding)] = kept
            self.features = list(names)
            self.excluded = {
                name: reason for name, reason in self.excluded.items() if name not in self.features
            }


def propose(
    reader: FormulaReader, target: str, without: Collection[str], known: Sequence[Finding]
) -> Proposal:
    """Return features, formula and parameters for a target.

    Where a feature leaks the target or is collinear with others it is excluded, and the rest is
    fitted again.

    without  columns that the user does not want as features
    known    findings about columns that are no features
    """
    survey, params = reader.survey, reader.params
    not_features = {**reader.auxiliary, **dict.fromkeys(without, "--without")}
    candidates = [name for name in survey.columns if name != target and name not in not_features]
    proposal = Proposal(target, candidates, excluded=dict.fromkeys(without, "--without"))
    for finding in known:
        proposal.add(finding)
        not_features |= dict.fromkeys(finding.excluded, finding.reason)
    context = CheckContext(
        survey, params.split.train, not_features, target, params.model.unseen == "error"
    )
    numbers_of_rows = []
    for finding in check_columns(context):
        if finding.reason == ROW_NUMBER:
            numbers_of_rows.append(finding)
        elif target not in finding.excluded:
            proposal.add(finding)
    for finding in numbers_of_rows:
        _exclude_unless_it_counts(proposal, finding, reader)
    if not proposal.features:
        proposal.restore()
    while True:
        if not proposal.features:
            proposal.add(
                Finding("No column is left as a feature.", "The model predicts the target's mean.")
            )
        read = reader.read(target, proposal.features)
        preview = read.preview
        proposal.formula, proposal.codes, proposal.missing = read.formula, read.codes, read.missing
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
    proposal.findings += missing_findings(proposal.missing, proposal.features, survey.num_rows)
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


def _exclude_unless_it_counts(proposal: Proposal, finding: Finding, reader: FormulaReader) -> None:
    """Exclude a row number, unless it explains the target."""
    (name,) = finding.excluded
    if not is_row_number(name) and _explains(proposal, name, reader):
        kept = Finding(
            finding.message.replace("a row number", "like a row number"),
            "Kept, as it explains the target.",
            otherwise=f"If it only numbers the rows, add --without {shlex.quote(name)}",
            is_hint=True,
            column=name,
        )
        proposal.findings.append(kept)
    else:
        proposal.add(finding)


def _explains(proposal: Proposal, name: str, reader: FormulaReader) -> bool:
    """Whether a column has a large t value beside the other features."""
    preview = reader.read(proposal.target, proposal.features).preview
    z_scores = preview.z_scores
    try:
        solution = find_leakage(preview.moments, preview.names, z_scores).solution
    except UserError:
        return False
    j = preview.names.index(f"`{name}`" if name == "b" else name)
    theta, error = abs(float(solution.theta[j])), float(solution.standard_errors[j + 1])
    # Where the fit is perfect the error is 0, and what does not contribute is rounding.
    contributes = theta * z_scores.x_scale[j] > SMALLEST_CONTRIBUTION * z_scores.y_scale
    return bool(contributes and theta > STRONG * error)


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
