"""Every kind of bad column is found, and none in clean data."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from linreg.setup.checks.column_checks import check_columns
from linreg.setup.checks.finding import CheckContext, Finding
from linreg.setup.survey.column_survey import Survey
from tests.setup.conftest import CLEAN, N

PLANTED: dict[str, tuple[list[Any], str, str]] = {
    # What is planted: the cells of the column `planted`, the reason, a part of the message.
    "a row number from 1": (
        list(range(1, N + 1)),
        "row number",
        "different in every row, in steps of one",
    ),
    "a row number from 0": (list(range(N)), "row number", "in steps of one"),
    "a constant number": ([3] * N, "constant", "is 3 in every row"),
    "a constant text": (["same"] * N, "constant", "is 'same' in every row"),
    "a column like another": (CLEAN["age"], "equals age", "is equal to age in every row"),
    "no value": ([None] * N, "empty", "has no value, only missing cells"),
    "an infinite number": (
        ["inf" if i == 5 else i * 0.37 % 11 for i in range(N)],
        "infinite",
        "table.csv: row 6",
    ),
    "mostly missing cells": (
        [i * 7 % 11 if i % 3 == 0 else None for i in range(N)],
        "missing",
        "is missing in 66% of the rows",
    ),
    "names of rows": ([f"house {i}" for i in range(N)], "row names", "different in every row"),
    "free text": (
        [f"note {i % 150}" for i in range(N)],
        "free text",
        "distinct values in 200 cells",
    ),
    "dates": (
        [f"2024-{1 + i % 12:02}-{1 + i % 28:02}" for i in range(N)],
        "date",
        "dates or times",
    ),
    "dates as people write them": (
        [f"{1 + i % 28}/{1 + i % 12}/2024" for i in range(N)],
        "date as text",
        "'1/1/2024'",
    ),
    "some percent signs": (
        [f"{i % 40 + 1}" + "%" * (i % 2) for i in range(N)],
        "numbers as text",
        "such as '2%'",
    ),
    "two units": (
        [f"{i % 40 + 1} {('kg', 'lb')[i % 2]}" for i in range(N)],
        "numbers as text",
        "'1 kg'",
    ),
    "two currencies": (
        [f"{'$€'[i % 2]} {i % 40 + 1}" for i in range(N)],
        "numbers as text",
        "'$ 1'",
    ),
    "numbers with words between": (
        [i % 40 if i != 9 else "unknown" for i in range(N)],
        "mixed",
        "table.csv: row 10",
    ),
    "a rare level": (
        ["a" if i % 2 else "b" for i in range(N - 1)] + ["c"],
        "rare levels",
        "'c' in 1 row",
    ),
    "a number that is almost constant": (
        [0] * (N - 2) + [1, 1],
        "almost constant",
        "all but 2 rows",
    ),
}


def findings(survey: Survey, target: str | None = "price") -> list[Finding]:
    return check_columns(CheckContext(survey, 0.7, {}, target, unseen_is_error=True))


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_column_is_found_and_excluded(
    survey_of: Callable[..., Survey], what: str
) -> None:
    cells, reason, message = PLANTED[what]
    first = {"planted": cells} if "row number" in what else {}
    found = findings(survey_of(first | CLEAN | {"planted": cells}))
    assert [(each.excluded, each.reason) for each in found] == [(("planted",), reason)]
    assert message in found[0].message
    assert found[0].message.endswith(".")


def test_nothing_is_found_in_clean_data(survey_of: Callable[..., Survey]) -> None:
    assert findings(survey_of(CLEAN)) == []


def test_auxiliary_columns_are_not_checked(survey_of: Callable[..., Survey]) -> None:
    survey = survey_of({**CLEAN, "one": [1] * N, "copy": CLEAN["age"]})
    auxiliary = {"one": "model.weights", "copy": "split.by"}
    assert check_columns(CheckContext(survey, 0.7, auxiliary, "price")) == []


def test_a_copy_of_the_target_is_excluded_wherever_it_is(survey_of: Callable[..., Survey]) -> None:
    for columns in ({"copy": CLEAN["price"], **CLEAN}, {**CLEAN, "copy": CLEAN["price"]}):
        [found] = findings(survey_of(columns))
        assert (found.excluded, found.reason) == (("copy",), "equals target")


@pytest.mark.slow
@settings(max_examples=15)
@given(arrays(np.float64, (120, 3), elements=st.floats(-1e6, 1e6), unique=True))
def test_different_numbers_are_never_a_finding(
    survey_of: Callable[..., Survey], cells: np.ndarray[Any, Any]
) -> None:
    survey = survey_of({name: cells[:, j].tolist() for j, name in enumerate(["a", "b", "c"])})
    assert findings(survey, "c") == []
    assert survey.rows.num_repeats == 0


@pytest.mark.slow
@settings(max_examples=15)
@given(st.permutations(range(2, 62)))
def test_an_id_in_any_order_is_recognized_by_its_name(
    survey_of: Callable[..., Survey], order: list[int]
) -> None:
    y = [value * 0.37 % 13 for value in range(60)]
    for name, is_id in [("house_id", True), ("houseId", True), ("width", False), ("paid", False)]:
        found = findings(survey_of({name: order, "y": y}), "y")
        assert [each.reason for each in found] == (["row number"] if is_id else [])


def test_a_range_of_years_is_not_a_row_number(survey_of: Callable[..., Survey]) -> None:
    assert findings(survey_of({"year": list(range(1900, 1900 + N)), **CLEAN})) == []
