"""Whether aarch64 gives the bytes of x86-64, in a list of configurations; `make test-arm`.

    python -m tests.architectures [NAME ...]                    # on x86-64: aarch64 is emulated
    python -m tests.architectures --save FOLDER [NAME ...]      # run here, and keep the outputs
    python -m tests.architectures --expected FOLDER [NAME ...]  # on aarch64, without emulation

Without options, every configuration runs here and on two emulated CPUs, which the script
build_emulator.sh makes: a Neoverse N1, and one with SVE. The outputs stay in .linreg/aarch64. Exit
code 1 when a file differs, 2 when a configuration could not be run.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.architectures.compare import report
from tests.architectures.configurations import CONFIGURATIONS
from tests.project import ROOT, copy_of_the_project

FOLDER = ROOT / ".linreg/aarch64"
CPUS = ("neoverse-n1", "max")
"""QEMU's names of the CPUs: without SVE, and with all that QEMU can emulate."""


def main() -> int:
    """Run, compare, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.architectures")
    parser.add_argument("names", nargs="*", metavar="NAME", help="configurations; all by default")
    parser.add_argument("--save", type=Path, metavar="FOLDER", help="run here and keep the outputs")
    parser.add_argument(
        "--expected", type=Path, metavar="FOLDER", help="run here, compare with what was saved"
    )
    arguments = parser.parse_args()
    names = arguments.names or list(CONFIGURATIONS)
    if unknown := set(names) - set(CONFIGURATIONS):
        parser.error(f"no such configuration: {', '.join(sorted(unknown))}")
    here = platform.machine()
    if arguments.save or arguments.expected:
        outputs = (arguments.save or FOLDER / "outputs" / here).resolve()
        ran = [_run(here, Path(sys.executable), outputs, names)]
        same = [arguments.save or _compare(here, arguments.expected, outputs, names)]
    elif here == "aarch64":
        parser.error("on aarch64, --expected names what `--save FOLDER` has saved on x86-64")
    else:
        ran, same = _run_emulated(here, names)
    return 2 if not all(ran) else 0 if all(same) else 1


def _run_emulated(here: str, names: Sequence[str]) -> tuple[list[bool], list[bool]]:
    """Run here and on each emulated CPU; tells which could be run, and which gave the same."""
    pythons = {here: Path(sys.executable)} | {cpu: FOLDER / cpu / "python" for cpu in CPUS}
    outputs = FOLDER / "outputs"
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = [
            pool.submit(_run, label, python, outputs / label, names)
            for label, python in pythons.items()
        ]
    same = [_compare(cpu, outputs / here, outputs / cpu, names) for cpu in CPUS]
    return [run.result() for run in runs], same


_copying = threading.Lock()


def _run(label: str, python: Path, outputs: Path, names: Sequence[str]) -> bool:
    """Run configurations by a Python, in a copy of the project; tells whether all could be run."""
    start = time.monotonic()
    for name in names:
        # What an earlier run has left is not compared.
        shutil.rmtree(outputs / name, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="linreg-") as scratch:
        with _copying:
            project = copy_of_the_project(Path(scratch), sends=False)
        command = [str(python), "-m", "tests.architectures.run", str(outputs), *names]
        environment = {**project.environment(), "PYTHONPATH": scratch}
        with subprocess.Popen(
            command, cwd=scratch, env=environment, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                print(f"{label}: {line}", end="", flush=True)
    print(f"{label}: {(time.monotonic() - start) / 60:.1f} minutes", flush=True)
    return process.returncode == 0


def _compare(label: str, expected: Path, found: Path, names: Sequence[str]) -> bool:
    lines, same = report(expected, found, names)
    print(f"\n{label} compared with {expected.name}:", *lines, sep="\n", flush=True)
    return same


if __name__ == "__main__":
    sys.exit(main())
