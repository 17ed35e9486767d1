"""A table analyzed for `linreg use`: surveyed, checked, and with parameters proposed for it."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from linreg.data.csv.header import repeated
from linreg.data.formula.grammar.tokens import quote_name
from linreg.data.ingest.checks import check_weights
from linreg.data.ingest.columns import AuxiliaryColumns, columns_by_parameter
from linreg.data.ingest.formula_schema import make_schema
from linreg.data.ingest.text_numbers import with_numbers
from linreg.data.ingest.time_order import in_time_order, with_given_dates
from linreg.data.source import Source, open_source
from linreg.data.typed_table import TypedTable, open_typed_table, unreadable_columns
from linreg.errors import UserError
from linreg.files import scratch_folder
from linreg.params.ingest import READ_AS_IS
from linreg.params.model import Model
from linreg.params.params import Params
from linreg.params.split import Split
from linreg.setup.checks.column_checks import check_columns
from linreg.setup.checks.finding import CheckContext, Finding
from linreg.setup.checks.groups import find_groups
from linreg.setup.checks.hints import check_features, check_rows, check_target
from linreg.setup.column_settings import column_settings
from linreg.setup.formula_reader import FormulaReader
from linreg.setup.level_orders import order_levels, reference_levels
from linreg.setup.options import UseOptions
from linreg.setup.proposal import Proposal, propose
from linreg.setup.sentinels import choose_sentinels
from linreg.setup.settings import Setting, choose_settings
from linreg.setup.survey.column_survey import Survey, survey_table
from linreg.setup.table_location import source_parameter
from linreg.setup.target import Ask, Target, check_features_exist, check_target_column, guess_target

SCRATCH = Path(".linreg/use")


@dataclass(frozen=True)
class Analysis:
    """All that `linreg use` finds out about a table.

    settings    the parameters to write
    findings    warnings and hints, in the order in which they are printed
    references  by category among the features, its reference level, or levels in an order
    """

    path: Path
    source: Source
    survey: Survey
    auxiliary: AuxiliaryColumns
    target: Target
    proposal: Proposal
    settings: dict[str, Setting]
    findings: list[Finding]
    references: Mapping[str, str]


def analyze_table(
    path: Path, params: Params, options: UseOptions, ask: Ask | None = None
) -> Analysis:
    """Return the analysis of a file or folder; `params` are those before `linreg use`.

    path  where the table is read, which may be a copy of `options.file`
    ask   asks for the target, where it cannot be guessed; None where nobody can be asked

    Raises UserError for a table that cannot be used as it is.
    """
    before = params
    is_known = source_parameter(path) == params.ingest.source
    before_reading = params.ingest.read_options if is_known else READ_AS_IS
    source = open_source(path, before_reading.updated(options.reading))
    source.require_options_with_meaning()
    unreadable = unreadable_columns(source)
    not_read = {"", *unreadable, *repeated(source.columns)}
    columns = [name for name in source.columns if name not in not_read]
    if not columns:
        raise UserError(path, "has no column with a name", todo="name its columns")
    with scratch_folder(SCRATCH) as scratch:
        where = options.where if options.where is not None or not is_known else params.ingest.where
        table = open_typed_table(source, columns, scratch, where=where)
        table = with_given_dates(table, source.options.dates, source)
        table = with_numbers(table, columns, source.options)
        survey = survey_table(table)
        if not survey.num_rows:
            others = [str(note) for note in source.notes if note.option == "ingest.sheet"]
            todo = "; ".join(["add rows with values", *others])
            raise UserError(path, "has columns and no rows", todo=todo)
        known = params.ingest.sentinels if is_known else None
        sentinels = choose_sentinels(table, survey, options.sentinels, known, path)
        if sentinels.values:
            table = dataclasses.replace(table, sentinels=sentinels.values)
            survey = survey_table(table)
        if options.split_by:
            params = _with_split(params, options.split_by)
        auxiliary, unknown = _auxiliary_columns(params, survey)
        if options.split_by and "split.by" in unknown:
            raise _no_such_split(options.split_by, survey, path)
        params = _without_unknown(params, unknown)
        if not _has_rows_for_folds(params.split, survey.num_rows):
            params = _without_folds(params)
        if params.split.by.startswith("time:"):
            table = in_time_order(table, params.split.by.removeprefix("time:"))
        splits = params.split.by == "row" and not options.split_by and not is_known
        roles = [*auxiliary, *options.without, *filter(None, [options.target])]
        grouping = find_groups(survey, roles, splits=splits)
        if grouping.column:
            params = _with_split(params, f"group:{grouping.column}")
            auxiliary = {**auxiliary, grouping.column: "split.by"}
        check_features_exist(survey, options.without, options.target, path)
        chosen = _choose_target(options.target, survey, params, auxiliary, path, ask)
        check_features_exist(survey, options.without, chosen.name, path)
        _check_weights(params.model, chosen.name, survey, table, auxiliary)
        orders = order_levels(survey, options.levels, params.model.levels if is_known else {}, path)
        numbered = [name for name in options.levels if survey.is_number(name)]
        reader = FormulaReader(
            table, survey, params, auxiliary, [*grouping.codes, *numbered], orders, options.missing
        )
        proposal = propose(reader, chosen.name, options.without, grouping.findings)
    settings = choose_settings(
        proposal,
        before,
        survey.num_rows,
        source=source_parameter(path),
        reading=source.options,
        unknown=unknown,
        keeps_folds=params.split.folds == before.split.folds,
    )
    if table.condition is not None or before.ingest.where:
        num_left_out = table.num_rows - survey.num_rows
        reason = f"{num_left_out:,} of {table.num_rows:,} rows are left out" if where else ""
        settings["ingest.where"] = Setting(where or None, reason)
    if options.missing:
        settings["ingest.missing"] = settings["ingest.missing"]._replace(reason="--missing")
    levels = {name: order for name, order in orders.items() if name in proposal.features}
    about_columns = column_settings(before, params.split.by, sentinels.values, levels)
    for name, setting in about_columns.items():
        # What is set already has its reason.
        if name not in settings or settings[name].value != setting.value:
            settings[name] = setting
    context = CheckContext(survey, params.split.train, auxiliary, chosen.name)
    findings = [
        *(Finding(f"{note}.", "", is_hint=True) for note in table.notes),
        *_unread_columns(source, unreadable),
        *sentinels.findings,
        *proposal.findings,
        *_levels_of_no_feature(options, proposal),
        *check_rows(context),
        *check_target(context, proposal.skewness),
        *check_features(context, proposal.features, proposal.said),
    ]
    references = reference_levels(survey, proposal.features, proposal.codes, orders)
    return Analysis(
        path, source, survey, auxiliary, chosen, proposal, settings, findings, references
    )


def _auxiliary_columns(params: Params, survey: Survey) -> tuple[AuxiliaryColumns, list[str]]:
    """Return the auxiliary columns, and the parameters that name a column which is not there."""
    errors = params.evaluate.errors
    named = columns_by_parameter(params.split.by, params.model.weights_column, errors)
    auxiliary = {
        column: parameter for parameter, column in reversed(named) if column in survey.columns
    }
    unknown = [parameter for parameter, column in named if column not in survey.columns]
    if "split.by" in unknown and errors.startswith("HAC"):
        # Without a time, the rows have no order.
        unknown.append("evaluate.errors")
    return auxiliary, list(dict.fromkeys(unknown))


def _with_split(params: Params, by: str) -> Params:
    return params.model_copy(update={"split": params.split.model_copy(update={"by": by})})


def _has_rows_for_folds(split: Split, num_rows: int) -> bool:
    """Whether each fold gets a training row, if folds go by row."""
    return split.folds <= split.train * num_rows


def _without_folds(params: Params) -> Params:
    """Return the parameters without folds, and without a choice of l1 over them."""
    split = params.split.model_copy(update={"folds": 0})
    train = params.train
    if train.l1_rule:
        train = train.model_copy(update={"l1": 0.0})
    return params.model_copy(update={"split": split, "train": train})


def _without_unknown(params: Params, unknown: list[str]) -> Params:
    if "model.weights" in unknown:
        model = params.model.model_copy(update={"weights": None})
        params = params.model_copy(update={"model": model})
    if "evaluate.errors" in unknown:
        evaluate = params.evaluate.model_copy(update={"errors": "auto"})
        params = params.model_copy(update={"evaluate": evaluate})
    if "split.by" in unknown:
        # Folds by row would not be those of the groups or times that were wanted.
        params = _without_folds(_with_split(params, "row"))
    return params


def _no_such_split(split_by: str, survey: Survey, path: Path) -> UserError:
    where = f"{path}: column {split_by.partition(':')[2]}"
    found = ", ".join(survey.columns)
    return UserError(where, "there is no such column (--split-by)", found=found)


def _choose_target(
    wanted: str | None,
    survey: Survey,
    params: Params,
    auxiliary: AuxiliaryColumns,
    path: Path,
    ask: Ask | None,
) -> Target:
    if wanted is None:
        findings = check_columns(CheckContext(survey, params.split.train, auxiliary))
        excluded = {name: finding.reason for finding in findings for name in finding.excluded}
        return guess_target(survey, excluded | dict(auxiliary), path, ask)
    check_target_column(survey, wanted, path)
    if wanted in auxiliary:
        raise UserError(
            f"{path}: column {wanted}",
            f"is named by {auxiliary[wanted]}",
            todo="choose another --target",
        )
    return Target(wanted)


def _check_weights(
    model: Model, target: str, survey: Survey, table: TypedTable, auxiliary: AuxiliaryColumns
) -> None:
    """Raise UserError for weights that ingest would refuse."""
    if model.weights:
        formula = f"{quote_name(target)} ~ 1"
        weights = {"weights": model.weights_column, "weights_kind": model.weights_kind}
        options = {"fill_missing": False, **weights}
        schema = make_schema(formula, survey.profiles, table, auxiliary, **options)
        check_weights(survey.profiles, schema, table)


def _levels_of_no_feature(options: UseOptions, proposal: Proposal) -> Iterator[Finding]:
    for name in options.levels:
        if name not in proposal.features:
            yield Finding(f"{name} is not a feature, so it needs no --levels.", "Not written.")


def _unread_columns(source: Source, unreadable: dict[str, str]) -> Iterator[Finding]:
    for name, why in unreadable.items():
        yield Finding(f"{name} {why}.", "Not read.")
    for name in repeated(source.columns):
        number = source.columns.count(name)
        yield Finding(f"{number} columns are named {name}.", "Not read.")
    unnamed = source.columns.count("")
    if unnamed:
        columns = "A column has" if unnamed == 1 else f"{unnamed} columns have"
        yield Finding(f"{columns} no name, like the row index of a data frame.", "Not read.")
