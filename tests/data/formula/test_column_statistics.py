"""Statistics of the training rows: right to the last bit, and the same from several processes."""

import json
from collections.abc import Sequence
from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.data.formula.column_statistics import ColumnStatistics, RunningStatistics

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def column(cells: Sequence[object], type_: pa.DataType) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(cells, type_)])


def statistics_of_numbers(*tables: Sequence[float | None]) -> RunningStatistics:
    statistics = RunningStatistics(is_number=True, is_category=False)
    for cells in tables:
        statistics.update(column(cells, pa.float64()))
    return statistics


@pytest.mark.parametrize(
    "cells",
    [
        [1.7e308, 1.7e308, 1.7e308],
        [-1.7e308, -1.7e308, -1.6e308, 1.0],
        [1.7e308, 1.7e308, -1.7e308, -1.7e308],
        [1.7e308],
        [1.7e308] * 1000,
    ],
)
def test_the_mean_is_exact_where_the_sum_overflows(cells: list[float]) -> None:
    expected = float(sum(map(Fraction, cells)) / len(cells))
    assert statistics_of_numbers(cells).result().mean == pytest.approx(expected, rel=1e-15)


@given(st.lists(FINITE, min_size=1, max_size=20))
def test_mean_and_range_are_those_of_the_cells(cells: list[float]) -> None:
    found = statistics_of_numbers(cells).result()
    assert (found.min, found.max) == (min(cells), max(cells))
    size = max(map(abs, cells))
    assert found.mean == pytest.approx(
        float(sum(map(Fraction, cells)) / len(cells)), abs=1e-15 * size * len(cells)
    )


@given(st.lists(st.lists(st.none() | st.floats(-1e6, 1e6), max_size=5), min_size=1, max_size=4))
def test_merged_statistics_are_those_of_one_process(tables: list[list[float | None]]) -> None:
    merged = statistics_of_numbers()
    for cells in tables:
        data = json.loads(json.dumps(statistics_of_numbers(cells).as_data()))
        merged.merge(data)
    assert merged.result() == statistics_of_numbers(*tables).result()


def test_levels_of_several_processes_are_merged_and_sorted() -> None:
    merged = RunningStatistics(is_number=False, is_category=True)
    for cells in (["b", None], ["a", "b"]):
        statistics = RunningStatistics(is_number=False, is_category=True)
        statistics.update(column(cells, pa.string()))
        merged.merge(statistics.as_data())
    assert merged.result() == ColumnStatistics(("a", "b"), None, None, None)


def test_a_column_of_missing_numbers_has_neither_mean_nor_range() -> None:
    found = statistics_of_numbers([None, None], []).result()
    assert found == ColumnStatistics(None, None, None, None)


def statistics_of_levels(levels: Sequence[str]) -> RunningStatistics:
    statistics = RunningStatistics(is_number=False, is_category=True)
    statistics.update(pa.chunked_array([list(levels)]))
    return statistics


def test_levels_that_occur_less_often_are_pooled() -> None:
    statistics = statistics_of_levels("aaabbc")
    for pool, levels, other in (
        (0, ("a", "b", "c"), None),
        (1, ("a", "b", "c"), None),
        (2, ("a", "b"), "(other)"),
        (3, ("a",), "(other)"),
    ):
        found = statistics.result(pool)
        assert (found.levels, found.other) == (levels, other)
    assert statistics.result(3, ["c"]).levels == ("a", "c")


def test_occurrences_in_several_processes_add_up() -> None:
    merged = RunningStatistics(is_number=False, is_category=True)
    for levels in ("ab", "ac"):
        merged.merge(json.loads(json.dumps(statistics_of_levels(levels).as_data())))
    assert merged.result(2).levels == ("a",)


def test_pooled_levels_have_a_name_of_their_own() -> None:
    statistics = statistics_of_levels(["(other)", "(other)", "((other))", "((other))", "x"])
    assert statistics.result(2).other == "(((other)))"


def test_statistics_of_models_from_before_levels_were_pooled_are_read() -> None:
    data = {"levels": ["a"], "mean": None, "min": None, "max": None}
    assert ColumnStatistics.from_data(data) == ColumnStatistics(("a",), None, None, None)
