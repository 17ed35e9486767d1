"""The moments of folds: those of their rows, from a pass that changes no bit of the total."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.data.formula.design import Design
from linreg.data.formula.design_spec import design_spec
from linreg.data.formula.formula import parse_formula
from linreg.data.rows import Rows
from linreg.data.split.folds import Folds, FoldsByRow, FoldsByValue
from linreg.fit.cross_validation.fold_moments import FoldMoments, fold_moments
from linreg.fit.cross_validation.held_out_error import total_sum_of_squares
from linreg.fit.exact.moment_sums.moments import Moments
from linreg.fit.exact.reference import compute_moments
from linreg.process.workers import ALONE, Workers
from tests.fit.level_shards import compact_and_dense, drawn

NUM_ROWS = 61_003
"""More than the rows of a block (8192) for each of three shards and four folds."""
RANDOM = np.random.default_rng(7)
X = 100 + RANDOM.normal(size=(NUM_ROWS, 3))
Y = X.sum(axis=1) + RANDOM.normal(size=NUM_ROWS)
W = RANDOM.uniform(0.0, 2.0, NUM_ROWS).round()
Shards = Callable[..., list[Rows]]


def by_row(shards: list[Rows], count: int = 4) -> Folds:
    return FoldsByRow(count, "row", [rows.num_rows for rows in shards])


def by_value(column: str, values: list[Any], folds: list[int]) -> Folds:
    return FoldsByValue(max(folds), f"group:{column}", pa.array(values), np.array(folds))


def everything(found: FoldMoments) -> Floats:
    moments = (found.total, *found.blocks, *found.targets)
    return np.concatenate([each.as_array() for each in moments])


def of_rows(rows: NDArray[Any], w: Floats | None = None) -> Moments:
    moments = Moments.zero(3, NUM_ROWS)
    moments.add(X[rows], Y[rows], None if w is None else w[rows])
    return moments


def assert_close(found: Moments, expected: Moments, bits: int = 100) -> None:
    """Measured: 2^-104 of the lengths of the columns."""
    assert (found.num_rows, found.num_weighted) == (expected.num_rows, expected.num_weighted)
    for i, row in enumerate(expected.gram().rows):
        for j in range(len(row)):
            value = expected.gram().entry(i, j)
            size = Fraction(np.sqrt(expected.rounded()[i, i] * expected.rounded()[j, j]))
            assert abs(found.gram().entry(i, j) - value) <= size / 2**bits


@pytest.mark.slow
@pytest.mark.parametrize("weighted", [False, True])
def test_the_total_is_that_without_folds_and_no_bit_depends_on_workers_or_chunks(
    shards_of: Shards, together: Callable[..., list[Any]], weighted: bool
) -> None:
    w = W if weighted else None
    shards = shards_of(X, Y, 3, w=w)
    found = fold_moments(shards, by_row(shards))
    total = compute_moments(shards, 3)
    np.testing.assert_array_equal(found.total.as_array(), total.as_array())
    ends = np.cumsum([0, 15251, 15251, 15251, 15250])
    for block, (first, end) in zip(found.blocks, pairwise(ends.tolist()), strict=True):
        assert isinstance(block, Moments)
        assert_close(block, of_rows(np.arange(first, end), w))

    def work(workers: Workers) -> Floats:
        return everything(fold_moments(shards, by_row(shards), workers))

    in_short_chunks = shards_of(X, Y, 3, rows_per_group=1000, w=w)
    others = [
        *together(3, work),
        everything(fold_moments(in_short_chunks, by_row(in_short_chunks))),
    ]
    for other in others:
        np.testing.assert_array_equal(other, everything(found))


@pytest.mark.slow
def test_folds_by_group_are_those_of_their_rows_and_leave_the_total_as_it_is(
    shards_of: Shards, together: Callable[..., list[Any]]
) -> None:
    group = RANDOM.integers(0, 9, NUM_ROWS).astype(float)
    columns = np.column_stack([group, X[:, 1:]])
    shards = shards_of(columns, Y, 3, rows_per_group=5000)
    folds = by_value("x1", [float(each) for each in range(9)], [1, 2, 3, 1, 2, 3, 1, 1, 1])
    found = fold_moments(shards, folds)
    total = compute_moments(shards, 3)
    np.testing.assert_array_equal(found.total.as_array(), total.as_array())
    for number, block in enumerate(found.blocks, start=1):
        rows = np.isin(group, np.flatnonzero(np.array([1, 2, 3, 1, 2, 3, 1, 1, 1]) == number))
        expected = Moments.zero(3, NUM_ROWS)
        expected.add(columns[rows], Y[rows])
        assert isinstance(block, Moments)
        assert_close(block, expected)
    both = together(2, lambda workers: everything(fold_moments(shards, folds, workers)))
    for other in both:
        np.testing.assert_array_equal(other, everything(found))


def test_targets_with_an_offset_are_summed_up_by_themselves(
    shards_of: Shards, together: Callable[..., list[Any]]
) -> None:
    offset = design_spec(parse_formula("y ~ x2 + offset(x1)", ["y", "x1", "x2"]))["offset"]
    group = RANDOM.integers(0, 9, NUM_ROWS).astype(float)
    shards = [
        Rows(rows.path, replace(rows.design, schema=replace(rows.design.schema, offset=offset)))
        for rows in shards_of(np.column_stack([group, X[:, 1:]]), Y, 3, rows_per_group=5000)
    ]
    by_group = by_value("x1", [float(each) for each in range(9)], [1, 2, 3, 1, 2, 3, 1, 2, 3])
    label = group.astype(int) % 3
    stretches = np.repeat(range(4), [15251, 15251, 15251, 15250])
    for folds, labels in ((by_group, label), (by_row(shards), stretches)):
        found = fold_moments(shards, folds)
        for fold in range(folds.count):
            of_fold = Y[labels == fold]
            tss = total_sum_of_squares(found.target(fold))
            np.testing.assert_allclose(float(tss), len(of_fold) * of_fold.var(), rtol=1e-12)
        both = together(2, lambda workers, of=folds: everything(fold_moments(shards, of, workers)))
        for other in both:
            np.testing.assert_array_equal(other, everything(found))


@pytest.mark.slow
def test_a_wide_design_shares_whole_tiles(shards_of: Shards) -> None:
    wide = RANDOM.normal(size=(9000, 130))
    y = wide[:, 0] + RANDOM.normal(size=9000)
    found = {}
    for length in (131_072, 700):
        shards = shards_of(wide, y, 1, rows_per_group=length)
        found[length] = fold_moments(shards, by_row(shards, 3))
    total = compute_moments(shards, 130)
    np.testing.assert_array_equal(found[700].total.as_array(), total.as_array())
    np.testing.assert_array_equal(everything(found[700]), everything(found[131_072]))
    expected = Moments.zero(130, 9000)
    expected.add(np.asfortranarray(wide[3000:6000]), y[3000:6000])
    middle = found[700].blocks[1]
    assert isinstance(middle, Moments)
    np.testing.assert_allclose(middle.rounded(), expected.rounded(), rtol=1e-15)


@pytest.mark.slow
def test_what_other_folds_scale_is_lost_to_no_fold(shards_of: Shards) -> None:
    """Without a scale of its own, the square of 1 would be 0 beside that of 1e200."""
    large = X.copy()
    large[: NUM_ROWS // 4, 1] *= 1e200
    shards = shards_of(large, Y)
    found = fold_moments(shards, by_row(shards))
    np.testing.assert_array_equal(found.total.as_array(), compute_moments(shards, 3).as_array())
    last = found.blocks[-1]
    assert isinstance(last, Moments)
    assert_close(last, of_rows(np.arange(NUM_ROWS - NUM_ROWS // 4, NUM_ROWS)))
    rest = found.trained_on(0)
    assert isinstance(rest, Moments)
    assert_close(rest, of_rows(np.arange(NUM_ROWS // 4 + 1, NUM_ROWS)))


@pytest.mark.slow
@pytest.mark.parametrize("weighted", [False, True])
def test_categories_by_level_have_the_moments_of_the_folds_too(
    tmp_path: Path, learn: Callable[..., Design], weighted: bool
) -> None:
    compact, dense = compact_and_dense(
        tmp_path, learn, drawn(), num_shards=2, rows_per_group=100, weighted=weighted
    )
    levels = [f"h{level:02d}" for level in range(40)]
    of_h = by_value("h", levels, [1 + k % 3 for k in range(40)])
    for folds in (by_row(compact, 3), of_h):
        found, expected = (fold_moments(each, folds, ALONE) for each in (compact, dense))
        total = compute_moments(compact, dense[0].layout.num_features)
        np.testing.assert_array_equal(found.total.as_array(), total.as_array())
        for ours, theirs in zip(found.blocks, expected.blocks, strict=True):
            one, other = (each.gram() for each in (ours, theirs))
            np.testing.assert_array_equal(one.exponents, other.exponents)
            # The low parts differ by what is beyond 2^-102 of the high ones.
            np.testing.assert_allclose(one.double_doubles, other.double_doubles, atol=2.0**-100)
