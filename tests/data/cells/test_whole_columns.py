"""Columns of dressed numbers are read by proof over the column, the decimal sign over the file."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from linreg.data.csv import dialect
from linreg.errors import UserError
from linreg.params.ingest import ReadOptions
from tests.data.csv.converted import to_parquet


def columns_of(folder: Path, text: str, **options: Any) -> tuple[dict[str, list[Any]], list[str]]:
    """Return the columns of a CSV file, and the notes about their reading."""
    path = folder / "t.csv"
    path.write_text(text)
    names = dialect.read_header(path).names
    converted = to_parquet([path], names, folder / "out", ReadOptions(**options))
    table = pq.read_table(converted.paths[0])
    return table.to_pydict(), [str(note) for note in converted.notes]


@pytest.fixture(params=[48, 1 << 20], ids=["small blocks", "one block"], autouse=True)
def block_bytes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialect, "BLOCK_BYTES", request.param)


def test_an_ambiguous_column_follows_the_file(tmp_path: Path) -> None:
    rows = "".join(f"{cell};0,5\n" for cell in ["994", "998", "1.002", "1.006"] * 5)
    columns, notes = columns_of(tmp_path, f"area;price\n{rows}")
    assert columns["area"] == [994, 998, 1002, 1006] * 5
    # Of the first few bytes a comma is as good a delimiter.
    assert [note for note in notes if note.startswith("column")] == [
        "column area is read as numbers, '1.002' as 1002 (otherwise, set ingest.decimal)"
    ]


def test_a_column_that_is_not_read_shows_the_sign_too(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("area;price\n994;0,5\n1.002;0,5\n")
    [path] = to_parquet([tmp_path / "t.csv"], ["area"], tmp_path / "out").paths
    assert pq.read_table(path)["area"].to_pylist() == [994, 1002]


@pytest.mark.parametrize(
    "text",
    [
        "x;y\n850;1\n1.037;2\n",
        'x,y\n"1,037",1\n"2,447",2\n',
        "x;y;z\n1.037;0,5;0.5\n1.038;0,6;0.6\n",
    ],
)
def test_what_nothing_decides_is_refused_with_both_readings(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserError, match=r"may be (1\.037 or 1037|1037 or 1\.037); .*ingest\.dec"):
        columns_of(tmp_path, text)
    columns, _ = columns_of(tmp_path, text, decimal="," if ";" in text else ".")
    assert 1037 in columns["x"]


def test_grouped_thousands_beside_plain_small_numbers_prove_themselves(tmp_path: Path) -> None:
    columns, notes = columns_of(tmp_path, 'x,y\n"1,037",1\n447,2\n"2,447",3\n')
    assert columns["x"] == [1037, 447, 2447]
    assert "'1,037' as 1037" in notes[0]


def test_a_point_is_decimal_where_nothing_shows_otherwise(tmp_path: Path) -> None:
    columns, notes = columns_of(tmp_path, "x,y\n1.002,1\n5.125,2\n")
    assert columns["x"] == [1.002, 5.125]
    assert not notes


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["12 %", "7%", "0"], [12, 7, 0]),
        (["1\xa0€", "2\xa0€"], [1, 2]),
        (["1-", "2", "3-"], [-1, 2, -3]),
        (["(120)", "5"], [-120, 5]),
        (["1 234.5", "0.25"], [1234.5, 0.25]),
        (["5 kg", "3 lb"], ["5 kg", "3 lb"]),
        (["$5", "€5"], ["$5", "€5"]),
        (["12%", "0.5"], ["12%", "0.5"]),
        (["(1)", "(2)"], ["(1)", "(2)"]),
        (["0x1F", "0x2A"], ["0x1F", "0x2A"]),
        (["size 10", "size 12"], ["size 10", "size 12"]),
        (["9223372036854775807", "1"], [2**63 - 1, 1]),
    ],
)
def test_a_column_is_numbers_only_where_all_cells_are(
    tmp_path: Path, cells: list[str], values: list[Any]
) -> None:
    rows = "".join(f'"{cell}",r\n' for cell in cells * 6)
    columns, notes = columns_of(tmp_path, f"x,row\n{rows}")
    assert columns["x"] == values * 6
    is_dressed = not isinstance(values[0], str) and values[0] != 2**63 - 1
    assert len(notes) == is_dressed


@pytest.mark.parametrize("word", ["-", ".", "..", ":", "--", "na", "none", "#DIV/0!", "n.a."])
def test_some_words_are_missing_only_among_values(tmp_path: Path, word: str) -> None:
    rows = "".join(
        f"{word},{cell},{word},2024-01-0{cell}\n{cell},{word},a,{word}\n" for cell in "12"
    )
    columns, notes = columns_of(tmp_path, f"x,y,g,t\n{rows}")
    assert columns["x"] == [None, 1, None, 2]
    assert columns["y"] == [1, None, 2, None]
    assert columns["g"] == [word, "a"] * 2
    assert columns["t"][1] is None
    assert sum(repr(word) in note for note in notes) == 3


def test_missing_words_are_missing_everywhere(tmp_path: Path) -> None:
    columns, _ = columns_of(tmp_path, "x,g\n1,zz\nzz,a\n", missing_words=("zz",))
    assert columns == {"x": [1, None], "g": [None, "a"]}


def test_whole_numbers_beyond_int64_are_said_to_be_rounded(tmp_path: Path) -> None:
    columns, [note] = columns_of(tmp_path, "x,row\n18446744073709551615,r\n1,r\n")
    assert columns["x"] == [2.0**64, 1.0]
    assert "18446744073709551615" in note
