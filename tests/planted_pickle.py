"""A pickle to be planted where files are read: whoever loads it leaves a file `marker` in the
working directory.
"""

import os
import pickle
from typing import Any


class Mark:
    """Unpickled, it leaves its mark."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("touch marker",)


PICKLE = pickle.dumps(Mark())
