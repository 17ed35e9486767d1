"""Run the stages in each configuration, by the Python that runs this, and keep their outputs.

    python -m tests.architectures.run FOLDER [NAME ...]

Its working directory is a project of its own, whose params.yaml and outputs it overwrites. What is
written to FOLDER/NAME/ is the stages' log and their outputs. Libraries are imported once; each
configuration is a fork.
"""

import argparse
import importlib
import os
import shutil
import sys
import time
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path

from linreg.params.edit import set_values
from linreg.params.file import PARAMS_FILE, load_params
from linreg.verify import run_stages
from tests.architectures.configurations import CONFIGURATIONS

OUTPUTS = ("data/raw", "data/ingested", "data/split", "models")
LOG = "log.txt"
STAGES = ("generate", "ingest", "split", "train", "evaluate")


def main() -> int:
    """Run all configurations, also after one that fails; 1 when one has."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    for stage in STAGES:
        importlib.import_module(f"stages.{stage}")
    original = PARAMS_FILE.read_bytes()
    failed = []
    for name in arguments.names or CONFIGURATIONS:
        PARAMS_FILE.write_bytes(original)
        start = time.monotonic()
        code = _run(name, folder / name)
        outcome = "FAILED" if code else "ran"
        print(f"{name}: {outcome}, {time.monotonic() - start:.0f} s", flush=True)
        if code:
            failed.append(name)
            print((folder / name / LOG).read_text(), end="", flush=True)
    PARAMS_FILE.write_bytes(original)
    return 1 if failed else 0


def _run(name: str, folder: Path) -> int:
    """Run one configuration and move its outputs to a folder; returns the exit code."""
    for old in (folder, Path(".linreg/checkpoints"), *map(Path, OUTPUTS)):
        shutil.rmtree(old, ignore_errors=True)
    folder.mkdir(parents=True)
    load_params(changes=CONFIGURATIONS[name])
    set_values(PARAMS_FILE, CONFIGURATIONS[name])
    has_table = "ingest.source" in CONFIGURATIONS[name]
    stages = STAGES[1:] if has_table else STAGES
    process = get_context("fork").Process(target=_run_stages, args=(stages, folder / LOG))
    process.start()
    process.join()
    for output in filter(Path.exists, map(Path, OUTPUTS)):
        shutil.move(output, folder / output)
    return process.exitcode or 0


def _run_stages(stages: Sequence[str], log: Path) -> None:
    """Run stages in this process, which ends with them and prints into a file."""
    with log.open("w") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
    # Nothing is sent to MLflow.
    os.environ |= {run_stages.STAGES: " ".join(stages), "LINREG_SYNC": "later"}
    run_stages.main()


if __name__ == "__main__":
    sys.exit(main())
