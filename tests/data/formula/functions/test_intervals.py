from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from linreg.data.formula.functions.intervals import (
    Cut,
    EqualWidths,
    interval_labels,
    interval_numbers,
)
from tests.data.formula.functions.learned import learn

BREAKS = (-1.0, 0.0, 2.5, 10.0)
VALUES = np.array([-2.0, -1.0, -0.5, 0.0, 1.0, 2.5, 9.0, 10.0, 11.0])


@pytest.mark.parametrize("right", [True, False])
def test_intervals_are_those_of_pandas(right: bool) -> None:
    theirs = pd.cut(VALUES, list(BREAKS), right=right, labels=False)
    found = interval_numbers(VALUES, BREAKS, Cut(BREAKS, right))
    assert np.array_equal(found, np.nan_to_num(theirs, nan=-1))
    lowest = pd.cut(VALUES, list(BREAKS), right=right, labels=False, include_lowest=True)
    found = interval_numbers(VALUES, BREAKS, Cut(BREAKS, right, include_lowest=True))
    # R takes the highest value where intervals hold their left end; pandas only the lowest.
    expected = np.nan_to_num(lowest, nan=-1)
    expected[(-1.0 if right else 10.0) == VALUES] = 0 if right else 2
    assert np.array_equal(found, expected)


def test_labels_are_those_that_r_prints() -> None:
    """R: levels(cut(0:10, 5)), the example of ?cut; cut(c(-Inf, 0, Inf)) and its options."""
    x = np.arange(11.0)
    breaks = learn(EqualWidths("cut(x, 5)", 5), x)["breaks"]
    assert interval_labels(breaks, Cut(5)) == ["(-0.01,2]", "(2,4]", "(4,6]", "(6,8]", "(8,10]"]
    ends = (-np.inf, 0.0, np.inf)
    assert interval_labels(ends, Cut(ends)) == ["(-Inf,0]", "(0,Inf]"]
    assert interval_labels(ends, Cut(ends, right=False)) == ["[-Inf,0)", "[0,Inf)"]
    closed = interval_labels(BREAKS, Cut(BREAKS, include_lowest=True))
    assert closed == ["[-1,0]", "(0,2.5]", "(2.5,10]"]
    near = (1.0, 1.00001, 1.00002)
    assert interval_labels(near, Cut(near)) == ["(1,1.00001]", "(1.00001,1.00002]"]


def test_breaks_are_the_same_over_any_chunks_and_processes(
    together: Callable[..., list[Any]],
) -> None:
    x = np.random.default_rng(6).normal(size=100)
    alone = learn(EqualWidths("cut(x, 4)", 4), x)
    parts = (x[:0], x)
    found = together(2, lambda w: learn(EqualWidths("cut(x, 4)", 4), parts[w.rank], workers=w))
    assert found == [alone] * 2
    theirs = pd.cut(x, 4, retbins=True)[1]
    np.testing.assert_allclose(alone["breaks"][1:], [*theirs[1:-1], x.max() + np.ptp(x) / 1000])


def test_a_constant_is_cut_around_itself_as_in_r() -> None:
    """R: cut(rep(5, 3), 2) has the intervals (5,5] and (5,5], of 4.995, 5 and 5.005."""
    breaks = learn(EqualWidths("cut(x, 2)", 2), np.full(3, 5.0))["breaks"]
    np.testing.assert_allclose(breaks, [4.995, 5.0, 5.005], rtol=1e-15)
