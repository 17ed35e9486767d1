"""Set up the pipeline in a folder: an empty one, a git repository, or a folder in one.

Written are params.yaml, dvc.yaml, the scripts of the stages (which are yours from then on), a test,
a workflow for CI, requirements.lock with the versions that are installed, and what git and DVC are
to know; nothing is overwritten. With --data this goes on as `linreg use`, which checks the table
and sets up params.yaml for it; its other options are those of `linreg use`. Afterwards `dvc repro`
fits the model, and `linreg verify` runs everything again to see that every byte is the same.
"""

import argparse
import os
import shlex
from pathlib import Path

from linreg.commands import use
from linreg.errors import UserError
from linreg.new_project.create import create_project
from linreg.params.fetch import path_or_address


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "folder",
        type=Path,
        nargs="?",
        default=Path(),
        metavar="FOLDER",
        help="where the pipeline is to be; by default here",
    )
    parser.add_argument(
        "--data",
        type=path_or_address,
        dest="file",
        metavar="FILE",
        help="a table, as for `linreg use`; one outside of FOLDER is copied into data/own/ there",
    )
    use.add_options(parser)
    # Nothing can be proposed for a table without the files of the project.
    parser.set_defaults(dry_run=False)


def run(args: argparse.Namespace) -> int:
    """Write the files, and say what was done and what comes next."""
    folder: Path = args.folder
    if args.file is None and args.target is not None:
        raise UserError("--target", "needs a table", todo="name it with --data FILE")
    if isinstance(args.file, Path) and not args.file.exists():
        raise UserError(args.file, "there is no such file or folder", todo="check the path")
    created = create_project(folder)
    print(f"linreg init: the pipeline is in {folder.resolve()}")
    for line in created.done:
        print(f"  {line}")
    for name in created.written:
        print(f"  {name}")
    for name in created.kept:
        print(f"  {name}: was here already, and is left as it is")
    steps = ["dvc repro", "git add --all && git commit", "linreg verify"]
    if folder.resolve() != Path.cwd():
        steps.insert(0, f"cd {shlex.quote(str(folder))}")
    for line in created.todo:
        print(f"To do: {line}")
    if args.file is not None:
        _use_table(args, folder)
    print("\nThe steps from here:", *(f"  {step}" for step in steps), sep="\n")
    return 0


def _use_table(args: argparse.Namespace, folder: Path) -> None:
    """Set the project up for a table, as `linreg use` does there."""
    if isinstance(args.file, Path):
        table, project = args.file.resolve(), folder.resolve()
        # A database is not copied: the stage `fetch` reads it.
        args.copy |= not (table.is_relative_to(project) or args.sql)
        args.file = Path(os.path.relpath(table, project))
    os.chdir(folder)
    print()
    use.run(args)
