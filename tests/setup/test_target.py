"""The target: how it is guessed, and which columns cannot be it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from linreg.errors import UserError
from linreg.setup.survey.column_survey import Survey
from linreg.setup.target import Target, check_target_column, guess_target
from tests.setup.conftest import CLEAN, N

FILE = Path("table.csv")


@pytest.mark.parametrize(
    ("names", "target"),
    [
        (["a", "target", "b"], "target"),
        (["y", "x"], "y"),
        (["SalePrice_usd", "median_house_value", "b"], "median_house_value"),
        (["Total Cost", "weight"], "Total Cost"),
        (["a", "b", "c"], "c"),
        (["y", "price"], "y"),
        (["y", "target"], "target"),
        (["cost", "a price"], "a price"),
        (["a", "Y "], "Y "),
    ],
)
def test_a_target_is_guessed_by_its_name_or_is_the_last_column_of_numbers(
    survey_of: Callable[..., Survey], names: list[str], target: str
) -> None:
    survey = survey_of(
        {name: CLEAN["size"][j:] + CLEAN["size"][:j] for j, name in enumerate(names)}
        | {"t": CLEAN["zone"]}
    )
    assert guess_target(survey, {}, FILE).name == target.strip()


def test_an_excluded_column_is_the_target_only_if_it_is_the_only_number_and_a_row_number(
    survey_of: Callable[..., Survey],
) -> None:
    survey = survey_of({"a": CLEAN["size"], "b": CLEAN["age"]})
    last = "as the last column of numbers"
    assert guess_target(survey, {"b": "constant"}, FILE) == Target("a", last)
    assert guess_target(survey, {"a": "empty", "b": "row number"}, FILE) == Target("b", last)
    with pytest.raises(UserError, match=r"to predict; found a \(empty\), b \(constant\)"):
        guess_target(survey, {"a": "empty", "b": "constant"}, FILE)


def test_a_likely_target_that_is_text_is_an_error_and_no_other_column_is_guessed(
    survey_of: Callable[..., Survey],
) -> None:
    survey = survey_of({**CLEAN, "price": [f"${price}" for price in CLEAN["price"]]})
    with pytest.raises(
        UserError, match=r"column price: must be a number to be predicted; found '\$.*row 1; write"
    ):
        guess_target(survey, {"price": "numbers as text"}, FILE)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("nothing", "there is no such column; found size, age, zone, price, one"),
        ("prize", "did you mean price?"),
        ("zone", "must be a number to be predicted; found '.*' in .*row 1; choose another"),
        ("words", "found 'two' in .*row 200; correct or empty the cells that are not numbers"),
        ("one", "leaves nothing to predict; found 1 in every row"),
        ("none", "leaves nothing to predict; found no value|must be a number to be predicted"),
        ("infinite", "contains an infinite number; found .*row 3"),
    ],
)
def test_a_column_that_cannot_be_predicted_is_an_error(
    survey_of: Callable[..., Survey], column: str, message: str
) -> None:
    survey = survey_of(
        {
            **CLEAN,
            "one": [1] * N,
            "none": [None] * N,
            "infinite": [1, 2, "inf", *range(N - 3)],
            "words": [*range(N - 1), "two"],
        }
    )
    with pytest.raises(UserError, match=message):
        check_target_column(survey, column, "table.csv")
