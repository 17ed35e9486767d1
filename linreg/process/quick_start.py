"""How a process of ours starts and ends in less time: most of what it does is to import libraries.

What is left out here, in seconds of CPU time of generate and of train:

    0.03, 0.3     at the end, searching everything that was imported for garbage
    0.05, 0.1     the same while it is imported
    0.07, 0.07    threads of OpenBLAS, which numpy starts and nothing here uses
    0.01, 0.01    looking for plug-ins of pydantic, which could change what parameters are valid
"""

import atexit
import gc
import os

OBJECTS_BETWEEN_SEARCHES = 10_000
"""New objects after which Python searches the newest for garbage; by default 700."""


def quick_start() -> None:
    """Set this up; to be called before numpy and pydantic are imported."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    gc.set_threshold(OBJECTS_BETWEEN_SEARCHES)
    # Frozen objects are not searched when Python ends.
    atexit.register(gc.freeze)
