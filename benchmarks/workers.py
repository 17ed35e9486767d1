"""The gain from a second process: rows per second of each stage with one and two processes.

Every stage runs on a short and on a long table. The difference of the times is the work without
what does not depend on the rows, such as loading kernels; starting up and MLflow are not measured
at all (`benchmarks.timed_stage`). One process prefetches in a thread and so uses both cores; it is
also measured on one core.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.compare import Ratio, ratio_of
from linreg.params.edit import set_values
from linreg.params.file import PARAMS_FILE

PROJECT = Path(__file__).resolve().parents[1]
STAGES = ("generate", "split", "train exact", "train B=256", "train B=32", "evaluate")
BAR = 1.6


def compare(num_rows: int, turns: int) -> Iterator[Ratio]:
    """Compare two processes with one on one core, and with one on both."""
    with tempfile.TemporaryDirectory() as folder:
        short, long = (
            _project(Path(folder) / str(rows), rows) for rows in (num_rows // 10, num_rows)
        )
        for stage in STAGES:
            found: dict[str, list[float]] = {"two": [], "one core": [], "one process": []}
            for _ in range(turns):
                for how, times in found.items():
                    times.append(_run(long, stage, how))
            for how, times in found.items():
                overhead = statistics.median(_run(short, stage, how) for _ in range(turns))
                found[how] = [each - overhead for each in times]
            for how in ("one core", "one process"):
                yield ratio_of(
                    f"{stage}, 2 workers",
                    2,
                    how,
                    (found["two"], found[how]),
                    num_rows * 9 // 10,
                    bar=BAR,
                )


def copy_of_the_pipeline(folder: Path) -> Path:
    """Copy what the stages need to run: themselves, the library, the parameters."""
    folder.mkdir()
    for name in ("stages", "linreg", "dvc.yaml", "params.yaml", "requirements.lock"):
        source = PROJECT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder)
    return folder


def _project(folder: Path, rows: int) -> Path:
    """Copy the pipeline and run it once, which compiles the kernels and writes all inputs."""
    copy_of_the_pipeline(folder)
    parameters = {
        "generate.rows": rows,
        "split.shards": 2,
        "train.epochs": 1,
        "train.engine": "compiled",
    }
    set_values(folder / PARAMS_FILE, parameters)
    for stage in ("generate", "ingest", *STAGES[1:]):
        _run(folder, stage, "one process")
    return folder


def _run(folder: Path, stage: str, how: str) -> float:
    name, _, kind = stage.partition(" ")
    if name == "train":
        size = kind.partition("=")[2]
        parameters = {
            "train.solver": "sgd" if size else "exact",
            "train.batch_size": int(size or 256),
        }
        set_values(folder / PARAMS_FILE, parameters)
    if name == "ingest":
        # It runs in one process only, and is not measured.
        subprocess.run(
            [sys.executable, "-m", "stages.ingest"], cwd=folder, check=True, capture_output=True
        )
        return 0.0
    command = ["-m", "benchmarks.timed_stage", name]
    starts = {
        "two": [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            "--nproc-per-node=2",
        ],
        "one core": ["taskset", "-c", "0", sys.executable],
        "one process": [sys.executable],
    }
    environment = os.environ | {
        "PYTHONPATH": f"{folder}{os.pathsep}{PROJECT}",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [*starts[how], *command],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout.rpartition("seconds:")[2])
