"""Merge dvc.lock stage by stage, so that it records only what was really run.

What one side has changed, or both alike, is kept. A stage that no side has run with the inputs and
parameters that it has after the merge is left out, and named: `dvc repro` runs it. Git does this by
itself in a clone in which `linreg merge --install` was run once. Without that, run `linreg merge`
after a merge, rebase or cherry-pick that has left conflicts in dvc.lock.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from linreg.errors import UserError
from linreg.merging.after_conflict import merge_after_conflict
from linreg.merging.driver import merge_lock_files, require_output
from linreg.merging.install import ATTRIBUTES, FILES, configure_git, install_merge_driver
from linreg.merging.lock_entries import LOCK_NAME
from linreg.merging.merge_lock import MergedLock
from linreg.merging.merge_params import PARAMS_NAME, merge_params

NUM_FILES = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--install",
        action="store_true",
        help="have git call it: adds to .gitattributes and to the configuration of this clone",
    )
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="as git gives them: common ancestor, ours (which is replaced), theirs, path",
    )


def run(args: argparse.Namespace) -> int:
    """Return 0 when dvc.lock is merged, also where stages must run again; 1 for no merge."""
    if args.install:
        _install()
        return 0
    if args.files:
        if len(args.files) != NUM_FILES:
            what = "takes four files, as git gives them, or none"
            raise UserError("linreg merge", what, found=len(args.files))
        *files, path = map(Path, args.files)
        return _merge_for_git(files, path)
    return _merge_after_conflict()


def _merge_after_conflict() -> int:
    resolved = merge_after_conflict(Path())
    if resolved.params:
        print(f"{PARAMS_NAME}: merged, as no parameter was changed on both sides")
    if resolved.lock is None:
        if resolved.params:
            return 0
        print(f"nothing to merge: {LOCK_NAME} is not that of a merge", file=sys.stderr)
        return 1
    print("\n".join(_lines(LOCK_NAME, resolved.lock)))
    for path in resolved.outputs:
        print(f"{path}: the version that {LOCK_NAME} records, or ours if it has to be made again")
    return 0


def _merge_for_git(files: Sequence[Path], path: Path) -> int:
    """Merge one file; return 1 where a conflict is left in it."""
    if path.name == PARAMS_NAME:
        text, has_conflicts = merge_params(*(file.read_bytes() for file in files))
        files[1].write_bytes(text)
        return int(has_conflicts)
    if path.name == LOCK_NAME:
        # What `git merge-tree` prints on stdout is read by programs.
        print("\n".join(_lines(str(path), merge_lock_files(files, path))), file=sys.stderr)
    else:
        require_output(path)
    return 0


def _install() -> None:
    for name, value in configure_git(Path()).items():
        print(f"git config --local {name} {shlex.quote(value)}")
    advice = install_merge_driver(Path())
    print(f"{ATTRIBUTES}: has `merge=linreg` for {', '.join(FILES)}; commit it\n{advice}")


def _lines(path: str, merged: MergedLock) -> list[str]:
    lines = [
        f"{path}: merged; both sides have run {stage} with the same inputs and have other outputs: "
        "ours are kept"
        for stage in merged.unequal
    ]
    if not merged.left_out:
        return [*lines, f"{path}: merged; no stage has to run again"]
    names = ", ".join(merged.left_out)
    lines.append(f"{path}: merged; to run again: {names}. `dvc repro`, then commit {path}")
    lines += [f"  {stage}: {reason}" for stage, reason in merged.left_out.items()]
    if merged.behind:
        lines.append(f"  {', '.join(merged.behind)}: kept, if what they read turns out as recorded")
    return lines
