"""A machine without the memory for an exact solution is told so before any row is read."""

import re
from itertools import pairwise

import pytest

from linreg.data.formula.compact_matrix import AbsorbedFactor, Indicators, Layout
from linreg.errors import UserError
from linreg.fit.exact.moment_sums import memory
from linreg.fit.exact.moment_sums.memory import (
    available_bytes,
    needed_bytes,
    require_memory,
    seconds,
)

TOO_MANY = Layout(10_000_000)


def test_more_columns_than_memory_are_refused_in_one_line() -> None:
    with pytest.raises(UserError) as error:
        require_memory(TOO_MANY, 1000)
    assert re.fullmatch(
        r"the design matrix: has 10,000,000 columns, whose exact solution takes about 25000010 GB"
        r" of memory, and \d+ minutes; found \d+ GB available; take fewer columns, or a machine"
        r" with more memory",
        str(error.value),
    )


def test_as_many_levels_as_that_are_not_refused() -> None:
    """1,000,000 of them take 150 bytes for each other column."""
    layout = Layout(1_000_003, (Indicators(3, 1_000_000),))
    assert needed_bytes(layout, 10**6) < 1e9
    require_memory(layout, 10**9)


def test_a_machine_that_does_not_say_is_believed_to_have_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "available_bytes", lambda: 0)
    with pytest.raises(UserError, match="0 GB available"):
        require_memory(TOO_MANY, 1000)
    monkeypatch.setattr(memory, "available_bytes", lambda: None)
    require_memory(TOO_MANY, 1000)


def test_below_a_gigabyte_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_bytes", lambda: 0)
    require_memory(Layout(2000), 10**12)
    with pytest.raises(UserError, match="2,100 columns, whose exact solution takes about 1 GB"):
        require_memory(Layout(2100), 1000)


def test_more_columns_levels_and_rows_take_more() -> None:
    dense = [Layout(size) for size in (1, 10, 1000, 100_000)]
    levels = [Layout(10 + size, (Indicators(5, size),)) for size in (40, 1000, 100_000)]
    second = [
        Layout(1010 + size, (Indicators(5, size), Indicators(size + 5, 1000)))
        for size in (40, 1000, 100_000)
    ]
    for layouts in (dense, levels, second):
        for small, large in pairwise(layouts):
            assert needed_bytes(small, 10**6) < needed_bytes(large, 10**6)
            assert seconds(small, 1000) < seconds(large, 1000)
    for layout in (*dense, *levels, *second):
        assert seconds(layout, 10**5) < seconds(layout, 10**6)
    for of_levels, of_two in zip(levels, second, strict=True):
        assert needed_bytes(of_levels, 10**6) < needed_bytes(of_two, 10**6)


def test_the_memory_of_this_machine_is_known() -> None:
    found = available_bytes()
    assert found is not None
    assert 1 << 27 < found < 1 << 50


def test_two_factors_take_memory_for_their_pairs_of_levels() -> None:
    """Of 100,000 firms and 10,000 products: not 10⁹ pairs, but those that rows have."""
    sizes = (100_000, 10_000)
    categories = (Indicators(0, sizes[0]), Indicators(sizes[0], sizes[1]))
    absorbed = tuple(
        AbsorbedFactor(name, size, first, size)
        for name, (first, size) in zip("ab", categories, strict=True)
    )
    layout = Layout(110_002, categories, absorbed)
    assert 1e8 < needed_bytes(layout, 10**6) < 1e9
    assert needed_bytes(layout, 10**7) < 2e9
    require_memory(layout, 10**6)
