from pathlib import Path

import pytest

from linreg.data.ingest.profile import profile_columns
from linreg.data.ingest.text_columns import check_is_category, first_text
from linreg.errors import UserError
from tests.data.ingest.tables import a_table

Cells = list[str | None]


def refusal(folder: Path, *files: Cells) -> str:
    """What is wrong with a column of text; empty where it is a category."""
    table = a_table(folder, *({"my c": cells} for cells in files))
    try:
        check_is_category(table, "my c", profile_columns(table)["my c"])
    except UserError as error:
        return str(error).removeprefix(f"{folder}/source/")
    return ""


@pytest.mark.parametrize(
    "files", [(["a", "b", "a", "b"],), (["a", None], ["a", None]), ([None, None],)]
)
def test_text_whose_values_repeat_is_a_category(tmp_path: Path, files: tuple[Cells, ...]) -> None:
    assert refusal(tmp_path, *files) == ""


@pytest.mark.parametrize("cells", [[1, 2, 3], [True, False, True]])
def test_numbers_and_truth_values_are_not_checked(tmp_path: Path, cells: list[int]) -> None:
    table = a_table(tmp_path, {"c": cells})
    check_is_category(table, "c", profile_columns(table)["c"])


AS_CATEGORY = "or write C(`my c`) if it is a category"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            (["1", "2", "1", "2"],),
            f"t1.parquet: column my c: contains numbers stored as text; convert it to numbers,"
            f" {AS_CATEGORY}",
        ),
        (
            (["1", None, "2"], [None, "12%", "2", "1"]),
            "t2.parquet: row 2: column my c: '12%': is a formatted number, which makes the column"
            f" text; write plain numbers, such as 1200.5, {AS_CATEGORY}",
        ),
        (
            (["31/12/2024", "31/12/2024", "never"],),
            "t1.parquet: row 1: column my c: '31/12/2024': is a date or a time as text, which is no"
            " feature by itself; take a part of it, as in days(`my c`), with its format in"
            f" ingest.dates, leave the column out of model.formula, {AS_CATEGORY}",
        ),
        (
            (["1", "1", "$5", "six", "1"],),
            "t1.parquet: row 4: column my c: 'six': is not a number, unlike 4 of the column's 5"
            f" cells; correct it, name it in ingest.missing_words if it stands for a missing cell,"
            f" {AS_CATEGORY}",
        ),
        (
            (["b", "c", "a"],),
            "t1.parquet: row 1: column my c: 'b': is text with few repeated values, not a category;"
            " found a; correct the cell, or write C(`my c`) if every value is a level",
        ),
        # More values than are listed in a profile.
        (
            ([str(number) for number in range(101)],),
            f"t1.parquet: column my c: contains numbers stored as text; convert it to numbers,"
            f" {AS_CATEGORY}",
        ),
    ],
)
def test_text_that_was_meant_to_be_something_else_is_refused_with_its_first_such_cell(
    tmp_path: Path, files: tuple[Cells, ...], message: str
) -> None:
    assert refusal(tmp_path, *files) == message


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ((["1", "two"], ["3"]), "t1.parquet: row 2: column c: 'two'"),
        ((["1", None], [None, " 3 ", "x", "y"]), "t2.parquet: row 3: column c: 'x'"),
        ((["x"], ["1"]), "t1.parquet: row 1: column c: 'x'"),
        ((["1"], ["2"]), "t1.parquet: column c"),
    ],
)
def test_the_cell_that_made_a_column_text_is_the_first_that_is_no_number(
    tmp_path: Path, files: tuple[Cells, ...], place: str
) -> None:
    table = a_table(tmp_path, *({"c": cells} for cells in files))
    assert first_text(table, "c") == f"{tmp_path}/source/{place}"


def test_truth_values_have_no_such_cell(tmp_path: Path) -> None:
    table = a_table(tmp_path, {"c": [True, False]})
    assert first_text(table, "c") == f"{tmp_path}/source/t1.parquet: column c"
