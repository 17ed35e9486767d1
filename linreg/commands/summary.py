"""Print the results of the last run: coefficients, fit, gap, metrics and gates.

Coefficients are in the order of the formula and end at the decimal where their standard error has
so many digits as --digits says. JSON and CSV have every digit and all coefficients.
"""

import argparse
from pathlib import Path

from linreg.dvc_lock import changed_parameters
from linreg.errors import UserError
from linreg.files import content_hash
from linreg.fit.model import load
from linreg.report.number_format import DIGITS
from linreg.report.results import RunResults
from linreg.summary.formats import FORMATS
from linreg.summary.terminal import summary_lines
from linreg.tracking.journal.failed_sync import describe_failed_sync

MODEL = Path("models/model")
EVALUATION = Path("models/evaluation")
MAX_CHANGES = 3
MAX_DIGITS = 17


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
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
    }
    for name, text in texts.items():
        chosen.add_argument(f"--{name}", dest="format", action="store_const", const=name, help=text)


def run(args: argparse.Namespace) -> int:
    """Print the results."""
    if not 1 <= args.digits <= MAX_DIGITS:
        raise UserError("--digits", f"must be 1 to {MAX_DIGITS}", found=args.digits)
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


def out_of_date(changed: list[str]) -> str:
    """Return that these parameters have changed since the run."""
    more = len(changed) - MAX_CHANGES
    some = ", ".join(changed[:MAX_CHANGES]) + (f" and {more} more" if more > 0 else "")
    return (
        f"OUT OF DATE: {some} changed in params.yaml since the last run.\n"
        "Run `dvc repro` to update the results."
    )
