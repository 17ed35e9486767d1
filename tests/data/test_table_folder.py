"""Which files of a folder are a table, and what is said of the others."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linreg.data.source import open_source
from linreg.errors import UserError


def csv(path: Path, text: str = "x,y\n1,2\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def parquet(path: Path, columns: dict[str, Any] | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns or {"x": [1], "y": [2]}), path)
    return path


def files_and_notes(folder: Path) -> tuple[list[str], list[str]]:
    source = open_source(folder)
    names = [file.relative_to(folder).as_posix() for file in source.files]
    return names, [str(note).removeprefix(f"{folder.name} ") for note in source.notes]


def test_files_in_folders_are_read_in_the_order_of_their_paths(tmp_path: Path) -> None:
    for name in ("b/a.csv", "a.csv", "b/c/d.csv", "a/z.csv"):
        csv(tmp_path / name)
    assert files_and_notes(tmp_path) == (
        ["a/z.csv", "a.csv", "b/a.csv", "b/c/d.csv"],
        ["is read with the files in a, b, b/c"],
    )


@pytest.mark.parametrize("name", ["_SUCCESS", "._SUCCESS.crc", ".part-0.csv.crc", "_metadata"])
def test_what_spark_leaves_beside_its_files_is_not_worth_a_word(tmp_path: Path, name: str) -> None:
    parquet(tmp_path / "part-00000-4f2e-c000.snappy.parquet")
    (tmp_path / name).write_bytes(b"crc")
    assert files_and_notes(tmp_path) == (["part-00000-4f2e-c000.snappy.parquet"], [])


@pytest.mark.parametrize(
    ("other", "text", "why"),
    [
        ("README.md", "# About\n\nx, y: numbers\n", "no table like the others"),
        ("notes.txt", "x,comment\n1,2\n", "no table like the others"),
        ("LICENSE", "Public domain", "no table like the others"),
        ("schema.json", '{"x": 1}', "no table like the others"),
        ("paper.pdf", "%PDF-1.7", "no table like the others"),
        ("empty.csv", "", "empty"),
        ("_old.csv", "x,y\n3,4\n", "hidden by a . or _ in front"),
        (".2019.csv.swp", "x,y\n3,4\n", "hidden by a . or _ in front"),
        ("_temporary/0.csv", "x,y\n3,4\n", "hidden by a . or _ in front"),
        (".cache/a/0.csv", "x,y\n3,4\n", "hidden by a . or _ in front"),
    ],
)
@pytest.mark.parametrize("write", [csv, parquet])
def test_what_is_not_read_is_said(
    tmp_path: Path, write: Any, other: str, text: str, why: str
) -> None:
    table = write(tmp_path / f"t.{write.__name__}")
    csv(tmp_path / other, text)
    named = other.partition("/")[0] if other[0] in "._" else other
    assert files_and_notes(tmp_path) == ([table.name], [f"is read without {named}: {why}"])


def test_a_text_file_with_the_columns_of_the_others_is_one_of_them(tmp_path: Path) -> None:
    csv(tmp_path / "a.csv")
    csv(tmp_path / "b.txt", "y,x\n1,2\n")
    csv(tmp_path / "part-00000", "x,y\n5,6\n")
    assert files_and_notes(tmp_path) == (["a.csv", "b.txt", "part-00000"], [])


def test_files_without_a_known_suffix_are_tables_where_there_are_no_others(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        csv(tmp_path / name)
    csv(tmp_path / "README", "About these")
    assert files_and_notes(tmp_path) == (
        ["a.txt", "b.txt"],
        ["is read without README: no table like the others"],
    )


def test_a_file_that_is_named_like_a_table_is_not_passed_over(tmp_path: Path) -> None:
    csv(tmp_path / "a.csv")
    csv(tmp_path / "b.csv", "%PDF-1.7")
    with pytest.raises(UserError, match=r"b\.csv: is a PDF"):
        open_source(tmp_path)


@pytest.mark.parametrize(
    ("log", "kind"),
    [
        ("_delta_log/00000000000000000000.json", "a Delta table"),
        ("metadata/00001-4f2e.metadata.json", "an Iceberg table"),
        (".hoodie/hoodie.properties", "a Hudi table"),
    ],
)
@pytest.mark.parametrize("below", ["", "sales"])
def test_a_lake_is_not_read_as_a_bag_of_files(
    tmp_path: Path, log: str, kind: str, below: str
) -> None:
    parquet(tmp_path / below / "data" / "part-0.parquet")
    csv(tmp_path / below / log, "{}")
    with pytest.raises(UserError) as error:
        open_source(tmp_path)
    assert str(error.value).startswith(f"{tmp_path / below}: is {kind}: its files hold rows that")


def test_links_are_followed_and_a_broken_one_is_refused(tmp_path: Path) -> None:
    csv(tmp_path / "elsewhere/a.csv")
    folder = tmp_path / "t"
    folder.mkdir()
    (folder / "a.csv").symlink_to(tmp_path / "elsewhere/a.csv")
    (folder / "b").symlink_to(tmp_path / "elsewhere")
    (folder / "loop").symlink_to(folder)
    assert files_and_notes(folder)[0] == ["a.csv", "b/a.csv"]
    (folder / "c.csv").symlink_to(tmp_path / "nothing")
    with pytest.raises(UserError, match=r"c\.csv: is a link to a file that is not there"):
        open_source(folder)


@pytest.mark.parametrize("name", ["part-1.parquet", "PART.PARQUET", "a.feather", "a.xlsx"])
def test_an_empty_file_of_a_kind_that_never_is_has_lost_its_rows(tmp_path: Path, name: str) -> None:
    pq.write_table(pa.table({"x": [1.0]}), tmp_path / "part-0.parquet")
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(UserError, match=rf"{name}: is empty, and so not whole"):
        open_source(tmp_path)
