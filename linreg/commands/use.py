"""Check a table of yours and set up params.yaml for it.

FILE is text such as CSV, Parquet, Arrow, JSON or a workbook, or a folder of such files; or a table
elsewhere, which is copied to data/fetched/ by a stage of its own: a SQLite or DuckDB file or
postgresql://user@host/database, each with --sql, a Delta or Iceberg table, s3://, gs:// or
https://. Passwords stay in the environment: in an address, {NAME} stands for the value of a
variable. docs/tables.md says how each is read, and what is refused. The table is read and
checked; what looks wrong is printed, with what was done about it and how to have it otherwise. Then
these parameters are written: fetch, for a table elsewhere; ingest.source, ingest.missing and
model.formula; those that say how files are read, where they are given; ingest.sentinels where
numbers such as -999 stand for missing cells; model.levels where levels have an order; split.by
where rows belong to groups; the settings of train with which the loss is expected to end at its
minimum; evaluate.gates for a table that is new. Comments and all other lines of params.yaml stay as
they are. Afterwards `dvc repro` fits the model.

The target is guessed where there is no doubt. Otherwise it is asked for on a terminal, and
elsewhere it must be named.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from linreg.errors import UserError
from linreg.params.edit import set_values
from linreg.params.fetch import path_or_address
from linreg.params.file import PARAMS_FILE, load_params
from linreg.params.read_options import add_reading_options, names_of, reading_of
from linreg.setup.analysis import analyze_table
from linreg.setup.fetched_table import fetch_for_use, is_fetched, unused_tables
from linreg.setup.options import UseOptions
from linreg.setup.printout import analysis_lines, outcome_lines
from linreg.setup.settings import Setting
from linreg.setup.table_location import locate_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "file",
        type=path_or_address,
        metavar="FILE",
        help="a file of text, Parquet, Arrow, JSON or a workbook, or a folder of files; or the "
        "address of a database, a lake or a file",
    )
    parser.add_argument("--dry-run", action="store_true", help="print everything, write nothing")
    add_options(parser)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options that `linreg init` has too."""
    parser.add_argument("--sql", metavar="QUERY", help="of a database: a SELECT, or a table's name")
    parser.add_argument(
        "--fingerprint", metavar="QUERY", help="a SELECT whose answer changes whenever the rows do"
    )
    parser.add_argument(
        "--at-version",
        type=int,
        metavar="NUMBER",
        help="the version of a Delta table, or the snapshot of an Iceberg table",
    )
    parser.add_argument("--target", metavar="COLUMN", help="the column to predict")
    parser.add_argument(
        "--without",
        type=names_of,
        action="extend",
        default=[],
        metavar="A,B",
        help="columns that are not to be features",
    )
    parser.add_argument(
        "--split-by",
        type=_split_by,
        metavar="row|group:COLUMN|time:COLUMN",
        help="how the rows are split (split.by)",
    )
    parser.add_argument(
        "--missing",
        choices=["error", "drop", "mean"],
        help="what happens at a missing cell (ingest.missing)",
    )
    parser.add_argument(
        "--where",
        metavar="CONDITION",
        help="use only the rows that satisfy it, such as \"price > 0 and zone == 'north'\""
        " (ingest.where); '' for all rows",
    )
    parser.add_argument(
        "--levels",
        type=_values_of_column,
        action="append",
        default=[],
        metavar="COLUMN=A,B",
        help="levels of a category in their order, the reference level first (model.levels)",
    )
    parser.add_argument(
        "--sentinels",
        type=_values_of_column,
        action="append",
        default=[],
        metavar="COLUMN=A,B",
        help="values that stand for a missing cell (ingest.sentinels); `COLUMN=` for none",
    )
    parser.add_argument(
        "--copy", action="store_true", help="copy a table from elsewhere into data/own/ first"
    )
    add_reading_options(parser)


def run(args: argparse.Namespace) -> int:
    """Print the analysis of the table and write params.yaml."""
    options = options_of(args)
    params = load_params()
    # What is wrong with them is an error of the parameter.
    load_params(changes={f"ingest.{key}": value for key, value in options.reading.items()})
    settings: dict[str, Setting] = {}
    if is_fetched(options):
        fetched, settings = fetch_for_use(options, params)
        print("\n".join([*fetched.lines(), ""]))
        path = fetched.source
    else:
        path = locate_table(Path(options.file), copy=args.copy and not args.dry_run)
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    analysis = analyze_table(path, params, options, _ask_for_target if is_terminal else None)
    analysis.settings.update({**settings, **analysis.settings})
    print("\n".join(analysis_lines(analysis, options)))
    values = {name: setting.value for name, setting in analysis.settings.items()}
    changed = not args.dry_run and set_values(PARAMS_FILE, values)
    print("\n".join(outcome_lines(analysis, options, changed=changed)))
    for name in unused_tables(params, str(values["ingest.source"])):
        print(f"Remove fetch.{name} from {PARAMS_FILE}, or it is fetched for nothing.")
    return 0


def options_of(args: argparse.Namespace) -> UseOptions:
    """Return the options in the arguments of the command."""
    return UseOptions(
        file=args.file,
        sql=args.sql,
        fingerprint=args.fingerprint,
        at_version=args.at_version,
        reading=reading_of(args),
        target=args.target,
        without=list(dict.fromkeys(args.without)),
        split_by=args.split_by,
        missing=args.missing,
        where=args.where,
        levels=dict(args.levels),
        sentinels=dict(args.sentinels),
        copy=args.copy,
        dry_run=args.dry_run,
    )


def _ask_for_target(candidates: Sequence[str]) -> str:
    """Return the candidate whose number or name the user types."""
    print("Which column is to be predicted?")
    for number, name in enumerate(candidates, 1):
        print(f"{number:4}  {name}")
    while True:
        try:
            answer = input("Number or name: ").strip()
        except EOFError:
            print()
            raise UserError("--target", "was not answered", todo="name the column") from None
        if answer in candidates:
            return answer
        if answer.isdecimal() and 1 <= int(answer) <= len(candidates):
            return candidates[int(answer) - 1]
        print(f"Type a number from 1 to {len(candidates)}, or a name of the list.")


def _split_by(text: str) -> str:
    kind, _, column = text.partition(":")
    if text != "row" and not (kind in ("group", "time") and column):
        what = "must be row, group:COLUMN or time:COLUMN"
        raise UserError("--split-by", what, found=text)
    return text


def _values_of_column(text: str) -> tuple[str, list[str]]:
    """Return the column and the values in `COLUMN=A,B`."""
    column, sign, values = text.partition("=")
    if not sign or not column:
        raise UserError("--levels, --sentinels", "must be COLUMN=A,B", found=text)
    return column.strip(), names_of(values) if values.strip() else []
