"""numpy's random permutations, three times as fast: they dominate an epoch of the compiled engine.

The algorithm is numpy's, on the same numbers of the same generator, so that both engines see the
same order: R. Durstenfeld's shuffle (Comm. ACM 7, 1964), with random numbers masked to the bits of
their bound and rejected beyond it. It is faster because no branch depends on a random number: a
rejected one swaps an element with itself.
"""

import numpy as np
from numpy.typing import NDArray

from linreg.fit.kernels import strict


def permutation(random: np.random.Generator, length: int) -> NDArray[np.int64]:
    """Return `random.permutation(length)`, bit for bit.

    `random` is a fresh PCG64 generator and must not be used afterwards.
    """
    order = np.arange(length)
    left = length - 1
    while left > 0:
        # A number of 32 bits is rejected with a probability of up to one half, 28 % on average, so
        # a row needs 0.69 numbers of 64 bits.
        raw = random.bit_generator.random_raw(left * 18 // 25 + 32)
        left = _swap(order, raw.view(np.uint32), left)
    return order


@strict
def _swap(order: NDArray[np.int64], numbers: NDArray[np.uint32], left: int) -> int:
    """Swap the elements from `left` down to 1 with random earlier ones.

    Returns where the numbers ran out, 0 when all elements have been swapped.
    """
    mask = 1
    while mask < left:
        mask = 2 * mask + 1
    for number in numbers:
        chosen = int(number) & mask
        fits = chosen <= left
        other = chosen if fits else left
        order[left], order[other] = order[other], order[left]
        left -= fits
        if left <= mask >> 1:
            mask >>= 1
            if left == 0:
                break
    return left
