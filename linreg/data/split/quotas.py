"""Integers that add up: how many rows each part, shard or row group gets."""

from collections.abc import Sequence


def largest_remainder(num_rows: int, quotas: Sequence[int]) -> list[int]:
    """Divide rows in the proportion of `quotas` by the largest remainder method.

    `num_rows` is at most the sum of the quotas, and no quota is exceeded. A table whose row groups
    are divided one after another by what is left of the quotas therefore uses them up exactly,
    however long its row groups are.

    Source: the method of Hamilton (1792) for apportioning seats; ties go to the first.
    """
    total = sum(quotas)
    if total == 0:
        return [0] * len(quotas)
    shares = [divmod(num_rows * quota, total) for quota in quotas]
    counts = [whole for whole, _ in shares]
    by_remainder = sorted(range(len(quotas)), key=lambda k: (-shares[k][1], k))
    for k in by_remainder[: num_rows - sum(counts)]:
        counts[k] += 1
    return counts


def shard_sizes(num_rows: int, num_shards: int) -> list[int]:
    """Return the number of rows of each shard: equal to within one row, the longer ones first."""
    return [num_rows // num_shards + (shard < num_rows % num_shards) for shard in range(num_shards)]
