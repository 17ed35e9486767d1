"""Write code.lock: which code and which libraries each stage runs.

`dvc repro` runs this first, by the stage `lock` in dvc.yaml. What each stage of dvc.yaml reaches
by its imports counts, in the project and in linreg: the content of these files, and the versions
of the libraries that they import. A stage whose entry has changed, because a file was edited or a
library upgraded, is run again by `dvc repro`; all others are not.
"""

import argparse

from linreg.code_lock.lock_file import current_code, differences, write_code_lock
from linreg.dvc_lock import recorded_code


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Declare the command's options: there are none."""


def run(_args: argparse.Namespace) -> int:
    """Write the file, and say what runs again and why."""
    codes = current_code()
    write_code_lock(codes)
    recorded = recorded_code()
    for name, code in codes.items():
        if name in recorded and (changed := differences(recorded[name], code)):
            print(f"lock: {name} runs again: {', '.join(changed)} changed")
    return 0
