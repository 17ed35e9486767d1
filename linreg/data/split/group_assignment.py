"""Whole groups of rows assigned to parts at random, so that the parts have the sizes asked for."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from linreg.data.split.random_assignment import Labels


def assign_groups(
    group_sizes: NDArray[np.int64], part_sizes: Sequence[int], random: np.random.Generator
) -> Labels:
    """Return the part of each group (k,), for the number of rows of each group and of each part.

    The largest groups come first, those of equal size in a random order, so that small ones fill
    what large ones leave. A group goes to one of the parts that have room for it, with a chance in
    proportion to their room; without such a part, to the one that lacks most. The last groups go to
    parts that have none yet. Groups of equal size are thus drawn without replacement.
    """
    order = random.permutation(len(group_sizes))
    order = order[np.argsort(-group_sizes[order], kind="stable")]
    draws = random.random(len(order)).tolist()
    parts = [part for part, size in enumerate(part_sizes) if size > 0]
    lacking = list(part_sizes)
    part_of_group = np.empty(len(order), np.int16)
    empty = set(parts)
    for index, (group, draw) in enumerate(zip(order.tolist(), draws, strict=True)):
        size = int(group_sizes[group])
        if len(order) - index <= len(empty):
            part = max(sorted(empty), key=lacking.__getitem__)
        else:
            part = _part_with_room(size, parts, lacking, draw)
        part_of_group[group] = part
        lacking[part] -= size
        empty.discard(part)
    return part_of_group


def _part_with_room(size: int, parts: Sequence[int], lacking: Sequence[int], draw: float) -> int:
    with_room = [part for part in parts if lacking[part] >= size]
    if not with_room:
        return max(parts, key=lacking.__getitem__)
    left = draw * sum(lacking[part] for part in with_room)
    for part in with_room:
        left -= lacking[part]
        if left < 0:
            return part
    return with_room[-1]
