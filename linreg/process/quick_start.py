"""How a process of ours starts and ends in less time: it is mostly imports.

The default pipeline starts five processes, and each would spend a fifth of its time on what is left
out here (medians of five, seconds of CPU time, generate and train):

    0.05, 0.3    at its end, searching everything that was imported for garbage
    0.04, 0.1    searching it while it is imported
    0.06, 0.06   threads of OpenBLAS, which numpy starts, and which nothing here uses
"""

import atexit
import gc
import os

OBJECTS_BETWEEN_SEARCHES = 10_000
"""New objects after which Python searches the newest for garbage; by default 700."""


def quick_start() -> None:
    """Set this up, before numpy is imported."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(OBJECTS_BETWEEN_SEARCHES)
    # What is frozen is not searched, also not when Python ends.
    atexit.register(gc.freeze)
