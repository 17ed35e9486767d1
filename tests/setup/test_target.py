"""The target: how it is guessed, and which columns cannot be it."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from linreg.errors import UserError
from linreg.setup.survey.column_survey import Survey
from linreg.setup.target import Target, check_target_column, guess_target
from tests.setup.conftest import CLEAN, N

FILE = Path("table.csv")


def numbers(names: Sequence[str]) -> dict[str, list[float]]:
    """Different columns of numbers."""
    return {name: CLEAN["size"][j:] + CLEAN["size"][:j] for j, name in enumerate(names)}


@pytest.mark.parametrize(
    ("names", "target"),
    [
        (["a", "target", "b"], "target"),
        (["y", "x"], "y"),
        (["a", "b", "median_house_value"], "median_house_value"),
        (["weight", "Total Cost"], "Total Cost"),
        (["size", "price_eur"], "price_eur"),
        (["size", "Price (USD)"], "Price (USD)"),
        (["y", "price"], "y"),
        (["a", "Y "], "Y "),
    ],
)
def test_a_target_is_guessed_by_its_name(
    survey_of: Callable[..., Survey], names: list[str], target: str
) -> None:
    survey = survey_of(numbers(names) | {"t": CLEAN["zone"]})
    assert guess_target(survey, {}, FILE) == Target(target.strip(), "from its name")


@pytest.mark.parametrize(
    "names",
    [
        ["a", "b", "c"],
        ["y", "target"],
        ["cost", "a price"],
        ["price", "promotion", "units"],
        ["mpg", "cylinders", "weight"],
        ["Miles_per_Gallon", "Acceleration"],
    ],
)
def test_where_it_is_not_certain_the_candidates_are_listed_or_the_user_is_asked(
    survey_of: Callable[..., Survey], names: list[str]
) -> None:
    survey = survey_of(numbers(names) | {"t": CLEAN["zone"]})
    with pytest.raises(UserError, match=r"name it: --target COLUMN$") as error:
        guess_target(survey, {}, FILE)
    listed = str(error.value).partition("found ")[2].partition(";")[0].split(", ")
    assert sorted(listed) == sorted(names)
    assert guess_target(survey, {}, FILE, lambda candidates: candidates[-1]) == Target(listed[-1])


YEARS = [1950 + i % 70 for i in range(N)]


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("year", YEARS),
        ("YEAR", [float(year) for year in YEARS]),
        ("year_built", YEARS),
        ("YrSold", YEARS),
        ("modelyear", [year % 100 for year in YEARS]),
        ("month", [1 + i % 12 for i in range(N)]),
        ("latitude", CLEAN["size"]),
        ("zip", CLEAN["age"]),
        ("customer_id", CLEAN["age"]),
        ("passed", [i % 2 for i in range(N)]),
    ],
)
def test_a_year_or_place_or_identifier_or_class_is_no_candidate(
    survey_of: Callable[..., Survey], name: str, cells: list[float]
) -> None:
    survey = survey_of({"a": CLEAN["size"], "b": CLEAN["price"], name: cells})
    with pytest.raises(UserError, match="found a, b; name it"):
        guess_target(survey, {}, FILE)
    assert guess_target(survey, {"a": "constant"}, FILE).name == "b"
    with pytest.raises(UserError, match=r"likely to be predicted; found t .*--target COLUMN"):
        guess_target(survey_of({"t": CLEAN["zone"], name: cells}), {}, FILE)


@pytest.mark.parametrize("name", ["yearly_income", "years_of_school", "rapid", "monthly_rent"])
def test_names_that_look_like_these_are_candidates(
    survey_of: Callable[..., Survey], name: str
) -> None:
    survey = survey_of({"t": CLEAN["zone"], name: CLEAN["age"]})
    assert guess_target(survey, {}, FILE).name == name


def test_the_only_column_of_numbers_that_is_not_excluded_is_the_target(
    survey_of: Callable[..., Survey],
) -> None:
    survey = survey_of({"a": CLEAN["size"], "b": CLEAN["age"]})
    only = "as the only column of numbers that may be predicted"
    assert guess_target(survey, {"b": "constant"}, FILE) == Target("a", only)
    with pytest.raises(UserError, match=r"found a \(empty\), b \(row number\); name one: --target"):
        guess_target(survey, {"a": "empty", "b": "row number"}, FILE)
    survey = survey_of({"t": CLEAN["zone"]})
    with pytest.raises(UserError, match=r"has no column of numbers to predict; found t \(string\)"):
        guess_target(survey, {}, FILE)


def test_a_likely_target_that_is_text_is_an_error_and_no_other_column_is_guessed(
    survey_of: Callable[..., Survey],
) -> None:
    prices = [f"${price}" for price in CLEAN["price"]]
    survey = survey_of({**CLEAN, "price": [*prices[1:], "7 kg"]})
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
