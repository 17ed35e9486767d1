"""Bring the files that `linreg init` wrote up to the installed version of linreg.

A file that nobody changed is replaced, and a changed one is merged. Where linreg's change and yours
are in the same lines the file stays as it is, linreg's change is printed, and the exit code is 1.
params.yaml keeps its values and comments and gets the keys that are new. Afterwards `dvc repro`
runs the stages again of which any code has changed.
"""

import argparse
from pathlib import Path

from linreg import __version__
from linreg.new_project.upgrade import upgrade_project


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Declare the command's options: there are none."""


def run(_args: argparse.Namespace) -> int:
    """Renew the files, and say what became of each."""
    before, changes = upgrade_project(Path())
    print(f"linreg upgrade: from {before} to {__version__}")
    for change in changes:
        print(f"  {change.name}: {change.outcome}")
        for line in change.difference:
            print(f"    {line}")
    if not changes:
        print("  all files are up to date")
    return 1 if any(change.difference for change in changes) else 0
