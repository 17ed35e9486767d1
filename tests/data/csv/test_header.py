"""CSV files without a header: how they are recognized, and how they are read by given names."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.data.csv.convert import csv_columns, csv_to_parquet
from linreg.errors import UserError

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
        csv_columns(path)


@pytest.mark.parametrize("header", ["x,n,colour", "2019,2020,colour", "x,2020,red"])
@given(rows=st.lists(ROW, min_size=1, max_size=30))
def test_a_header_may_have_years_or_a_value_as_names(
    folder: Path, header: str, rows: list[tuple[object, ...]]
) -> None:
    assert csv_columns(csv(folder / "a.csv", rows, header + "\n")) == tuple(header.split(","))


@given(st.lists(ROW, min_size=1, max_size=30))
def test_given_names_read_what_a_header_would_have_read(
    folder: Path, rows: list[tuple[object, ...]]
) -> None:
    names = ("x", "n", "colour")
    csv(folder / "with.csv", rows, "x,n,colour\n")
    csv(folder / "without.csv", rows)
    [expected] = csv_to_parquet([folder / "with.csv"], names, folder / "1")
    [found] = csv_to_parquet([folder / "without.csv"], names, folder / "2", names)
    assert pq.read_table(found).equals(pq.read_table(expected))


def test_a_byte_order_mark_is_not_part_of_the_first_cell(folder: Path) -> None:
    (folder / "bom.csv").write_bytes(b"\xef\xbb\xbf1.5,2\n3,4\n")
    [found] = csv_to_parquet([folder / "bom.csv"], ["x"], folder / "3", ("x", "y"))
    assert pq.read_table(found)["x"].to_pylist() == [1.5, 3.0]


def test_without_a_header_the_first_row_is_row_1(folder: Path) -> None:
    (folder / "broken.csv").write_text("1,2\n3,4,5\n")
    with pytest.raises(UserError, match=r"row 2: has 3 cells where the header has 2"):
        csv_to_parquet([folder / "broken.csv"], ["x"], folder / "4", ("x", "y"))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a",), "has 2 columns, but ingest.names names 1; found 1, 2"),
        (("a", "a"), "params.yaml: ingest.names: holds a duplicate column name; found a"),
        (("1", "2"), "has a header with the names in ingest.names"),
    ],
)
def test_names_that_do_not_fit_are_refused(
    folder: Path, names: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        csv_columns(csv(folder / "a.csv", [(1, 2), (3, 4)]), names)
