"""Levels with an order are recognized in any spelling, and others are left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.setup.answer_scales import level_order

ORDERS = [
    ["Strongly disagree", "Disagree", "Neutral", "Agree", "Strongly agree"],
    ["Strongly Disagree", "Disagree", "Neither agree nor disagree", "Agree", "Strongly Agree"],
    ["strongly_disagree", "disagree", "neither_agree_nor_disagree", "agree", "strongly_agree"],
    ["STRONGLY DISAGREE", "DISAGREE", "AGREE", "STRONGLY AGREE"],
    ["disagree strongly", "disagree somewhat", "undecided", "agree somewhat", "agree strongly"],
    ["1 - Strongly disagree", "2 - Disagree", "3 - Neutral", "4 - Agree", "5 - Strongly agree"],
    ["disagree", "agree"],
    ["very dissatisfied", "dissatisfied", "neutral", "satisfied", "very satisfied"],
    ["Very poor", "Poor", "Fair", "Good", "Very good", "Excellent"],
    ["bad", "ok", "good"],
    ["poor", "fair", "good", "excellent", "Don't know", "Prefer not to say"],
    ["low", "medium", "high"],
    ["very low", "low", "moderate", "high", "very high"],
    ["Very-Low", "Low", "High"],
    ["small", "medium", "large"],
    ["XS", "S", "M", "L", "XL", "XXL"],
    ["none", "mild", "moderate", "severe"],
    ["Never", "Rarely", "Sometimes", "Often", "Always"],
    ["never", "monthly", "weekly", "daily"],
    ["very unlikely", "unlikely", "likely", "very likely"],
    ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
    ["January", "February", "March", "April", "May", "June", "July"],
    ["<10k", "10k-20k", "20k-50k", "50k+"],
    ["under 18", "18-24", "25-34", "65+"],
    ["5-9", "10-14", "15-19", "100-104"],
    ["$0 - $9,999", "$10,000 - $19,999", "$20,000 or more"],
]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order[0])
@given(data=st.data())
def test_the_order_does_not_depend_on_the_order_in_which_levels_are_met(
    order: list[str], data: st.DataObject
) -> None:
    assert level_order(data.draw(st.permutations(order))) == order


NO_ORDERS = [
    ["yes", "no"],
    ["male", "female"],
    ["M", "F"],
    ["M", "S"],
    ["north", "south", "high street"],
    ["red", "green"],
    ["A4", "B12", "C3"],
    ["NO2", "CO2", "O3"],
    ["1a", "2b", "10c"],
    ["Adelie", "Gentoo", "Chinstrap"],
    ["2-door", "4-door"],
    ["good", "agree"],
    ["low", "medium", "moderate"],
    ["other", "unknown"],
    ["medium"],
    ["2019-01", "2019-02", "sold out"],
    [],
]


@pytest.mark.parametrize("levels", NO_ORDERS, ids=str)
def test_other_levels_have_no_order(levels: list[str]) -> None:
    assert level_order(levels) is None


@given(st.sets(st.text(max_size=8), max_size=6))
def test_any_levels_come_back_each_once_or_not_at_all(levels: set[str]) -> None:
    order = level_order(levels)
    assert order is None or (set(order) == levels and len(order) == len(levels))
