"""What a process leaves out to start and end sooner."""

import subprocess
import sys

import pytest

from tests.fork_server import ROOT

PROGRAM = """
import atexit, gc, os, sys
# Called after the function that quick_start registers.
atexit.register(lambda: print(gc.get_freeze_count() > 10_000))
if sys.argv[1] == "quick":
    from linreg.process.quick_start import quick_start
    quick_start()
import numpy
print(len(os.listdir("/proc/self/task")))
"""


def run(how: str) -> list[str]:
    """Return the number of threads after numpy was imported, and whether nothing is searched at the
    end.
    """
    program = [sys.executable, "-c", PROGRAM, how]
    # In an environment in which OpenBLAS starts as many threads as there are processors.
    done = subprocess.run(program, cwd=ROOT, env={}, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_numpy_starts_no_threads_and_nothing_is_searched_for_garbage_at_the_end() -> None:
    assert run("quick") == ["1", "True"]
    assert run("as usual")[1] == "False"
