"""Print the results of the last run, or models side by side: coefficients, fit, metrics, gates.

    linreg summary                          the results in this folder
    linreg summary HEAD workspace --latex   two models side by side, as papers print them

Coefficients are in the order of the formula and end at the decimal where their standard error has
so many digits as --digits says. JSON and CSV have every digit and all coefficients. Side by side,
the standard errors stand in parentheses below the coefficients of the exact solutions.
"""

import argparse
from pathlib import Path

from linreg.dvc_lock import changed_parameters
from linreg.errors import UserError
from linreg.files import content_hash
from linreg.fit.model import load
from linreg.lineage.evaluation_lookup import find_evaluation
from linreg.number_format import DIGITS
from linreg.results.run_results import NamedResults, RunResults
from linreg.summary import side_by_side
from linreg.summary.formats import FORMATS
from linreg.summary.side_by_side import SideBySide
from linreg.summary.terminal import summary_lines
from linreg.tracking.journal.failed_sync import describe_failed_sync

MODEL = Path("models/model")
EVALUATION = Path("models/evaluation")
MAX_CHANGES = 3
MAX_DIGITS = 17


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "runs",
        metavar="RUN",
        nargs="*",
        help="models to print side by side: runs, revisions, `workspace`, or folders such as"
        " models/evaluation (default: only the results in this folder)",
    )
    parser.add_argument(
        "--stars",
        action="store_true",
        help="side by side: mark coefficients with p below 0.05, 0.01 and 0.001",
    )
    parser.add_argument(
        "--digits",
        type=int,
        default=DIGITS,
        help="significant digits of standard errors, where coefficients end (default: %(default)s)",
    )
    chosen = parser.add_mutually_exclusive_group()
    texts = {
        "json": "print all numbers as JSON",
        "csv": "print a line per coefficient as CSV",
        "markdown": "print the coefficient table in Markdown",
        "latex": "print the coefficient table in LaTeX",
        "html": "print the coefficient table in HTML",
    }
    for name, text in texts.items():
        chosen.add_argument(f"--{name}", dest="format", action="store_const", const=name, help=text)


def run(args: argparse.Namespace) -> int:
    """Print the results."""
    if not 1 <= args.digits <= MAX_DIGITS:
        raise UserError("--digits", f"must be 1 to {MAX_DIGITS}", found=args.digits)
    if args.runs:
        print(side_by_side.FORMATS[args.format](_models(args)))
        return 0
    if args.stars:
        raise UserError("--stars", "are for models side by side", todo="name at least one run")
    model = load(MODEL)
    expected = {str(MODEL): content_hash(MODEL)}
    results = RunResults.read(EVALUATION, expected, model.design.reported_names)
    if args.format:
        print(FORMATS[args.format](results, model.design.terms, args.digits))
        return 0
    if changed := changed_parameters():
        print(f"\n{out_of_date(changed)}")
    print()
    print("\n".join(summary_lines(results, model.design.terms, args.digits)))
    print(f"\nmodel:  {MODEL}/model.json\nreport: {EVALUATION}/report.html  (linreg open)")
    print("runs:   linreg ui  (compare runs in the MLflow UI)")
    if failed_sync := describe_failed_sync():
        print(f"\n{failed_sync}")
    return 0


def _models(args: argparse.Namespace) -> SideBySide:
    runs = []
    for name in args.runs:
        with find_evaluation(name) as found:
            runs.append(NamedResults(found.name, RunResults.read(found.folder)))
    names = [run.name for run in runs]
    # Two runs may have the same name.
    if len(set(names)) < len(names):
        runs = [NamedResults(name, run.results) for name, run in zip(args.runs, runs, strict=True)]
    return SideBySide(runs, args.digits, args.stars)


def out_of_date(changed: list[str]) -> str:
    """Return that these parameters have changed since the run."""
    more = len(changed) - MAX_CHANGES
    some = ", ".join(changed[:MAX_CHANGES]) + (f" and {more} more" if more > 0 else "")
    return (
        f"OUT OF DATE: {some} changed in params.yaml since the last run.\n"
        "Run `dvc repro` to update the results."
    )
