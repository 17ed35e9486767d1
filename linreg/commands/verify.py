"""Run all stages again in a clone of this commit, and compare every output with dvc.lock.

No cache is used. Where no commit has dvc.lock yet, the files in the working tree are verified. The
exit code is 0 when every byte is the same, 1 when something differs, 2 when a stage could not be
run.
"""

import argparse
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from linreg.dvc_lock import DVC_LOCK, LockedPath, locked_inputs, locked_outputs
from linreg.errors import UserError
from linreg.files import size_of
from linreg.git import MOST_BYTES_FOR_GIT, git, is_committed
from linreg.merging.conflicts import require_no_conflicts
from linreg.plain_yaml import read_yaml
from linreg.table_tracking import is_in_git
from linreg.text import table
from linreg.verify.checkout import Checkout, checkout
from linreg.verify.matrix import Configuration, ConfigurationResult, configurations, run_matrix
from linreg.verify.outputs import OutputComparison, compare_outputs
from linreg.verify.working_tree import SUBJECT, commit_of_working_tree

MOST_FILES = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--quick", action="store_true", help="run the stages once (the default)")
    how.add_argument(
        "--matrix",
        action="store_true",
        help="run them with 1, 2 and 4 workers, 1 and 2 threads, and as on older CPUs",
    )
    parser.add_argument(
        "-S",
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="changes",
        help="change a parameter, such as split.shards=8; the first run is then what the others "
        "are compared with",
    )


def run(args: argparse.Namespace) -> int:
    """Print what was compared, and whether it is the same."""
    start = time.monotonic()
    require_no_conflicts(Path(), ("dvc.lock", "dvc.yaml", "params.yaml"))
    changes = dict(_change(text) for text in args.changes)
    # Says why there is no repository, where git refuses the folder.
    git("rev-parse", "--show-toplevel")
    # A new project can be verified before its first commit.
    is_new = not is_committed(DVC_LOCK.name)
    commit = commit_of_working_tree(_large_untracked_inputs()) if is_new else "HEAD"
    with checkout(commit) as project:
        _print_description(project)
        if changes:
            project.set_parameters(changes)
        if not args.matrix and not changes:
            same = _run_once(project)
        else:
            matrix = configurations() if args.matrix else [Configuration(), Configuration()]
            same = _run_matrix(project, matrix, None if changes else locked_outputs(project.folder))
    result = "every byte is the same" if same else "NOT the same"
    print(f"\nverify: {result}; {time.monotonic() - start:.0f} s")
    return 0 if same else 1


def _large_untracked_inputs() -> list[str]:
    """Return the large inputs that git does not track, such as a table; they are copied."""
    return [
        each.path
        for each in locked_inputs(Path())
        if size_of(Path(each.path)) > MOST_BYTES_FOR_GIT and not is_in_git(Path(each.path))
    ]


def _run_once(project: Checkout) -> bool:
    # Read first: `dvc repro` writes the hashes that it finds into the clone's dvc.lock.
    expected = locked_outputs(project.folder)
    project.reproduce()
    comparisons = compare_outputs(project, expected, Path.cwd())
    print("\n".join(["", *table([_row(each) for each in comparisons])]))
    differences = [each.difference for each in comparisons if not each.same]
    if differences:
        print("\n".join(["", "first differences:", *(f"  {each}" for each in differences)]))
    return not differences


def _row(comparison: OutputComparison) -> tuple[str, ...]:
    expected = comparison.expected
    result = "same" if comparison.same else f"DIFFERENT: {comparison.found or 'absent'}"
    return expected.stage, expected.path, expected.md5[:10], result


def _run_matrix(
    project: Checkout, matrix: Iterable[Configuration], expected: list[LockedPath] | None
) -> bool:
    results = []
    for result in run_matrix(project, matrix, expected):
        print("\n".join(_lines(result)), flush=True)
        results.append(result)
    if any(result.error for result in results):
        raise UserError("verify", "not every configuration could be run", todo="see above")
    return all(each.same for result in results for each in result.comparisons or ())


def _lines(result: ConfigurationResult) -> list[str]:
    if result.error:
        return [f"{result.configuration}: COULD NOT BE RUN: {result.error}"]
    if result.comparisons is None:
        outcome, differences = "the reference for the others", []
    else:
        differences = [f"  {each.difference}" for each in result.comparisons if not each.same]
        outcome = "DIFFERENT" if differences else "same"
    return [f"{result.configuration}: {outcome}, {result.seconds:.0f} s", *differences]


def _print_description(project: Checkout) -> None:
    print("\n".join(project.description()), flush=True)
    # Not the rest of a larger repository.
    status = git("-c", "core.quotePath=false", "status", "--porcelain", "--", ".").splitlines()
    copied = {f"?? {each.path}" for each in project.copied_inputs}
    changed = [line for line in status if line not in copied]
    if changed and project.subject != SUBJECT:
        print(f"uncommitted changes are not verified: {_first_files(changed)}")
    for path in project.changed_inputs():
        print(f"{path}: changed since dvc.lock was written; run `dvc repro` and commit dvc.lock")


def _first_files(status: Sequence[str]) -> str:
    more = f" and {len(status) - MOST_FILES} more" if len(status) > MOST_FILES else ""
    return ", ".join(line[3:] for line in status[:MOST_FILES]) + more


def _change(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UserError("--set", "must be KEY=VALUE", found=text, todo="such as split.shards=8")
    return name, read_yaml(value, f"--set {name}")
