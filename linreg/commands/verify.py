"""Execute every stage again in a clone of this commit, without any cache, and compare every output
with dvc.lock.

The exit code is 0 only when every byte is the same, 1 when something differs, 2 when it could not
be executed.
"""

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from linreg.dvc_lock import LockedPath, locked_inputs, locked_outputs
from linreg.errors import UserError
from linreg.files import content_hash
from linreg.verify.clone import Checkout, checkout, git
from linreg.verify.fingerprint import fingerprint
from linreg.verify.matrix import Cell, cells
from linreg.verify.outputs import Compared, changed_files, compare

MOST_FILES = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--quick", action="store_true", help="execute once, as this machine does it (the default)"
    )
    how.add_argument(
        "--matrix",
        action="store_true",
        help="execute with 1, 2 and 4 workers, 1 and 2 threads, and as on other CPUs",
    )
    parser.add_argument(
        "-S",
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="changes",
        help="change a parameter, such as split.shards=8; the first execution is what the others are compared with",
    )


def run(args: argparse.Namespace) -> int:
    """Print what was compared and the verdict."""
    began = time.monotonic()
    changes = dict(_change(text) for text in args.changes)
    with checkout() as project:
        _say_what_is_verified(project)
        if changes:
            project.set_parameters(changes)
        verdict = _matrix(project, changes) if args.matrix else _once(project, changes)
    words = "every byte is the same" if verdict else "NOT the same"
    print(f"\nverify: {words}; {time.monotonic() - began:.0f} s")
    return 0 if verdict else 1


def _once(project: Checkout, changes: dict[str, Any]) -> bool:
    if changes:
        return _matrix_of([Cell(), Cell()], project)
    locked = locked_outputs(
        project.folder
        # before DVC writes what it finds into the clone's dvc.lock
    )
    project.execute()
    compared = compare(project, locked, Path.cwd())
    print("\n".join(table(compared)))
    return all(each.same for each in compared)


def _matrix(project: Checkout, changes: dict[str, Any]) -> bool:
    return _matrix_of(cells(), project, None if changes else locked_outputs(project.folder))


def _matrix_of(
    wanted: Iterable[Cell], project: Checkout, locked: Sequence[LockedPath] | None = None
) -> bool:
    """Execute all cells, whatever becomes of one, and print a line for each."""
    verdicts, could_run = [], True
    for cell in wanted:
        began = time.monotonic()
        try:
            project.execute_stages(cell.environment)
        except UserError as error:
            print(f"{cell}: COULD NOT RUN: {error}", flush=True)
            could_run = False
            continue
        if locked is None:
            found = project.outputs()
            locked = [
                LockedPath(each.stage, each.path, found[each.path])
                for each in locked_outputs(project.folder)
            ]
            print(
                f"{cell}: what the others are compared with, {time.monotonic() - began:.0f} s",
                flush=True,
            )
            continue
        compared = compare(project, locked, Path.cwd())
        different = [each for each in compared if not each.same]
        verdicts.append(not different)
        print(
            f"{cell}: {'DIFFERENT' if different else 'same'}, {time.monotonic() - began:.0f} s",
            flush=True,
        )
        print("".join(f"  {each.difference}\n" for each in different), end="")
    if not could_run:
        raise UserError("verify", "not every cell could be executed", todo="see above")
    return all(verdicts)


def table(compared: Sequence[Compared]) -> list[str]:
    """Return a line per output, and below them where each that differs does so first."""
    widths = [
        max(len(str(value)) for value in column)
        for column in zip(*((c.locked.stage, c.locked.path) for c in compared), strict=True)
    ]
    lines = [""]
    for each in compared:
        verdict = "same" if each.same else f"DIFFERENT: {each.found or 'nothing'}"
        lines.append(
            f"{each.locked.stage:{widths[0]}}  {each.locked.path:{widths[1]}}  {each.locked.md5[:10]}  {verdict}"
        )
    differences = [each.difference for each in compared if not each.same]
    return [
        *lines,
        *(["", "first differences:"] if differences else []),
        *(f"  {each}" for each in differences),
    ]


def _say_what_is_verified(project: Checkout) -> None:
    print(f"commit {project.commit[:10]}: {git('log', '-1', '--format=%s', project.commit)}")
    if changed := changed_files():
        more = f" and {len(changed) - MOST_FILES} more" if len(changed) > MOST_FILES else ""
        files = ", ".join(line[3:] for line in changed[:MOST_FILES])
        print(f"the working tree is dirty, and what is verified is the commit: {files}{more}")
    for each in project.brought:
        print(f"{each.path}: not in git, taken from here; its MD5 is that in dvc.lock")
    environment = fingerprint(project.folder / "requirements.lock")
    for each in locked_inputs(project.folder):
        if content_hash(project.folder / each.path) != each.md5:
            print(
                f"{each.path}: is not what it was when dvc.lock was written; run `dvc repro` and commit dvc.lock"
            )
    print("\n".join(environment.lines), flush=True)
    if not environment.matches:
        print("the environment is not the locked one, so that results may differ", file=sys.stderr)


def _change(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UserError("--set", "must be KEY=VALUE", found=text, todo="such as split.shards=8")
    try:
        return name, YAML(typ="safe", pure=True).load(value)
    except YAMLError as error:
        raise UserError(f"--set {name}", "is not valid YAML", found=error) from None
