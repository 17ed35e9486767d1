"""`linreg certify FOLDER`: how many digits of certified values the exact solver finds.

The folder holds data sets `<name>.csv`, whose last column is the target, and certified.json with
their values in the layout of tests/data/nist. Each is fitted to all its rows as `y ~ .` (`y ~ 0 +
.` without an intercept).
"""

import argparse
import json
import sys
from pathlib import Path

from linreg.text import table
from linreg.verify.certified_values import CERTIFIED, QUANTITIES, certify

HEADER = ("digits of", "worst coefficient", "worst standard error", "residual sd", "R²")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the folder, and whether to print JSON."""
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help=f"data sets <name>.csv and {CERTIFIED}"
    )
    parser.add_argument("--json", action="store_true", help="print the digits as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the digits (LRE) of each data set; 1 when one of them could not be fitted."""
    found = certify(arguments.folder)
    for failure in found.failures:
        print(f"error: {failure}", file=sys.stderr)
    if arguments.json:
        print(json.dumps(found.digits, indent=2, allow_nan=False))
    else:
        rows = [
            (name, *(f"{digits[quantity]:.1f}" for quantity in QUANTITIES))
            for name, digits in found.digits.items()
        ]
        print("\n".join(table([HEADER, *rows], "<>")))
    return 1 if found.failures else 0
