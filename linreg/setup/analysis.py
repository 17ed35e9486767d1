"""A table analyzed for `linreg use`: surveyed, checked, and with parameters proposed for it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from linreg.data.formula.formula import quote_name
from linreg.data.ingest.checks import check_weights
from linreg.data.ingest.columns import AuxiliaryColumns, columns_by_parameter
from linreg.data.ingest.formula_schema import make_schema
from linreg.data.source import Source, open_source
from linreg.data.typed_table import TypedTable, open_typed_table, unreadable_columns
from linreg.errors import UserError
from linreg.files import scratch_folder
from linreg.params import Params
from linreg.setup.checks.column_checks import check_columns
from linreg.setup.checks.finding import CheckContext, Finding
from linreg.setup.checks.hints import check_features, check_rows, check_target
from linreg.setup.proposal import Proposal, propose
from linreg.setup.settings import Setting, choose_settings
from linreg.setup.survey.column_survey import Survey, survey_table
from linreg.setup.table_location import source_parameter
from linreg.setup.target import Target, check_features_exist, check_target_column, guess_target

SCRATCH = Path(".linreg/use")


@dataclass(frozen=True)
class Analysis:
    """All that `linreg use` finds out about a table.

    settings  the parameters to write
    findings  warnings and hints, in the order in which they are printed
    """

    path: Path
    source: Source
    survey: Survey
    auxiliary: AuxiliaryColumns
    target: Target
    proposal: Proposal
    settings: dict[str, Setting]
    findings: list[Finding]


def analyze_table(
    path: Path,
    params: Params,
    *,
    names: Sequence[str] | None = None,
    target: str | None = None,
    without: Collection[str] = (),
) -> Analysis:
    """Return the analysis of a file or folder; `params` are those before `linreg use`.

    names    of the columns of a CSV file without a header
    target   the column to predict; guessed if None
    without  columns that are not to be features

    Raises UserError for a table that cannot be used as it is.
    """
    is_known = source_parameter(path) == params.ingest.source
    given_names = tuple(names) if names else params.ingest.names if is_known else None
    source = open_source(path, given_names)
    unreadable = unreadable_columns(source)
    columns = [name for name in source.columns if name and name not in unreadable]
    if not columns:
        raise UserError(path, "has no column with a name", todo="name its columns")
    with scratch_folder(SCRATCH) as scratch:
        table = open_typed_table(source, columns, scratch)
        survey = survey_table(table)
        if not survey.num_rows:
            raise UserError(path, "has columns and no rows", todo="add rows with values")
        auxiliary, unknown = _auxiliary_columns(params, survey)
        chosen = _choose_target(target, survey, params, auxiliary, path)
        check_features_exist(survey, without, chosen.name, path)
        if "model.weights" in unknown:
            model = params.model.model_copy(update={"weights": None})
            params = params.model_copy(update={"model": model})
        if "split.by" in unknown:
            split = params.split.model_copy(update={"by": "row"})
            params = params.model_copy(update={"split": split})
        _check_weights(params.model.weights, chosen.name, survey, table, auxiliary)
        proposal = propose(table, survey, params, chosen.name, auxiliary, without)
    settings = choose_settings(
        proposal,
        params,
        survey.num_rows,
        source=source_parameter(path),
        names=given_names,
        unknown=unknown,
    )
    context = CheckContext(survey, params.split.train, auxiliary, chosen.name)
    findings = [
        *_unread_columns(source, unreadable),
        *proposal.findings,
        *check_rows(context),
        *check_target(context, proposal.skewness),
        *check_features(context, proposal.features),
    ]
    return Analysis(path, source, survey, auxiliary, chosen, proposal, settings, findings)


def _auxiliary_columns(params: Params, survey: Survey) -> tuple[AuxiliaryColumns, list[str]]:
    """Return the auxiliary columns, and the parameters that name a column which is not there."""
    named = columns_by_parameter(params.split.by, params.model.weights)
    auxiliary = {
        column: parameter for parameter, column in named.items() if column in survey.columns
    }
    unknown = [parameter for parameter, column in named.items() if column not in survey.columns]
    return auxiliary, unknown


def _choose_target(
    wanted: str | None, survey: Survey, params: Params, auxiliary: AuxiliaryColumns, path: Path
) -> Target:
    if wanted is None:
        findings = check_columns(CheckContext(survey, params.split.train, auxiliary))
        excluded = {name: finding.reason for finding in findings for name in finding.excluded}
        return guess_target(survey, excluded | dict(auxiliary), path)
    check_target_column(survey, wanted, path)
    if wanted in auxiliary:
        raise UserError(
            f"{path}: column {wanted}",
            f"is named by {auxiliary[wanted]}",
            todo="choose another --target",
        )
    return Target(wanted)


def _check_weights(
    weights: str | None, target: str, survey: Survey, table: TypedTable, auxiliary: AuxiliaryColumns
) -> None:
    """Raise UserError for weights that ingest would refuse."""
    if weights:
        formula = f"{quote_name(target)} ~ 1"
        options = {"fill_missing": False, "weights": weights}
        schema = make_schema(formula, survey.profiles, table, auxiliary, **options)
        check_weights(survey.profiles, schema, table)


def _unread_columns(source: Source, unreadable: dict[str, str]) -> Iterator[Finding]:
    for name, type_ in unreadable.items():
        message = f"{name} has the type {type_}, which is neither number, text nor time."
        yield Finding(message, "Not read.")
    unnamed = source.columns.count("")
    if unnamed:
        columns = "A column has" if unnamed == 1 else f"{unnamed} columns have"
        yield Finding(f"{columns} no name, like the row index of a data frame.", "Not read.")
