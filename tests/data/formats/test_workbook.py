"""Sheets of workbooks, as spreadsheets show them."""

import datetime
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from linreg.data.source import open_source
from linreg.data.typed_table import open_typed_table, unreadable_columns
from linreg.errors import UserError
from linreg.params.ingest import READ_AS_IS, ReadOptions

openpyxl = pytest.importorskip("openpyxl")
pytest.importorskip("python_calamine")

DAY = datetime.date(2020, 2, 29)
Edit = Callable[[Any], None]


def book(path: Path, *rows: Sequence[Any], edit: Edit = lambda _: None, at: str = "A1") -> Path:
    workbook = openpyxl.Workbook()
    first = workbook.active[at]
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            workbook.active.cell(first.row + row, first.column + column, cell)
    edit(workbook)
    workbook.save(path)
    return path


def read(path: Path, *columns: str, options: ReadOptions = READ_AS_IS) -> dict[str, list[Any]]:
    source = open_source(path, options)
    scratch = path.with_suffix(".scratch")
    scratch.mkdir(exist_ok=True)
    table = open_typed_table(source, columns or [name for name in source.columns if name], scratch)
    return dict(pa.concat_tables(chunk.rows for chunk in table.chunks()).to_pydict())


def refused(path: Path, options: ReadOptions = READ_AS_IS) -> str:
    with pytest.raises(UserError) as error:
        read(path, options=options)
    message = str(error.value)
    assert message.startswith(str(path))
    return message.removeprefix(str(path))


def test_cells_have_the_types_that_the_sheet_shows(tmp_path: Path) -> None:
    path = book(
        tmp_path / "t.xlsx",
        ["n", "x", "g", "flag", "day", "time", "serial"],
        [1, 0.1, "a", True, DAY, datetime.datetime(2020, 2, 29, 12, 30), 43890],
        [None, 1e-300, "ä b", False, None, None, None],
        [2**53, 5, None, None, DAY, datetime.datetime(1999, 12, 31, 0, 0, 1), 43891],
    )
    assert read(path) == {
        "n": [1, None, 2**53],
        "x": [0.1, 1e-300, 5.0],
        "g": ["a", "ä b", None],
        "flag": [True, False, None],
        "day": [DAY, None, DAY],
        "time": [
            datetime.datetime(2020, 2, 29, 12, 30),
            None,
            datetime.datetime(1999, 12, 31, 0, 0, 1),
        ],
        # Not formatted as a date.
        "serial": [43890, None, 43891],
    }


def test_dates_are_the_same_in_the_system_of_1904(tmp_path: Path) -> None:
    def since_1904(workbook: Any) -> None:
        workbook.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904

    path = book(tmp_path / "t.xlsx", ["day"], [DAY], edit=since_1904)
    assert read(path) == {"day": [DAY]}


@pytest.mark.parametrize("at", ["A1", "B3", "AB100"])
def test_a_table_may_begin_anywhere(tmp_path: Path, at: str) -> None:
    path = book(tmp_path / "t.xlsx", ["x", "y"], [1, 2.5], [3, 4.5], at=at)
    assert read(path) == {"x": [1, 3], "y": [2.5, 4.5]}


def test_errors_are_missing_cells_and_formulas_have_the_value_that_was_saved(
    tmp_path: Path,
) -> None:
    rows: list[list[Any]] = [["x", "y"], [1, "#DIV/0!"], [2, "#N/A"], [3, 4.5]]
    assert read(book(tmp_path / "t.xlsx", *rows)) == {"x": [1, 2, 3], "y": [None, None, 4.5]}


def test_formulas_that_were_never_computed_are_said(tmp_path: Path) -> None:
    path = book(tmp_path / "t.xlsx", ["x", "y"], [1, 3], [2, "=A2+1"])
    assert read(path) == {"x": [1, 2], "y": [3, None]}
    what = "has formulas without a value, such as in cell B3: they are missing cells"
    assert [str(note) for note in open_source(path).notes] == [f"t.xlsx: sheet Sheet {what}"]


def test_another_sheet_is_read_by_its_name(tmp_path: Path) -> None:
    def more(workbook: Any) -> None:
        workbook.create_sheet("Old & new <2>").append(["z"])
        workbook.create_sheet("hidden").sheet_state = "hidden"

    path = book(tmp_path / "t.xlsx", ["x"], [1], edit=more)
    assert open_source(path).columns == ("x",)
    [note] = open_source(path).notes
    assert str(note) == (
        "t.xlsx is read from its sheet Sheet, not from Old & new <2>, hidden"
        " (otherwise, set ingest.sheet)"
    )
    options = ReadOptions(sheet="Old & new <2>")
    assert open_source(path, options).columns == ("z",)
    assert open_source(path, options).notes == ()
    message = refused(path, ReadOptions(sheet="New"))
    assert message == ": has no sheet New (ingest.sheet); found Sheet, Old & new <2>, hidden"


def test_the_first_sheet_that_is_not_hidden_is_read(tmp_path: Path) -> None:
    def hide_the_first(workbook: Any) -> None:
        workbook.create_sheet("b").append(["z"])
        workbook.worksheets[0].sheet_state = "hidden"

    path = book(tmp_path / "t.xlsx", ["x"], [1], edit=hide_the_first)
    assert open_source(path).columns == ("z",)


def test_rows_above_the_table_are_skipped_by_option(tmp_path: Path) -> None:
    path = book(tmp_path / "t.xlsx", ["Report"], [], ["x", "y"], [1, 2], at="A2")
    assert read(path, options=ReadOptions(skip=3)) == {"x": [1], "y": [2]}


def test_columns_without_a_header_are_named_by_option(tmp_path: Path) -> None:
    path = book(tmp_path / "t.xlsx", [1, "a"], [2, "b"])
    assert read(path, options=ReadOptions(names=("x", "g"))) == {"x": [1, 2], "g": ["a", "b"]}


def test_merged_cells_in_the_header_are_refused_and_others_said(tmp_path: Path) -> None:
    def merge(cells: str) -> Edit:
        return lambda workbook: workbook.active.merge_cells(cells)

    rows: list[list[Any]] = [["x", None, "g"], [1, 2, "a"], [3, 4, None]]
    path = book(tmp_path / "t.xlsx", *rows, edit=merge("A1:B1"))
    assert refused(path).startswith(
        ": sheet Sheet: has merged cells in its first row; found A1:B1; give each column a name"
    )
    path = book(tmp_path / "u.xlsx", *rows, edit=merge("C2:C3"))
    [note] = open_source(path).notes
    assert str(note).startswith("u.xlsx: sheet Sheet has merged cells, such as at C2: all but the")


def test_text_among_numbers_is_no_category(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["x", "y"],
        [1, 2.5],
        [3, 4.5],
        [None, None],
        ["Source: the office", None],
    ]
    path = book(tmp_path / "t.xlsx", *rows, at="B3")
    why = "holds the number 1 in cell B4 and the text 'Source: the office' in cell B7"
    assert unreadable_columns(open_source(path)) == {"x": why}
    # A row without a cell is left out, as in a CSV file.
    assert read(path, "y") == {"y": [2.5, 4.5, None]}
    assert refused(path).startswith(f": column x: {why}; ")


@pytest.mark.parametrize("name", [2019, 2020.5, DAY, True, "2019"], ids=repr)
@pytest.mark.parametrize("cells", [[1, 2], ["a", "b"], [True, False], [DAY, DAY]], ids=repr)
def test_a_year_or_a_date_may_be_the_name_of_any_column(
    tmp_path: Path, name: Any, cells: list[Any]
) -> None:
    path = book(tmp_path / "t.xlsx", ["x", name], *[["row", cell] for cell in cells])
    [_, column] = open_source(path).columns
    assert read(path, column) == {column: cells}
    assert open_source(path).notes == ()


def test_numbers_stored_as_text_are_numbers_and_are_said(tmp_path: Path) -> None:
    path = book(tmp_path / "t.xlsx", ["x"], [1], ["007"], ["NA"])
    assert read(path) == {"x": [1, 7, None]}
    [note] = open_source(path).notes
    assert str(note) == "t.xlsx: column x holds numbers stored as text, such as '007' in cell A3"


def test_durations_have_no_unit_to_be_read_in(tmp_path: Path) -> None:
    path = book(tmp_path / "t.xlsx", ["x"], [datetime.timedelta(hours=30)])
    assert refused(path).startswith(": column x: holds the value 1 day, 6:00:00 in cell A2; ")


def test_the_errors_of_csv_name_the_workbook(tmp_path: Path) -> None:
    path = book(tmp_path / "t.xlsx", ["x", "x"], [1, 2])
    assert "column x" in refused(path)


@pytest.mark.parametrize("content", [b"PK\x03\x04xl/", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 99])
def test_a_damaged_workbook_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.xlsx"
    path.write_bytes(content)
    assert refused(path).startswith(": cannot be read as a workbook; found ")


def test_a_workbook_that_is_cut_off_is_one_line(tmp_path: Path) -> None:
    path = book(tmp_path / "t.xlsx", ["x"], *([i] for i in range(999)))
    path.write_bytes(path.read_bytes()[:-500])
    assert refused(path).startswith(": cannot be read as a workbook; found ")


@pytest.mark.very_slow
def test_a_workbook_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    path = book(tmp_path / "t.xlsx", ["x"], [1])
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/worksheets/sheet9.xml", "w") as member,
    ):
        for _ in range(1100):
            member.write(bytes(1 << 20))
    assert refused(path).startswith(": holds more than 200 times its size; found 11")


def test_an_empty_sheet_is_refused(tmp_path: Path) -> None:
    assert refused(book(tmp_path / "t.xlsx")).startswith(": sheet Sheet: has no cell with a value")


def test_other_workbooks_are_read_as_well(tmp_path: Path) -> None:
    path = book(tmp_path / "t.csv", ["x"], [1])
    assert read(path) == {"x": [1]}
