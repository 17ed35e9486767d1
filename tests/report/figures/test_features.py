"""Histograms count every value; residuals are drawn where their rows are."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.data.formula.design import Design
from linreg.evaluation.predictions import PredictedRow
from linreg.report.figures.features import (
    MAX_BARS,
    MAX_FEATURES,
    MAX_LEVELS,
    feature_figure,
    histogram_figure,
    histogram_of,
    leading_features,
)
from tests.plotting.drawing import Drawing

Learn = Callable[..., Design]


def rows_with(**columns: list[object]) -> list[PredictedRow]:
    """Rows with these cells, whose residuals are 0, 1, 2, …."""
    return [
        PredictedRow((0, i), float(i), 0.0, float(i), dict(zip(columns, cells, strict=True)))
        for i, cells in enumerate(zip(*columns.values(), strict=True))
    ]


@given(st.lists(st.floats(-1e300, 1e300), min_size=2, max_size=200))
def test_every_value_is_in_a_bar_or_counted_as_beyond(values: list[float]) -> None:
    histogram = histogram_of(np.array(values))
    if histogram is None:
        return
    assert sum(histogram.counts) + histogram.num_beyond == len(values)
    assert len(histogram.counts) <= MAX_BARS + 2
    assert np.all(np.diff(histogram.edges) > 0)
    expected, _ = np.histogram(values, histogram.edges)
    assert histogram.counts == expected.tolist()


def test_one_value_far_away_does_not_squeeze_the_others_into_one_bar() -> None:
    values = np.append(np.random.default_rng(1).standard_normal(500), 1e9)
    histogram = histogram_of(values)
    assert histogram is not None
    assert histogram.num_beyond == 1
    assert sum(count > 0 for count in histogram.counts) > 8
    assert "1 beyond the edges" in str(histogram_figure(values, "x", "t"))


def test_whole_numbers_are_in_the_middle_of_their_bars() -> None:
    values = np.repeat([1.0, 2.0, 3.0, 4.0], [5, 1, 7, 2])
    histogram = histogram_of(values)
    assert histogram is not None
    assert histogram.edges[:5] == [0.5, 1.5, 2.5, 3.5, 4.5]
    assert histogram.counts[:4] == [5, 1, 7, 2]


@pytest.mark.parametrize("values", [[], [1.0], [2.0, 2.0], [np.nan, np.inf]])
def test_what_has_no_spread_has_no_histogram(values: list[float]) -> None:
    assert histogram_figure(np.array(values), "x", "t") is None


def test_residuals_are_over_the_cells_of_their_rows(learn: Learn) -> None:
    x: list[object] = [3.0, 1.5, None, 7.25]
    table = pa.table({"y": [1.0] * 4, "x": [3.0, 1.5, 2.0, 7.25]})
    drawing = Drawing(feature_figure("x", rows_with(x=x), learn("y ~ x", table)))
    assert drawing.dots("a small") == pytest.approx(
        np.array([[3.0, 0.0], [1.5, 1.0], [7.25, 3.0]]), abs=0.01
    )


def test_levels_have_their_means_and_the_middle_of_their_residuals(learn: Learn) -> None:
    g: list[object] = ["b", "a"] * 10
    table = pa.table({"y": [1.0, 2.0] * 10, "g": g})
    drawing = Drawing(feature_figure("g", rows_with(g=g), learn("y ~ g", table)))
    # Level a has the residuals 1, 3, …, 19 and b 0, 2, …, 18.
    assert drawing.dots("a small")[:, 0] == pytest.approx([10.0, 9.0], abs=0.05)
    ends = [line[:, 0] for line in drawing.lines("whisker a")]
    assert ends[0] == pytest.approx(np.quantile(np.arange(1, 20, 2), [0.1, 0.9]), abs=0.05)
    assert {"a", "b"} <= set(drawing.texts())


def test_of_many_levels_the_most_frequent_are_drawn(learn: Learn) -> None:
    g: list[object] = [f"v{i}" for i in range(20) for _ in range(i + 1)]
    table = pa.table({"y": np.arange(float(len(g))), "g": g})
    texts = Drawing(feature_figure("g", rows_with(g=g), learn("y ~ g", table))).texts()
    shown = {text for text in texts if text.startswith("v")}
    assert shown == {f"v{i}" for i in range(20 - MAX_LEVELS, 20)}


def test_a_time_has_an_axis_of_dates(learn: Learn) -> None:
    days: list[object] = [f"2021-0{m}-01" for m in range(1, 10)]
    table = pa.table({"y": np.arange(9.0), "x": np.arange(9.0)})
    figure = feature_figure("day", rows_with(day=days), learn("y ~ x", table), is_time=True)
    assert "2021-03" in str(figure)


def test_a_group_that_is_no_number_has_no_figure(learn: Learn) -> None:
    table = pa.table({"y": np.arange(9.0), "x": np.arange(9.0)})
    patients: list[object] = [f"p{i}" for i in range(9)]
    assert feature_figure("patient", rows_with(patient=patients), learn("y ~ x", table)) is None


def test_the_features_with_the_largest_effects_are_in_the_order_of_the_formula(
    learn: Learn,
) -> None:
    names = [f"x{j}" for j in range(20)]
    table = pa.table({"y": [1.0, 2.0], **{name: [0.0, 1.0] for name in names}})
    design = learn(f"y ~ {' + '.join(reversed(names))}", table)
    effects = np.array([(-1.0) ** j * abs(j - 10) for j in range(20)])
    found = leading_features(design, effects)
    assert len(found) == MAX_FEATURES
    in_formula = list(reversed(names))
    assert found == [name for name in in_formula if name in found]
    left_out = [abs(effects[in_formula.index(name)]) for name in names if name not in found]
    assert max(left_out) <= min(abs(effects[in_formula.index(name)]) for name in found)
