"""A column of numbers has one format, and each number the digits that mean something."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.number_format import aligned, alike, decimals_of, levels

positive = st.floats(1e-300, 1e300)


@given(positive, st.integers(1, 17))
def test_a_number_with_its_decimals_has_so_many_significant_digits(
    value: float, digits: int
) -> None:
    decimals = decimals_of(value, digits)
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-decimals)) if abs(decimals) < 20 else None
    if rounded is not None:
        assert len(rounded.as_tuple().digits) == digits


@pytest.mark.slow
@given(st.lists(st.tuples(st.floats(-1e5, 1e5), st.integers(-3, 9)), min_size=1))
def test_plain_numbers_are_rounded_and_their_points_are_below_each_other(
    column: list[tuple[float, int]],
) -> None:
    values, decimals = zip(*column, strict=True)
    texts = aligned(values, decimals)
    width = max(map(len, texts))
    flush_right = [text.rjust(width) for text in texts]
    assert len({text.find(".") for text in flush_right if "." in text}) <= 1
    for text, value, n in zip(texts, values, decimals, strict=True):
        assert abs(float(text) - value) <= 0.51 * 10.0 ** -max(n, 0)
        assert "e" not in text
        assert text.strip() != "-0"


@pytest.mark.parametrize(
    ("values", "decimals", "texts"),
    [
        ([1.234, 12.5, None], [3, 1, 0], ["1.234", "12.5  ", "–    "]),
        ([1234.0, 0.5], [0, 2], ["1234   ", "0.50"]),
        ([1.5e12, 0.5], [-9, 2], ["1.500e+12", "5.0e-01"]),
        ([1e-12, 5.0], [13, 2], ["1.0e-12", "5.00e+00"]),
        ([-0.001], [2], ["0.00"]),
        ([], [], []),
    ],
)
def test_a_column_is_plain_or_has_powers_of_ten(
    values: list[float | None], decimals: list[int], texts: list[str]
) -> None:
    assert [text.rstrip() for text in aligned(values, decimals)] == [t.rstrip() for t in texts]
    widths = [len(text) for text in texts if "." in text and "e" not in text]
    assert not widths or aligned(values, decimals) == [text.ljust(len(text)) for text in texts]


def test_numbers_of_one_kind_have_the_same_decimals() -> None:
    assert alike([0.101289, 0.0975209, 3.92397], 5) == ["0.1013", "0.0975", "3.9240"]
    assert alike([123456.7, None], 5) == ["123457", "–"]


def test_levels_are_whole_names_as_many_as_fit_in_two_lines() -> None:
    counts = {f"{i} {'x' * 60}": 10 - i for i in range(9)}
    text = levels(counts)
    assert text == f"0 {'x' * 60}: 10, 1 {'x' * 60}: 9, and 7 more"
    assert levels({"a": 1, "b": 5}) == "b: 5, a: 1"
    assert levels(None) == ""
