"""Compare two runs: their parameters, metrics and coefficients, and a page with figures of both.

Each is a run (its name, or the beginning of its id as `linreg runs` lists it), a revision (commit,
branch, tag or DVC experiment), or `workspace`, the results in this folder.
"""

import argparse
from pathlib import Path

from linreg.comparison.page import comparison_lines, comparison_page
from linreg.files import write_text
from linreg.lineage.evaluation_lookup import WORKSPACE, find_evaluation
from linreg.results.run_results import NamedResults, RunResults


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the two runs, and where the page goes."""
    parser.add_argument(
        "first", metavar="RUN_A", help="run or revision, such as HEAD or an experiment's name"
    )
    parser.add_argument(
        "second",
        metavar="RUN_B",
        nargs="?",
        default=WORKSPACE,
        help="the other one (default: workspace)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("comparison.html"),
        metavar="FILE",
        help="where the page is written (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Print the differences and write the page."""
    with find_evaluation(args.first) as a, find_evaluation(args.second) as b:
        # Two runs may have the same name.
        names = [a.name, b.name] if a.name != b.name else [args.first, args.second]
        first = NamedResults(names[0], RunResults.read(a.folder))
        second = NamedResults(names[1], RunResults.read(b.folder))
    print("\n".join(comparison_lines(first, second)))
    write_text(args.output, comparison_page(first, second))
    print(f"page: {args.output}")
    return 0
