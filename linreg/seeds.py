"""Named random generators: one for each purpose, from seeds in params.yaml, none of them global."""

import numpy as np


def generator(seed: int, purpose: str, *indices: int) -> np.random.Generator:
    """Return the generator for a purpose, such as `generator(1, "noise", 3)` for chunk 3's noise.

    Streams of different purposes or indices are independent, so that drawing more numbers from one
    never shifts another. They are PCG64's; its normals and permutations are the same on every CPU.
    """
    key = (int.from_bytes(purpose.encode(), "big"), *indices)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
