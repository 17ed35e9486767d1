"""Check a table of yours and set up params.yaml for it.

FILE is CSV or Parquet, or a folder of such files. It is read and checked; what looks wrong is
printed, with what was done about it. Then these parameters are written: ingest.source,
ingest.names, ingest.missing, model.formula and train.standardize; train.lr if the present one would
diverge; evaluate.gates for a table that is new. Comments and all other lines of params.yaml stay as
they are. Afterwards `dvc repro` fits the model.
"""

import argparse
import csv
from pathlib import Path

from linreg.params_edit import set_values
from linreg.params_file import PARAMS_FILE, load_params
from linreg.setup.analysis import analyze_table
from linreg.setup.printout import analysis_lines, outcome_lines
from linreg.setup.table_location import locate_table


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
        help="columns that are not to be features",
    )
    parser.add_argument(
        "--names",
        type=_names,
        default=[],
        metavar="A,B,C",
        help="the names of the columns of a CSV file that has no header",
    )
    parser.add_argument(
        "--copy", action="store_true", help="copy a table from elsewhere into data/own/ first"
    )
    parser.add_argument("--dry-run", action="store_true", help="print everything, write nothing")


def run(args: argparse.Namespace) -> int:
    """Print the analysis of the table and write params.yaml."""
    params = load_params()
    path = locate_table(args.file, copy=args.copy and not args.dry_run)
    analysis = analyze_table(
        path, params, names=args.names, target=args.target, without=args.without
    )
    print("\n".join(analysis_lines(analysis, args.file, args.names)))
    values = {name: setting.value for name, setting in analysis.settings.items()}
    changed = not args.dry_run and set_values(PARAMS_FILE, values)
    print("\n".join(outcome_lines(analysis, dry_run=args.dry_run, changed=changed)))
    return 0


def _names(text: str) -> list[str]:
    """Return the names in a line of CSV."""
    return [
        name.strip() for name in next(csv.reader([text], skipinitialspace=True)) if name.strip()
    ]
