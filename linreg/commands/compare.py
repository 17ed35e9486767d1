"""Put two runs side by side: what differs in parameters, measures and coefficients, and a page with
the pictures.

Each is a run (its name, or the beginning of its id as `linreg runs` lists it), a revision (commit,
branch, tag, or experiment of DVC), or `workspace`, which is what the last run left in this folder.
"""

import argparse
from pathlib import Path

from linreg.comparison.page import comparison_lines, comparison_page
from linreg.files import write_text
from linreg.lineage.evaluations import WORKSPACE, evaluation_of
from linreg.report.results import NamedResults, RunResults


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the two, and where the page goes."""
    parser.add_argument(
        "first", metavar="RUN_A", help="run or revision, such as HEAD or an experiment's name"
    )
    parser.add_argument(
        "second",
        metavar="RUN_B",
        nargs="?",
        default=WORKSPACE,
        help="the other (default: workspace)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("comparison.html"),
        metavar="FILE",
        help="where the page is written (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Print what differs and write the page."""
    with evaluation_of(args.first) as a, evaluation_of(args.second) as b:
        names = [a.name, b.name] if a.name != b.name else [args.first, args.second]
        first, second = (
            NamedResults(name, RunResults.read(each.folder))
            for name, each in zip(names, (a, b), strict=True)
        )
    print("\n".join(comparison_lines(first, second)))
    write_text(args.output, comparison_page(first, second))
    print(f"page: {args.output}")
    return 0
