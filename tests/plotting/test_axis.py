"""An axis holds its values, and its ticks are round numbers that say where they are."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.plotting.axis import MAX_TICKS, Axis

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(finite, finite, st.booleans())
def test_ticks_are_few_within_the_range_in_order_and_labelled_with_their_value(
    a: float, b: float, logarithmic: bool
) -> None:
    axis = Axis.around("x", [a, b], logarithmic=logarithmic)
    ticks = axis.ticks()
    values = [value for value, _ in ticks]
    assert len(values) <= 7
    assert values == sorted(set(values))
    assert all(axis.low <= value <= axis.high for value in values)
    for value, text in ticks:
        allowed = abs(Decimal(value)) / 10**9 + (Decimal(axis.high) - Decimal(axis.low)) / 1000
        assert abs(Decimal(text) - Decimal(value)) <= allowed
    assert len({text for _, text in ticks}) == len(ticks)


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (0, 10, ["0", "2", "4", "6", "8", "10"]),
        (-1, 1, ["-1", "-0.5", "0", "0.5", "1"]),
        (0.0095, 0.0105, ["0.0096", "0.0098", "0.01", "0.0102", "0.0104"]),
        (10, 44, ["10", "20", "30", "40"]),
        (0, 3e9, ["0", "5e+8", "1e+9"]),
    ],
)
def test_ticks_read_as_a_person_would_write_them(low: float, high: float, texts: list[str]) -> None:
    assert [text for _, text in Axis("", low, high).ticks()][: len(texts)] == texts


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (1.0, 1000.0, ["1", "10", "100", "1000"]),
        (1.0, 50.0, ["1", "3", "10", "30"]),
        (2.0, 12.0, ["2", "5", "10"]),
        (2.0, 4.5, ["2", "3", "4"]),
        (1e-8, 1e4, ["1e-08", "1e-05", "0.01", "10", "10000"]),
    ],
)
def test_ticks_of_a_logarithmic_axis_are_as_few_digits_as_are_enough(
    low: float, high: float, texts: list[str]
) -> None:
    ticks = Axis("", low, high, logarithmic=True).ticks()
    assert [tick.text for tick in ticks] == texts
    assert len(ticks) <= MAX_TICKS


def test_a_linear_axis_has_a_margin_around_its_values() -> None:
    axis = Axis.around("x", [2.0, None, np.nan, np.inf, 4.0], margin=0.1)
    assert (axis.low, axis.high) == pytest.approx((1.8, 4.2))


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [([], 0.95, 1.05), ([0.0], -1.0, 1.0), ([8.0], 7.6, 8.4), ([-8.0, -8.0], -8.4, -7.6)],
)
def test_an_axis_around_one_value_has_a_range_of_a_tenth_of_it(
    values: list[float], low: float, high: float
) -> None:
    axis = Axis.around("x", values)
    assert (axis.low, axis.high) == pytest.approx((low, high))


def test_a_logarithmic_axis_leaves_out_what_is_not_above_0() -> None:
    axis = Axis.around("x", [-1.0, 0.0, 10.0, 1000.0], logarithmic=True)
    assert (axis.low, axis.high) == pytest.approx((8, 1250))
    assert axis.position([100.0]) == pytest.approx(np.log(100 / 8) / np.log(1250 / 8))
    assert np.isnan(axis.position([0.0, -1.0])).all()


def test_positions_on_a_linear_axis_are_shares_of_its_range() -> None:
    assert Axis("", -1, 3).position([-1, 0, 3, 4]).tolist() == [0, 0.25, 1, 1.25]
    largest = np.finfo(float).max
    assert Axis("", -largest, largest).position([0.0]).tolist() == [0.5]
