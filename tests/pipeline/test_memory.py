"""Bigger than memory: what a stage takes at its peak is bounded, and does not grow with the
table.
"""

import re
import sys
from pathlib import Path

import pytest

from tests.project import copy_of_the_project

MOST_MEGABYTES = 700
MOST_GROWTH = 50
"""Megabytes between a table and one twice as long."""
STAGES = (
    "generate",
    "ingest",
    "split",
    "train exact",
    "train compiled",
    "train autograd",
    "evaluate",
)
PROGRAM = """
import atexit, runpy, sys
atexit.register(lambda: print(open("/proc/self/status").read()))
sys.argv = [sys.argv[1]]
runpy.run_module("stages." + sys.argv[0], run_name="__main__")
"""


def peaks(folder: Path, rows: int) -> dict[str, float]:
    """The peak of the resident memory of each stage, in megabytes."""
    project = copy_of_the_project(folder, sends=False)
    # Every part of the split is larger than what is kept of it in memory between passes.
    project.set_params(
        rows=rows, epochs=1, batch_size=65536, train=0.34, validation=0.33, test=0.33
    )
    found = {}
    for stage in STAGES:
        name, _, how = stage.partition(" ")
        if how:
            project.set_params(
                **({"solver": how} if how == "exact" else {"solver": "sgd", "engine": how})
            )
        said = project.run(sys.executable, "-c", PROGRAM, name).stdout
        peak = re.search(r"VmHWM:\s+(\d+) kB", said)
        assert peak is not None
        found[stage] = int(peak[1]) / 1024
    return found


@pytest.mark.very_slow
@pytest.mark.timeout(900)
def test_no_stage_takes_more_memory_for_a_longer_table(tmp_path: Path) -> None:
    (tmp_path / "short").mkdir()
    (tmp_path / "long").mkdir()
    short, long = peaks(tmp_path / "short", 14_000_000), peaks(tmp_path / "long", 28_000_000)
    for stage in STAGES:
        assert long[stage] < MOST_MEGABYTES, (stage, long)
        assert long[stage] < short[stage] + MOST_GROWTH, (stage, short, long)
