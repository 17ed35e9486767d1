from datetime import date
from pathlib import Path
from typing import Any

import pytest

from linreg.data.formula.schema import Column, Schema
from linreg.data.ingest.formula_schema import make_schema
from linreg.data.ingest.profile import profile_columns
from linreg.errors import UserError
from tests.data.ingest.tables import a_table

COLUMNS: dict[str, list[Any]] = {
    "y": [1.0, 2.0, 3.0, 4.0],
    "x": [0.5, 1.5, 2.5, 3.5],
    "k": [1, 2, 1, 2],
    "g": ["a", "b", "a", "b"],
    "day": [date(2024, 1, day) for day in (1, 2, 3, 4)],
    "note": ["p", "q", "r", "s"],
    "w": [1.0, 1.0, 2.0, 2.0],
}


def schema(folder: Path, formula: str, **options: Any) -> Schema:
    table = a_table(folder, COLUMNS)
    options = {"fill_missing": False, "weights": "w"} | options
    return make_schema(formula, profile_columns(table), table, {"w": "model.weights"}, **options)


def test_the_dot_stands_for_numbers_and_categories_that_nothing_else_uses(tmp_path: Path) -> None:
    found = schema(tmp_path, "y ~ .", fill_missing=True)
    assert found.formula == "y ~ x + k + g"
    assert found.columns == {
        "y": Column("double", "number"),
        "x": Column("double", "number"),
        "k": Column("int64", "number"),
        "g": Column("string", "category"),
    }
    assert found.category_columns == {"g"}
    assert (found.fill_missing, found.weights) == (True, "w")


def test_a_number_may_be_a_category_and_free_text_too_where_the_formula_says_so(
    tmp_path: Path,
) -> None:
    assert schema(tmp_path, "y ~ C(k) + C(note)").category_columns == {"k", "note"}


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("g ~ x", "row 1: column g: 'a': must be a number, as it is the target; found type string"),
        ("y ~ log(g)", "row 1: column g: 'a': must be a number, as it is used in log(g); found "),
        ("y ~ day", "column day: must be a number or a category to be in the formula; found date"),
        ("day ~ x", "column day: must be a number or a category to be in the formula; found date"),
        ("y ~ x | day", "column day: must be a number or a category to be absorbed; found date"),
        ("y ~ note", "row 1: column note: 'p': is text with few repeated values, not a category"),
    ],
)
def test_a_column_that_cannot_be_what_the_formula_needs_is_refused(
    tmp_path: Path, formula: str, message: str
) -> None:
    with pytest.raises(UserError) as caught:
        schema(tmp_path, formula)
    place = f"{tmp_path}/source/t1.parquet: "
    assert str(caught.value).startswith(place + message)
