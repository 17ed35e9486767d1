"""Look at a table of yours, say what is suspicious about it, and set params.yaml up for it.

FILE is CSV or Parquet, or a folder of such files. Written are ingest.source, ingest.names,
ingest.missing, model.formula and train.standardize; train.lr where the one that is there would
diverge, and evaluate.gates for a table that is new. Comments and all other lines of params.yaml
stay as they are. Afterwards `dvc repro` fits the model.
"""

import argparse
import csv
import shlex
from collections.abc import Iterator
from pathlib import Path

from linreg.data.formula.formula import quote_name
from linreg.data.ingest.checks import check_weights
from linreg.data.ingest.columns import AuxiliaryColumns as Beside
from linreg.data.ingest.formula_schema import make_schema
from linreg.data.source import Source, open_source
from linreg.data.typed_table import open_typed_table, unreadable_columns
from linreg.errors import UserError
from linreg.files import scratch_folder
from linreg.params import Params, split_column
from linreg.params_edit import set_values
from linreg.params_file import PARAMS_FILE, load_params
from linreg.setup.column_checks import Facts, Finding, column_findings
from linreg.setup.hints import hints, row_findings, target_findings
from linreg.setup.printout import column_table, findings, head, paragraph, settings
from linreg.setup.proposal import MOST_DROPPED, Proposal, propose
from linreg.setup.survey import Survey, survey
from linreg.setup.table_location import advice, as_parameter, copied
from linreg.setup.target import guess_target, require_target

SCRATCH = Path(".linreg/use")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="CSV or Parquet: a file, or a folder of files"
    )
    parser.add_argument(
        "--target", metavar="COLUMN", help="the column to predict; without it one is guessed"
    )
    parser.add_argument(
        "--without",
        type=_names,
        default=[],
        metavar="A,B",
        help="columns that are to be no features",
    )
    parser.add_argument(
        "--names",
        type=_names,
        metavar="A,B,C",
        help="the names of the columns of a CSV file that has no header",
    )
    parser.add_argument(
        "--copy", action="store_true", help="copy a table from elsewhere into data/own/ first"
    )
    parser.add_argument("--dry-run", action="store_true", help="print everything, write nothing")


def run(args: argparse.Namespace) -> int:
    """Print what was seen and write params.yaml."""
    params = load_params()
    if not args.file.exists():
        raise UserError(args.file, "there is no such file or folder", todo="check the path")
    path = copied(args.file) if args.copy and not args.dry_run else args.file
    known = as_parameter(path) == params.ingest.source
    names = tuple(args.names) if args.names else params.ingest.names if known else None
    source = open_source(path, names)
    skipped = unreadable_columns(source)
    columns = [name for name in source.columns if name and name not in skipped]
    if not columns:
        raise UserError(path, "has no column with a name", todo="name its columns")
    with scratch_folder(SCRATCH) as scratch:
        table = open_typed_table(source, columns, scratch)
        seen = survey(table)
        if not seen.num_rows:
            raise UserError(path, "has columns and no rows", todo="bring rows with values")
        beside, lost = _other_roles(params, seen)
        target, why = _target(args.target, seen, params, beside, path)
        _require_columns(args.without, seen, target, path)
        if weights := None if "model.weights" in lost else params.model.weights:
            schema = make_schema(
                f"{quote_name(target)} ~ 1",
                seen.profiles,
                table,
                beside,
                fill_missing=False,
                weights=weights,
            )
            check_weights(seen.profiles, schema, table)
        settled = params.model_copy(
            update={"model": params.model.model_copy(update={"weights": weights})}
        )
        proposal = propose(table, seen, settled, target, beside, args.without)

    facts = Facts(seen, params.split.train, beside, target)
    print(head(path, source, seen))
    print()
    print("\n".join(column_table(seen, proposal, beside)))
    if why:
        print()
        print("\n".join(paragraph(f"TARGET: {target}. It was guessed: {why}. Choose another with")))
        given = ["--names", ",".join(args.names)] if args.names else []
        print(f"  {shlex.join(['linreg', 'use', str(args.file), *given, '--target', 'COLUMN'])}")
    warnings = [
        *_unread(source, skipped),
        *(each for each in proposal.findings if not each.hint),
        *row_findings(facts),
    ]
    advised = [each for each in proposal.findings if each.hint]
    advised += [*target_findings(facts, proposal.skewness), *hints(facts, proposal.features)]
    for line in findings("Suspicious", [each for each in warnings if not each.hint]):
        print(line)
    for line in findings("Hints", [*(each for each in warnings if each.hint), *advised]):
        print(line)

    values, reasons = _values(params, proposal, seen, as_parameter(path), names, lost, known)
    _write(args, values, reasons, path, proposal)
    return 0


def _names(text: str) -> list[str]:
    return [
        name.strip() for name in next(csv.reader([text], skipinitialspace=True)) if name.strip()
    ]


def _other_roles(params: Params, seen: Survey) -> tuple[Beside, list[str]]:
    """Return the columns that other parameters name, and the parameters that name one which is not
    there.
    """
    roles = {"split.by": split_column(params.split.by), "model.weights": params.model.weights}
    beside = {
        column: parameter
        for parameter, column in roles.items()
        if column in seen.columns and column
    }
    return beside, [
        parameter for parameter, column in roles.items() if column and column not in seen.columns
    ]


def _target(
    wanted: str | None, seen: Survey, params: Params, beside: Beside, path: Path
) -> tuple[str, str]:
    """Return the target, and why it was taken if it was guessed."""
    if wanted:
        require_target(seen, wanted, path)
        if wanted in beside:
            raise UserError(
                f"{path}: column {wanted}",
                f"is named by {beside[wanted]}",
                todo="choose another --target",
            )
        return wanted, ""
    odd = column_findings(Facts(seen, params.split.train, beside))
    out = {name: finding.short for finding in odd for name in finding.left_out}
    return guess_target(seen, out | dict(beside), path)


def _require_columns(without: list[str], seen: Survey, target: str, path: Path) -> None:
    for name in without:
        if name not in seen.columns:
            found = ", ".join(seen.columns)
            raise UserError(
                f"{path}: column {name}", "there is no such column (--without)", found=found
            )
        if name == target:
            raise UserError(
                f"{path}: column {name}",
                "is the target (--without)",
                todo="choose another --target",
            )


def _unread(source: Source, skipped: dict[str, str]) -> Iterator[Finding]:
    for name, type_ in skipped.items():
        yield Finding(f"{name} holds {type_}, no numbers, text or times.", "Not read.")
    if unnamed := source.columns.count(""):
        columns = "A column has" if unnamed == 1 else f"{unnamed} columns have"
        yield Finding(f"{columns} no name, as the row index of a data frame.", "Not read.")


def _values(
    params: Params,
    proposal: Proposal,
    seen: Survey,
    source: str,
    names: tuple[str, ...] | None,
    lost: list[str],
    known: bool,
) -> tuple[dict[str, object], dict[str, str]]:
    """Return the parameters to write, and the reasons of those that have one to tell."""
    values: dict[str, object] = {
        "ingest.source": source,
        "ingest.names": list(names) if names else None,
        "ingest.missing": proposal.missing,
        "model.formula": proposal.formula,
        "train.standardize": proposal.standardize,
    }
    scales = "have scales of their own" if proposal.standardize else "are like z-scores already"
    reasons = {
        "ingest.missing": _missing(proposal, seen),
        "train.standardize": f"the features {scales}",
    }
    if proposal.lr:
        values["train.lr"] = proposal.lr
        reasons["train.lr"] = f"{params.train.lr:g} would diverge"
    if not known:
        values["evaluate.gates"] = {"test_r2": {"min": 0}} if params.split.test else {}
        reasons["evaluate.gates"] = "new data: better than the mean"
    defaults: dict[str, object] = {"split.by": "row", "model.weights": None}
    for parameter in lost:
        values[parameter] = defaults[parameter]
        reasons[parameter] = "the column that it named is not in this file"
    return values, reasons


def _missing(proposal: Proposal, seen: Survey) -> str:
    share = f"{proposal.lost / seen.num_rows:.1%}"
    if proposal.missing == "error":
        return "no cell is missing in the columns used"
    if proposal.missing == "drop":
        return (
            f"{proposal.lost} rows, {share}, lack a cell"
            if proposal.lost > 1
            else f"1 row, {share}, lacks a cell"
        )
    rows = f", and {proposal.lost} rows, {share}, dropped" if proposal.lost else ""
    return (
        f"dropping would lose {proposal.incomplete / seen.num_rows:.0%} of the rows, more than {MOST_DROPPED:.0%}:"
        f" {proposal.filled} cells are filled with means{rows}"
    )


def _write(
    args: argparse.Namespace,
    values: dict[str, object],
    reasons: dict[str, str],
    path: Path,
    proposal: Proposal,
) -> None:
    changed = not args.dry_run and set_values(PARAMS_FILE, values)
    title = "Would be written to" if args.dry_run else "Written to" if changed else "Already in"
    print(f"\n{title} {PARAMS_FILE}")
    shown = {
        name: _shown(value) for name, value in values.items() if name != "ingest.names" or value
    }
    print("\n".join(settings(shown, reasons)))
    if proposal.r2 is not None:
        print(
            f"\nLeast squares on {proposal.rows_seen} rows explains {_percent(proposal.r2)} of the variance."
        )
    note, command = advice(path)
    if note:
        print()
        print("\n".join(paragraph(note)))
        print(f"  {command}")
    if args.dry_run:
        print("\nNothing was written. The same without --dry-run writes it.")
        return
    print("\nNext")
    print("  dvc repro && linreg summary")
    print(f"Back to what git has: git checkout {PARAMS_FILE}")


def _shown(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case None:
            return "null"
        case dict():
            return "{" + ", ".join(f"{key}: {_shown(each)}" for key, each in value.items()) + "}"
        case list():
            return ", ".join(map(str, value))
    return str(value)


def _percent(share: float) -> str:
    if share >= 1 - 1e-12:
        return "all"
    return f"{share:.1%}" if share < 0.999 else f"{share:.6%}"
