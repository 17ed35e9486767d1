"""Named random generators: one per purpose, all from the seeds in params.yaml, none of them
global.
"""

import numpy as np


def generator(seed: int, purpose: str, *indices: int) -> np.random.Generator:
    """Return the generator for one purpose, such as `generator(1, "noise", 3)` for the noise of
    chunk 3.

    Streams of different purposes or indices are independent, so that drawing more for one never
    shifts another. The numbers are PCG64's; those for normals and permutations are the same on
    every CPU.
    """
    key = (int.from_bytes(purpose.encode(), "big"), *indices)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
