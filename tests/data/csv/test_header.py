"""CSV files without a header: how they are recognized, and how they are read by given names."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.data.csv.dialect import read_header
from linreg.data.csv.header import check_given_names, check_header, suggest_name
from linreg.errors import UserError
from linreg.params.ingest import ReadOptions
from tests.data.csv.converted import to_parquet

ROW = st.tuples(st.floats(-99, 99), st.integers(0, 9), st.sampled_from(["red", "blue"]))


def csv(path: Path, rows: list[tuple[object, ...]], header: str = "") -> Path:
    path.write_text(header + "".join(",".join(map(str, row)) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("header")


@given(st.lists(ROW, min_size=1, max_size=30))
def test_a_first_row_of_data_is_recognized_where_its_text_occurs_again(
    folder: Path, rows: list[tuple[object, ...]]
) -> None:
    path = csv(folder / "a.csv", [*rows, rows[0]])
    with pytest.raises(
        UserError,
        match=r"has no header; found data in the first row.*--names a,b,c` \(ingest.names\)",
    ):
        read_header(path)


@pytest.mark.parametrize("header", ["x,n,colour", "2019,2020,colour", "x,2020,red"])
@given(rows=st.lists(ROW, min_size=1, max_size=30))
def test_a_header_may_have_years_or_a_value_as_names(
    folder: Path, header: str, rows: list[tuple[object, ...]]
) -> None:
    assert read_header(csv(folder / "a.csv", rows, header + "\n")).names == tuple(header.split(","))


@pytest.mark.slow
@given(st.lists(ROW, min_size=1, max_size=30))
def test_given_names_read_what_a_header_would_have_read(
    folder: Path, rows: list[tuple[object, ...]]
) -> None:
    names = ("x", "n", "colour")
    csv(folder / "with.csv", rows, "x,n,colour\n")
    csv(folder / "without.csv", rows)
    [expected] = to_parquet([folder / "with.csv"], names, folder / "1").paths
    [found] = to_parquet(
        [folder / "without.csv"], names, folder / "2", ReadOptions(names=names)
    ).paths
    assert pq.read_table(found).equals(pq.read_table(expected))


def test_a_byte_order_mark_is_not_part_of_the_first_cell(folder: Path) -> None:
    (folder / "bom.csv").write_bytes(b"\xef\xbb\xbf1.5,2\n3,4\n")
    [found] = to_parquet(
        [folder / "bom.csv"], ["x"], folder / "3", ReadOptions(names=("x", "y"))
    ).paths
    assert pq.read_table(found)["x"].to_pylist() == [1.5, 3.0]


def test_without_a_header_the_first_row_is_row_1(folder: Path) -> None:
    (folder / "broken.csv").write_text("1,2\n3,4,5\n")
    with pytest.raises(UserError, match=r"row 2: has 3 cells where the header has 2"):
        to_parquet([folder / "broken.csv"], ["x"], folder / "4", ReadOptions(names=("x", "y")))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a",), "has 2 columns, but ingest.names names 1; found 1, 2"),
        (("a", "a"), "params.yaml: ingest.names: holds a duplicate column name; found a"),
    ],
)
def test_names_that_do_not_fit_are_refused(
    folder: Path, names: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        read_header(csv(folder / "a.csv", [(1, 2), (3, 4)]), ReadOptions(names=names))


def refusal(names: list[str], *sample: list[str]) -> str:
    """What `check_header` says, without the file; empty where it accepts the names."""
    try:
        check_header(Path("t.csv"), names, sample)
    except UserError as error:
        return str(error).removeprefix("t.csv: ")
    return ""


@pytest.mark.parametrize(
    ("count", "todo"),
    [
        (1, "give it its name: `linreg use FILE --names a` "),
        (2, "give it its 2 names: `linreg use FILE --names a,b` "),
        (8, "give it its 8 names: `linreg use FILE --names a,b,c,d,e,f,g,h` "),
        (9, "give it all its names: `linreg use FILE --names a,b,c,d,e,f,g,h,…` "),
        (10, "give it all its names: `linreg use FILE --names a,b,c,d,e,f,g,h,…` "),
    ],
)
def test_a_file_without_a_header_is_told_how_to_name_its_columns(count: int, todo: str) -> None:
    assert todo in refusal([f"{i}.5" for i in range(count)])


@pytest.mark.parametrize(
    ("names", "sample", "refused"),
    [
        (["1", "2"], [], True),
        (["1", "NA"], [], True),
        (["NA", "NA"], [], False),
        (["1", "x"], [["3", "y"], ["4", "x"]], True),
        # No text of the first row occurs again.
        (["1", "x"], [["3", "y"], ["4", "z"]], False),
        # No number in the first row.
        (["a", "x"], [["b", "x"]], False),
        # A column of numbers that begins with text has a name.
        (["1", "x", "y"], [["3", "x", "2"]], False),
        # Rows with fewer cells, blanks, and missing cells say nothing about a column.
        (["1", "x", "y"], [["3", " x "], ["4", "z", "NA"]], True),
        (["1", "x", ""], [["3", "x", "2"]], True),
    ],
)
def test_a_first_row_is_data_when_its_values_are_like_those_below(
    names: list[str], sample: list[list[str]], refused: bool
) -> None:
    assert refusal(names, *sample).startswith("has no header; found ") == refused


def test_what_shows_that_the_first_row_is_data_is_named() -> None:
    assert "found only numbers in the first row: 1, NA;" in refusal(["1", "NA"])
    assert "found data in the first row: 1, x ('x' occurs again below);" in refusal(
        ["1", "x"], ["2", "x"]
    )


@pytest.mark.parametrize("number", ["1,5", "1.234,5", "$1,200", "1 234", "-1e5", "(120)"])
def test_a_number_in_any_way_of_writing_is_data(number: str) -> None:
    assert refusal([number, "2"]).startswith("has no header; ")
    assert refusal([number, "x"], [number, "x"]).startswith("has no header; ")
    assert refusal([number, "x"], [number, "y"]) == ""


def test_quantiles_are_names() -> None:
    assert refusal(["5%", "50%", "95%"], ["1.5", "2", "3"]) == ""


def test_a_file_without_any_name_says_so() -> None:
    message = "has no column names; the first row has to hold the column names"
    assert refusal(["", ""]) == message
    assert refusal(["", "a"]) == ""


def test_a_duplicate_name_may_be_there_but_a_number_may_be_data() -> None:
    assert refusal(["a", "b", "a"]) == ""
    message = refusal(["x", "7", "7"])
    assert "rename one of them; if the first row is data, give it its 3 names: " in message
    assert refusal(["a", "", ""]) == ""


@pytest.mark.parametrize(
    ("name", "names", "todo"),
    [
        ("size", ["Sizes", "price"], "did you mean Sizes?"),
        ("SIZE", ["price", "size"], "did you mean size?"),
        ("size", ["price", "year"], ""),
        ("floor area", ["price", "floor\xa0area"], "did you mean floor\xa0area?"),
        ("floor area", ["price", "floor\narea"], "did you mean floor\narea?"),
        ("a", ["a:b:c"], "if ':' separates cells: `linreg use FILE --delimiter ':'`"),
        ("a", ["a:b", "c"], ""),
        ("a", ["xyz"], ""),
    ],
)
def test_an_unknown_name_is_a_similar_one_or_the_delimiter_was_not_recognized(
    name: str, names: list[str], todo: str
) -> None:
    assert suggest_name(name, names) == todo


@pytest.mark.parametrize(
    ("names", "first_row", "message"),
    [
        (["a", "b"], ["1", "2"], ""),
        (["a", "b"], ["1", "2", ""], ""),
        (["a", "b"], ["a", "c"], ""),
        (["a"], ["1", "2"], "t.csv: has 2 columns, but ingest.names names 1; found 1, 2; name "),
        (["b", "a", "a"], ["1", "2", "3"], "params.yaml: ingest.names: holds a duplicate column "),
    ],
)
def test_given_names_have_to_fit_the_first_row(
    names: list[str], first_row: list[str], message: str
) -> None:
    if not message:
        check_given_names(Path("t.csv"), names, first_row)
        return
    with pytest.raises(UserError) as caught:
        check_given_names(Path("t.csv"), names, first_row)
    assert str(caught.value).startswith(message)
