"""Identifiers: groups by which rows are split, categories, or neither."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from linreg.setup.checks.groups import Grouping, find_groups
from linreg.setup.survey.column_survey import Survey

N = 600
RNG = np.random.default_rng(5)
PATIENTS = np.repeat(np.arange(150), 4)
GROUPS: dict[str, list[Any]] = {
    "patient_id": [f"P{patient:04}" for patient in PATIENTS],
    "patientId": PATIENTS.tolist(),
    "Subject": [f"S{i % 40}" for i in range(N)],
    "participant no": [i % 12 for i in range(N)],
    "customer": RNG.integers(1000, 1200, N).tolist(),
    "order_id": RNG.integers(1, 300, N).tolist(),
    "id": [i // 2 for i in range(N)],
    "household_id": [None if i == 3 else i // 5 for i in range(N)],
}
NO_GROUPS: dict[str, list[Any]] = {
    "household": RNG.integers(1, 9, N).tolist(),
    "employees": RNG.integers(1, 200, N).tolist(),
    "customers": RNG.integers(1, 60, N).tolist(),
    "child": RNG.integers(0, 6, N).tolist(),
    "paid": RNG.integers(0, 2, N).tolist(),
    "grid": RNG.integers(0, 90, N).tolist(),
    "humid": RNG.integers(0, 100, N).tolist(),
    "age": RNG.integers(18, 90, N).tolist(),
    "neighbourhood": RNG.choice([f"n{i}" for i in range(30)], N).tolist(),
    "treatment group": RNG.choice(["a", "b"], N).tolist(),
    "patient": RNG.choice(["yes", "no"], N).tolist(),
    "user_score": RNG.integers(0, 100, N).tolist(),
    "valid": RNG.choice(["yes", "no"], N).tolist(),
    "row_id": list(range(N)),
}


@pytest.fixture
def groups_of(survey_of: Callable[..., Survey]) -> Callable[..., Grouping]:
    def groups_of(columns: dict[str, list[Any]], *, splits: bool = True) -> Grouping:
        y = {"y": RNG.normal(size=N).round(3).tolist()}
        return find_groups(survey_of(columns | y), [], splits=splits)

    return groups_of


@pytest.mark.parametrize("name", GROUPS)
def test_rows_are_split_by_a_column_that_names_groups(
    groups_of: Callable[..., Grouping], name: str
) -> None:
    found = groups_of({name: GROUPS[name], "age": NO_GROUPS["age"]})
    assert (found.column, found.codes) == (name, [])
    (finding,) = found.findings
    assert "Rows of one group are alike" in finding.message
    assert f"split.by: group:{name}" in finding.action
    assert finding.otherwise == "To split row by row, add --split-by row"
    assert not finding.excluded


@pytest.mark.parametrize("name", NO_GROUPS)
def test_other_columns_are_no_groups(groups_of: Callable[..., Grouping], name: str) -> None:
    assert groups_of({name: NO_GROUPS[name]}) == Grouping(None, [], [])


def test_of_households_and_their_members_the_households_stay_together(
    groups_of: Callable[..., Grouping],
) -> None:
    members = {"member_id": PATIENTS.tolist(), "household_id": (PATIENTS // 2).tolist()}
    found = groups_of(members)
    assert found.column == "household_id"
    assert [each.excluded for each in found.findings] == [(), ("member_id",)]


def test_where_the_user_splits_rows_otherwise_the_groups_are_left_out_and_named(
    groups_of: Callable[..., Grouping],
) -> None:
    found = groups_of({"patient id": PATIENTS.tolist()}, splits=False)
    assert found.column is None
    (finding,) = found.findings
    assert finding.excluded == ("patient id",)
    assert "the test is too optimistic" in finding.action
    assert finding.otherwise.endswith("add --split-by 'group:patient id'")


def test_numbers_of_shops_with_many_rows_are_categories(groups_of: Callable[..., Grouping]) -> None:
    found = groups_of({"store_id": RNG.integers(1, 13, N).tolist()})
    assert found == Grouping(None, ["store_id"], [])


def test_an_identifier_that_hardly_repeats_is_left_out(groups_of: Callable[..., Grouping]) -> None:
    found = groups_of({"listing_id": [*range(N - 1), 0]})
    assert found.column is None
    assert [each.excluded for each in found.findings] == [("listing_id",)]
