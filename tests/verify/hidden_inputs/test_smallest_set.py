"""The smallest set with a property: none of its items can be left out, and few tries find it."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from linreg.verify.hidden_inputs.smallest_set import smallest_set


@pytest.mark.parametrize("seed", range(50))
def test_none_of_the_items_can_be_left_out(seed: int) -> None:
    generator = np.random.default_rng(seed)
    n = int(generator.integers(1, 41))
    sufficient = [
        frozenset(generator.choice(n, generator.integers(1, min(n, 5) + 1), replace=False).tolist())
        for _ in range(3)
    ]
    tries = 0

    def holds(items: Sequence[int]) -> bool:
        nonlocal tries
        tries += 1
        return any(each <= set(items) for each in sufficient)

    found = smallest_set(range(n), holds)
    assert found is not None
    k = len(found)
    assert tries <= 2 + 2 * k * math.log2(max(2, n / k)) + 4 * k
    assert holds(found)
    assert not any(holds([each for each in found if each != left_out]) for left_out in found)


def test_it_is_empty_where_nothing_is_needed_and_none_where_all_is_not_enough() -> None:
    assert smallest_set("abc", lambda _: True) == []
    assert smallest_set("abc", lambda _: False) is None
    assert smallest_set("", lambda _: False) is None
