"""Register a model in MLflow, and make it the champion if it is significantly better.

The paired test on the same test rows decides, not a comparison of two metrics. The exit code is 0
if the model is the champion; 1 if not: refused, or registered as challenger.
"""

import argparse
import re
import sys
from pathlib import Path

from linreg.errors import UserError
from linreg.registry.decide import decide


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--name", default="linreg", help="name of the registered model (default: %(default)s)"
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--run", metavar="RUN_ID", help="the model of this run, instead of the one in models/model"
    )
    which.add_argument(
        "--promote",
        type=int,
        metavar="VERSION",
        help="make a version the champion whatever the test says, such as an earlier one again; "
        "needs --why",
    )
    parser.add_argument(
        "--why", default="", metavar="TEXT", help="the reason for --promote, for the log"
    )
    parser.add_argument(
        "--certificate",
        type=Path,
        metavar="FILE",
        help="refuse the model unless this certificate of `linreg verify` names it; the version "
        "carries the certificate",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show the decision and change nothing"
    )


def run(args: argparse.Namespace) -> int:
    """Decide, and print the decision."""
    _check_arguments(args)
    outcome = decide(
        args.name, args.run, args.promote, args.why, args.certificate, dry_run=args.dry_run
    )
    for line in outcome.lines:
        print(line)
    if outcome.objection:
        print(outcome.objection, file=sys.stderr)
    return 0 if outcome.is_champion else 1


def _check_arguments(args: argparse.Namespace) -> None:
    if not re.fullmatch(r"[\w.\- ]+", args.name):
        raise UserError(
            "--name", "must be letters, digits, spaces, `_`, `-` and `.`", found=args.name
        )
    if args.promote is not None and not args.why.strip():
        raise UserError("--promote", "needs a reason", todo="add --why TEXT, which is logged")
    if args.promote is not None and args.certificate is not None:
        what = "is of a model to be registered, and --promote takes a version that is"
        raise UserError("--certificate", what, todo="leave out one of the two")
    if args.why and args.promote is None:
        raise UserError(
            "--why", "is the reason for --promote", todo="without --promote the test decides"
        )
