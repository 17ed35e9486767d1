"""The name of a folder is a cell of the rows in it, as pyarrow.dataset reads it."""

import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from linreg.data.source import open_source
from linreg.data.typed_table import open_typed_table, unreadable_columns
from linreg.errors import UserError

CELLS: dict[str, tuple[list[str], list[Any]]] = {
    "numbers": (["2019", "2020"], [2019, 2020]),
    "negative": (["-1", "7"], [-1, 7]),
    "leading zeros": (["01", "12"], [1, 12]),
    "text": (["north", "south west"], ["north", "south west"]),
    "mixed": (["7", "b"], ["7", "b"]),
    "escaped": (["a%2Fb", "%C3%A4"], ["a/b", "ä"]),
    "missing": (["2019", "__HIVE_DEFAULT_PARTITION__"], [2019, None]),
    "missing text": (["__HIVE_DEFAULT_PARTITION__", "a"], [None, "a"]),
}


def read(folder: Path, *columns: str) -> dict[str, list[Any]]:
    source = open_source(folder)
    scratch = folder.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    table = open_typed_table(source, columns or source.columns, scratch)
    return dict(pa.concat_tables(chunk.rows for chunk in table.chunks()).to_pydict())


def write(path: Path, columns: dict[str, list[Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(pa.table(columns), path)
    else:
        rows = [columns, *zip(*columns.values(), strict=True)]
        path.write_text("".join(",".join(map(str, row)) + "\n" for row in rows))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("case", CELLS)
def test_folders_hold_a_column(tmp_path: Path, case: str, suffix: str) -> None:
    texts, expected = CELLS[case]
    for number, text in enumerate(texts):
        write(tmp_path / "t" / f"k={text}" / f"p.{suffix}", {"x": [number, number]})
    found = read(tmp_path / "t")
    pairs = [(int(x), k) for x, k in zip(found["x"], found["k"], strict=True)]
    # Folders are read in the order of their names.
    assert sorted(pairs, key=str) == sorted(
        [(x, k) for x, k in enumerate(expected) for _ in range(2)], key=str
    )
    if suffix == "parquet":
        peer = ds.dataset(tmp_path / "t", partitioning="hive").to_table().to_pydict()
        assert sorted(map(str, found["k"])) == sorted(map(str, peer["k"]))


def test_folders_in_folders_hold_a_column_each(tmp_path: Path) -> None:
    for year in (2019, 2020):
        for day in ("2020-01-01", "2020-02-29"):
            write(tmp_path / "t" / f"year={year}" / f"day={day}" / "p.csv", {"x": [year]})
    assert read(tmp_path / "t") == {
        "x": [2019, 2019, 2020, 2020],
        "year": [2019, 2019, 2020, 2020],
        "day": [datetime.date(2020, 1, 1), datetime.date(2020, 2, 29)] * 2,
    }
    assert read(tmp_path / "t", "year") == {"year": [2019, 2019, 2020, 2020]}
    notes = list(map(str, open_source(tmp_path / "t").notes))
    assert notes[0] == "column year is read from the names of folders, such as year=2019"


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_column_of_file_and_folder_must_agree(tmp_path: Path, suffix: str) -> None:
    write(tmp_path / "t" / "k=1" / f"a.{suffix}", {"x": [3, 4], "k": [1, 1]})
    assert read(tmp_path / "t") == {"x": [3, 4], "k": [1, 1]}
    write(tmp_path / "t" / "k=2" / f"b.{suffix}", {"x": [5, 6], "k": [2, 1]})
    with pytest.raises(UserError, match=r"row 2: column k: is not what .* says, k=2; found 1"):
        read(tmp_path / "t")


def test_a_file_outside_of_the_folders_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "k=1" / "a.csv", {"x": [3]})
    write(tmp_path / "b.csv", {"x": [3]})
    with pytest.raises(UserError, match=r"does not lie in folders of the same columns as"):
        open_source(tmp_path)


def test_columns_that_some_file_lacks_are_left_out_where_they_are_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "t"
    write(folder / "a.parquet", {"x": [1], "z": [1], "l": [[1]], "w": [True]})
    write(folder / "b.parquet", {"w": ["a"], "x": [2]})
    assert unreadable_columns(open_source(folder)) == {
        "z": "is not in b.parquet",
        "l": "is not in b.parquet",
        "w": "has not one type in all files: bool, string",
    }
    assert read(folder, "x") == {"x": [1, 2]}


def test_columns_that_the_first_file_lacks_are_said(tmp_path: Path) -> None:
    write(tmp_path / "t" / "a.csv", {"x": [1]})
    write(tmp_path / "t" / "b.csv", {"x": [2], "z": [3], "w": [4]})
    source = open_source(tmp_path / "t")
    assert source.columns == ("x",)
    said = "t is read without column z of b.csv and 1 more, absent from a.csv"
    assert list(map(str, source.notes)) == [said]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("where", ["", "year=2019", "year=2019/zone=a%2Fb", "{file}"])
def test_a_part_of_a_table_has_the_cells_of_the_folders_above_it(
    tmp_path: Path, where: str, suffix: str
) -> None:
    file = f"year=2019/zone=a%2Fb/t{suffix}"
    write(tmp_path / file, {"x": [1]})
    source = open_source(tmp_path / where.format(file=file))
    part = source.with_cells_above(["x", "year", "zone", "w"])
    assert set(part.columns) == {"x", "year", "zone"}
    assert part.partitions == ({"year": "2019", "zone": "a/b"},)


def test_a_column_of_a_file_is_not_taken_from_the_folders_above_it(tmp_path: Path) -> None:
    write(tmp_path / "x=2" / "t.csv", {"x": [1]})
    source = open_source(tmp_path / "x=2" / "t.csv")
    assert source.with_cells_above(["x"]).partitions == ({},)


def test_text_in_one_file_and_numbers_in_another_are_numbers_if_the_text_is(tmp_path: Path) -> None:
    folder = tmp_path / "t"
    write(folder / "a.parquet", {"x": [1, 2]})
    write(folder / "b.parquet", {"x": ["3.5", "NA"]})
    assert read(folder) == {"x": [1.0, 2.0, 3.5, None]}
    source = open_source(folder)
    [note] = open_typed_table(source, ["x"], tmp_path).notes
    assert str(note) == "column x is text in b.parquet and int64 in a.parquet: read as numbers"
    write(folder / "c.parquet", {"x": ["4", "four"]})
    with pytest.raises(UserError, match=r"c\.parquet: row 2: column x: must be a number, as in"):
        read(folder)
