"""A dressed number is the number that a person reads, and a category is none."""

import pyarrow as pa
import pytest

from linreg.data.cells.dress import bare_numbers
from linreg.data.cells.numbers import are_numbers
from linreg.data.cells.signs import shown_decimals, with_point_anyhow


@pytest.mark.parametrize(
    ("cell", "decimal", "value", "unit"),
    [
        ("5\xa0€", ".", "5", "€"),
        ("\ufeff5", ".", "5", ""),
        ("\u200b5\u2009", ".", "5", ""),
        ("\u22123", ".", "-3", ""),
        ("\u20133,5", ",", "-3.5", ""),
        ("5-", ".", "-5", ""),
        ("5,00- EUR", ",", "-5.00", "EUR"),
        ("(1,200.50)", ".", "-1200.50", ""),
        ("($5)", ".", "-5", "$"),
        ("$(5)", ".", "-5", "$"),
        ("-$5", ".", "-5", "$"),
        ("$-5", ".", "-5", "$"),
        ("1,23,456", ".", "123456", ""),
        ("Rs. 1,23,456.50", ".", "123456.50", "Rs"),
        ("1'234.5", ".", "1234.5", ""),
        ("1\u2019234.5", ".", "1234.5", ""),
        ("1\u202f234,5 €", ",", "1234.5", "€"),
        ("1.234.567,5", ",", "1234567.5", ""),
        ("120.-", ".", "120", ""),
        ("R$ 1.234,5", ",", "1234.5", "R$"),
        ("150 kr", ".", "150", "kr"),
        ("₩1,500", ".", "1500", "₩"),
        ("12%", ".", "12", "%"),
        ("% 12", ".", "12", "%"),
        ("21.5 °C", ".", "21.5", "°C"),
        ("\uff11\uff12\uff13\uff0e\uff15", ".", "123.5", ""),
        ("1.5E+05 USD", ".", "1.5E+05", "USD"),
    ],
)
def test_a_dressed_number_is_read(cell: str, decimal: str, value: str, unit: str) -> None:
    numbers, units = bare_numbers(pa.array([cell]))
    assert with_point_anyhow(numbers, decimal).to_pylist() == [value]
    assert units.to_pylist() == [unit]


CATEGORIES = (
    "A1|Type 2|Q1|R2|5-10|10-19|1/2|030-1234|1.2.3|192.168.1.1|12:30|3rd|size 10|0x1F|1d5|1_000|--5"
    "|$5 USD|5²|5 10|(5|5)|1,2,3|0,123 456|1 23|e5|-|.|€|½|①|5+"
)


@pytest.mark.parametrize("cell", CATEGORIES.split("|"))
def test_a_category_is_no_number(cell: str) -> None:
    assert are_numbers(pa.array([cell])).to_pylist() == [False]


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("1.002", set()),
        ("1,037", set()),
        ("850", set()),
        ("1e5", set()),
        ("1 234", set()),
        ("0.002", {"."}),
        ("1002.125", {"."}),
        ("1.5", {"."}),
        ("1,234.5", {"."}),
        ("1,234,567", {"."}),
        ("246,10", {","}),
        ("0,125", {","}),
        ("1.234.567", {","}),
        ("1.234,5", {","}),
    ],
)
def test_the_decimal_sign_shows_where_only_one_reading_is_possible(
    cell: str, shown: set[str]
) -> None:
    assert shown_decimals(bare_numbers(pa.array([cell])).numbers) == shown
