"""The layout of a text file makes no difference to what is read, or is refused with two readings.

What is right is written out, and is what pandas reads where it is told the layout.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.data.csv import dialect
from linreg.data.csv.dialect import read_header
from linreg.errors import UserError
from linreg.params.ingest import ReadOptions
from tests.data.csv.converted import quick, to_parquet

TABLE: dict[str, list[Any]] = {
    "x": [1.5, 2, -3],
    "n": [10, 20, 30],
    "city": ["Ulm", "Bonn", "Köln"],
}
ROWS = "1.5,10,Ulm\n2,20,Bonn\n-3,30,Köln\n"


def read(
    folder: Path, content: str | bytes, **options: Any
) -> tuple[tuple[str, ...], dict[str, list[Any]], str]:
    """Return the columns, the cells of those that can be used, and the notes."""
    path = folder / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    names = read_header(path, ReadOptions(**options)).names
    usable = [name for name in names if name and names.count(name) == 1]
    converted = to_parquet([path], usable, folder / "out", ReadOptions(**options))
    cells = pq.read_table(converted.paths[0]).to_pydict()
    return names, cells, "\n".join(map(str, converted.notes))


def refusal(folder: Path, content: str, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        read(folder, content, **options)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value).removeprefix(f"{folder}/")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize(
    ("above", "note"),
    [
        ("sep=,\n", ""),
        ('"sep=,"\n', ""),
        ("SEP=,,,\n\n", ""),
        (
            "Report 2024\n",
            "begins with 1 line above the table, not read: 'Report 2024' (otherwise, set ingest.s",
        ),
        ('"Sales, by town"\n\n\n', "begins with 1 line above the table, not read: 'Sales, by town"),
        ("Report,,\n,,\n", "begins with 2 lines above the table"),
        ("Station,Ulm\nExported on,2024-01-01\n\n", "begins with 2 lines above the table"),
        ("Station: Ulm; Danube\nx: 1\n", "begins with 2 lines above the table"),
        (
            "# one\n#two, three\n",
            "begins with 2 comment lines, not read: '# one' (otherwise, set ingest.skip",
        ),
        ("% a\n\n% b\n", "begins with 2 comment lines"),
        ("// it's a \"comment\n", "begins with 1 comment line"),
        ("*\n", "begins with 1 comment line"),
    ],
)
def test_lines_above_the_header_are_not_read_and_it_is_said(
    tmp_path: Path, end: str, last: bool, above: str, note: str
) -> None:
    text = f"{above}x,n,city\n{ROWS}".replace("\n", end)
    _, cells, notes = read(tmp_path, text if last else text.removesuffix(end))
    assert cells == TABLE
    assert (note in notes) if note else not notes


@pytest.mark.parametrize("block", [64, 100, 1 << 20])
@pytest.mark.parametrize("comment", ["#", "//", "%"])
def test_comments_among_the_rows_are_left_out_where_an_option_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, comment: str
) -> None:
    monkeypatch.setattr(dialect, "BLOCK_BYTES", block)
    lines = [f"{comment} a, b", "x,text"]
    texts = []
    for number in range(200):
        texts.append([f"a{comment}", f"a\n{comment}b", f"{comment}c", "d"][number % 4])
        quoted = f'"{texts[-1]}"' if number % 4 in (1, 2) else texts[-1]
        lines += [f"{number},{quoted}", f'{comment} it is 5" long' if number % 7 == 0 else ""]
    _, cells, _ = read(tmp_path, "\n".join(lines), comment=comment)
    assert cells == {"x": list(range(200)), "text": texts}


def test_a_comment_sign_that_begins_no_line_is_part_of_the_cell(tmp_path: Path) -> None:
    _, cells, _ = read(tmp_path, "x,y\n1,a # b\n2,#c\n", comment="#")
    assert cells == {"x": [1, 2], "y": ["a # b", "#c"]}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("# x y\n1 2\n3 4\n", ("x", "y")),
        ("# made by a program\n# x,y\n1,2\n3,4\n", ("x", "y")),
        ("#x\ty\n1\t2\n3\t4\n", ("#x", "y")),
        ("##a\n#CHROM\tPOS\n1\t2\n3\t4\n", ("#CHROM", "POS")),
    ],
)
def test_names_in_a_comment_line_are_read_where_the_rows_below_are_numbers(
    tmp_path: Path, text: str, names: tuple[str, ...]
) -> None:
    found, cells, notes = read(tmp_path, text)
    assert found == names
    assert list(cells.values()) == [[1, 3], [2, 4]]
    assert "has its column names in a comment line: '#" in notes


@pytest.mark.parametrize(
    "units", ["[m],[s],", "(m),(s),", "m,s,", "°C,%,[-]", "m/s,kg,", "metres,people,"]
)
def test_a_row_of_units_is_no_row(tmp_path: Path, block_bytes: int, units: str) -> None:
    _, cells, notes = read(tmp_path, f"x,n,city\n{units}\n" + ROWS * 20)
    assert cells == {name: values * 20 for name, values in TABLE.items()}
    assert "has units below the names, which are no row: " in notes


@pytest.mark.parametrize(
    "text",
    [
        # A missing word, a text column, a number: the first row is a row.
        "x,y\nunknown,1\n2,3\n4,5\n",
        "name,age\nbob,unknown\nann,3\njoe,4\n",
        "x,y\nNA,NA\n2,3\n",
        "x,y\nm,\nl,\n",
    ],
)
def test_a_row_of_other_text_is_a_row(tmp_path: Path, text: str) -> None:
    _, cells, notes = read(tmp_path, text)
    assert {len(column) for column in cells.values()} == {len(text.splitlines()) - 1}
    assert "units" not in notes


@pytest.mark.parametrize("quote", ['"', ""])
@pytest.mark.parametrize("sep", [" ", "\t", ","])
@pytest.mark.parametrize("names", [["Mazda_RX4", "Fiat_128"], ["1", "2"]])
def test_row_names_without_a_name_are_no_column(
    tmp_path: Path, quote: str, sep: str, names: Sequence[str]
) -> None:
    head = sep.join(f"{quote}{name}{quote}" for name in ("mpg", "gear"))
    rows = [sep.join([f"{quote}{name}{quote}", "21.5", str(row)]) for row, name in enumerate(names)]
    text = "\n".join([head, *rows, ""])
    found, cells, notes = read(tmp_path, text)
    assert found == ("", "mpg", "gear")
    expected = pd.read_csv(io.StringIO(text), sep=sep)
    assert cells == {name: list(expected[name]) for name in expected.columns}
    assert "has one name fewer than columns" in notes


def test_a_header_with_a_cell_too_few_above_unlike_rows_is_refused(tmp_path: Path) -> None:
    assert "row 1: has 3 cells where the header has 2" in refusal(
        tmp_path, "x,y\n1,2,3\n1,4,5\n7,8,9\n"
    )


@pytest.mark.parametrize(
    ("head", "row", "names"),
    [
        ("x,n,", "{},{},", ("x", "n", "")),
        ("x,n", "{},{},", ("x", "n", "")),
        ("x,n,", "{},{}", ("x", "n")),
    ],
)
def test_a_trailing_delimiter_ends_no_cell(
    tmp_path: Path, block_bytes: int, head: str, row: str, names: tuple[str, ...]
) -> None:
    rows = [row.format(number / 4, number) for number in range(50)]
    found, cells, notes = read(tmp_path, "\n".join([head, *rows]))
    assert (found, notes) == (names, "")
    assert cells == {"x": [number / 4 for number in range(50)], "n": list(range(50))}


@pytest.mark.slow
@quick
@given(
    rows=st.lists(
        st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.integers(-99, 99)),
        min_size=1,
        max_size=60,
    ),
    block=st.sampled_from([300, 1000, 1 << 20]),
    gap=st.sampled_from([" ", "  ", "\t", " \t "]),
    end=st.sampled_from(["\n", "\r\n", " \n"]),
    width=st.integers(0, 12),
)
def test_any_blanks_separate_cells(
    tmp_path: Path, rows: list[tuple[float, int]], block: int, gap: str, end: str, width: int
) -> None:
    lines = [f"{'x':>{width}}{gap}{chr(34)}a b{chr(34)}{gap}{'n':>{width}}"]
    lines += [f"{x!r:>{width}}{gap}{chr(34)}c  d{chr(34)}{gap}{n:>{width}}" for x, n in rows]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dialect, "BLOCK_BYTES", block)
        _, cells, _ = read(tmp_path, end.join(lines) + end, delimiter=None if gap != "\t" else " ")
    assert cells == {
        "x": [x for x, _ in rows],
        "a b": ["c  d"] * len(rows),
        "n": [n for _, n in rows],
    }


def test_a_blank_may_be_part_of_a_number_or_end_it(tmp_path: Path) -> None:
    text = "total price\n1 200\n3 400\n"
    assert "may hold one column or several; found 1 200, one number with " in refusal(
        tmp_path, text
    )
    assert read(tmp_path, text, delimiter=" ")[1] == {"total": [1, 3], "price": [200, 400]}
    assert read(tmp_path, text, delimiter=",")[0] == ("total price",)


def test_numbers_between_blanks_without_a_header_are_said_to_have_none(tmp_path: Path) -> None:
    for text in ("1 2 3\n4 5 6\n", " 1.5   2\n", "1 200\n"):
        assert "has no header; found only numbers" in refusal(tmp_path, text)
    assert read(tmp_path, "1 2\n3 4\n", names=("x", "y"))[1] == {"x": [1, 3], "y": [2, 4]}


def test_text_with_blanks_in_one_column_is_not_split(tmp_path: Path) -> None:
    _, cells, notes = read(tmp_path, "city name\nNew York\nSan Jose\n")
    assert (cells, notes) == ({"city name": ["New York", "San Jose"]}, "")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_rows_of_empty_cells_are_left_out_and_counted(
    tmp_path: Path, block_bytes: int, end: str, delimiter: str
) -> None:
    lines = ["x,n,city"]
    for number in range(60):
        lines += [f"{number},,", ",,", '"",5,"a\n,,\nb"']
    text = end.join([*lines, ",,", ",,"]).replace(",", delimiter)
    _, cells, notes = read(tmp_path, text)
    assert cells["x"] == [cell for number in range(60) for cell in (number, None)]
    assert cells["n"] == [None, 5] * 60
    assert cells["city"] == [None, f"a\n{delimiter * 2}\nb"] * 60
    assert "has 62 rows of empty cells, left out and not counted in row numbers" in notes


def test_row_numbers_count_no_rows_of_empty_cells_or_units(
    tmp_path: Path, block_bytes: int
) -> None:
    rows = ["1,2", ",", "# c", ""] * 30
    message = refusal(tmp_path, "\n".join(["x,y", "[m],[s]", *rows, "1,2,3"]), comment="#")
    assert message.startswith("t.csv: row 31: has 3 cells")


def test_a_name_of_several_columns_matters_only_where_it_is_used(tmp_path: Path) -> None:
    text = "x,y,x,X\n1,2,3,4\n"
    names, cells, notes = read(tmp_path, text)
    assert names == ("x", "y", "x", "X")
    assert cells == {"y": [2], "X": [4]}
    assert notes == "t.csv has several columns named x, which cannot be used"
    with pytest.raises(UserError, match="column x: duplicate column name; rename one of them"):
        to_parquet([tmp_path / "t.csv"], ["x"], tmp_path / "out")


@pytest.mark.parametrize(
    ("text", "names", "rejected"),
    [
        ("name;value,unit\na;1,5\nb;2,5\n", ("name", "value,unit"), "','"),
        ("a,b;c\n1,x\n2,y\n", ("a", "b;c"), ""),
        ('"a;b","c;d"\n1,2\n', ("a;b", "c;d"), ""),
        ("a|b,c\n1,2\n3,4\n", ("a|b", "c"), ""),
    ],
)
def test_of_several_delimiters_one_explains_all_rows(
    tmp_path: Path, text: str, names: tuple[str, ...], rejected: str
) -> None:
    found, _, notes = read(tmp_path, text)
    assert found == names
    assert (
        (f"not at {rejected} (otherwise, set ingest.delimiter" in notes) if rejected else not notes
    )


def test_what_two_delimiters_split_alike_is_refused_with_both_readings(tmp_path: Path) -> None:
    text = "name;value,unit\na;b,c\nd;e,f\n"
    message = refusal(tmp_path, text)
    assert "found ',' (a;b | c) and ';' (a | b,c)" in message
    assert "ingest.delimiter" in message
    assert read(tmp_path, text, delimiter=";")[0] == ("name", "value,unit")
    assert read(tmp_path, text, delimiter=",")[0] == ("name;value", "unit")


@pytest.mark.parametrize("delimiter", [":", "^", "~", "\x01", "\x1f", "!", "|"])
def test_any_character_may_be_the_delimiter_by_an_option(
    tmp_path: Path, block_bytes: int, delimiter: str
) -> None:
    text = f"x,n,city\n{ROWS * 30}".replace(",", delimiter)
    _, cells, _ = read(tmp_path, text, delimiter=delimiter)
    assert cells == {name: values * 30 for name, values in TABLE.items()}
    if delimiter in "\x01\x1f|":
        assert read(tmp_path, text)[1] == cells


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delimiter": ";"}, "holds no ';', the delimiter in ingest.delimiter; found rows that"),
        ({"skip": 9}, "has 4 lines, but ingest.skip leaves out 9; set ingest.skip"),
        ({"skip": 4}, "has no rows; look at ingest.skip and ingest.comment"),
        ({"names": ("a", "b")}, "has 3 columns, but ingest.names names 2"),
    ],
)
def test_options_that_do_not_fit_the_file_are_refused(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    assert message in refusal(tmp_path, f"x,n,city\n{ROWS}", **options)


def test_lines_to_skip_are_counted_as_an_editor_counts_them(tmp_path: Path) -> None:
    text = f'a,b\n\n"c\nx,n,city\n{ROWS}'
    assert read(tmp_path, text, skip=3)[1] == TABLE


def test_lines_like_rows_above_an_empty_line_are_refused_with_both_readings(tmp_path: Path) -> None:
    text = "Station,Ulm\nMade,2024-01-01\n\nx,n\n1,2\n3,4\n"
    message = refusal(tmp_path, text)
    assert "found 'Station, Ulm' or 'x, n'; leave out the lines" in message
    assert "--skip 2` (ingest.skip)" in message
    assert read(tmp_path, text, skip=2)[1] == {"x": [1, 3], "n": [2, 4]}


@pytest.mark.parametrize(
    "text",
    [
        "name,city\nbob,paris\nann,ny,usa\njo,la,usa\n",
        "x,y\n1,2\n1,2,3\n4,5,6\n",
        "a,b\n1,2\n3,4\n\nx,y,z\n1,2,3\n",
        "name,age\nbob,30\nann,ny,31\njo,la,32\n",
    ],
)
def test_rows_are_never_taken_for_lines_above_a_header(tmp_path: Path, text: str) -> None:
    assert "cells where the header has 2" in refusal(tmp_path, text)


def test_years_may_be_names_below_a_title(tmp_path: Path) -> None:
    text = "Data,World Bank,\n\nUpdated,2024,\n\ncountry,code,2019,2020,\nA,a,1,2,\nB,b,3,4,\n"
    names, cells, _ = read(tmp_path, text)
    assert names == ("country", "code", "2019", "2020", "")
    assert cells["2020"] == [2, 4]


def test_a_backslash_before_a_quote_is_read_where_doubled_quotes_do_not_fit(
    tmp_path: Path, block_bytes: int
) -> None:
    texts = ['say "hi", Bob', "plain", 'C:\\dir "a"'] * 20
    written = [text.replace("\\", "\\\\").replace('"', '\\"') for text in texts]
    lines = ["x,text", *(f'{row},"{text}"' for row, text in enumerate(written))]
    _, cells, notes = read(tmp_path, "\n".join(lines))
    assert cells == {"x": list(range(60)), "text": texts}
    assert "has quotes with a backslash before them" in notes
    plain = 'x,text\n1,"C:\\"\n2,"D:\\"\n'
    assert read(tmp_path, plain)[1]["text"] == ["C:\\", "D:\\"]


def test_blanks_before_a_quote_are_no_part_of_a_cell(tmp_path: Path, block_bytes: int) -> None:
    lines = ['"x", "text"', *(f'{row},  "a, "" b" ' for row in range(50))]
    _, cells, _ = read(tmp_path, "\n".join(lines))
    assert cells == {"x": list(range(50)), "text": ['a, " b'] * 50}


@pytest.mark.parametrize("end", ["\x1a", "\n\x1a", "\r\n\x1a"])
def test_the_end_of_a_dos_file_is_no_row(tmp_path: Path, block_bytes: int, end: str) -> None:
    _, cells, _ = read(tmp_path, f"x,n,city\n{ROWS * 20}".rstrip() + end)
    assert cells == {name: values * 20 for name, values in TABLE.items()}


def test_single_quotes_are_no_quotes(tmp_path: Path) -> None:
    assert "has cells in single quotes; found 'x'" in refusal(tmp_path, "'x','y'\n1,'a, b'\n")


@pytest.mark.parametrize("text", ["x,n\n1,2\n", "\ufeff\ufeffx,n\n1,2\n", '\n"x"\t"n"\n1\t2'])
def test_a_file_without_a_doubt_has_no_notes(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == (("x", "n"), {"x": [1], "n": [2]}, "")


@pytest.mark.parametrize(
    "text",
    ["1.5,a\n2,b\n", "x,c\n1.5,a\n2,b\n", "1.5,a,\n2,b,\n", "# made\n1.5,a\n2,b\n", "1.5 a\n2 b\n"],
)
def test_given_names_read_files_without_a_header_and_with_theirs(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text, names=("x", "c"))[1] == {"x": [1.5, 2], "c": ["a", "b"]}


def test_a_header_of_given_names_in_another_order_or_without_some_is_read(tmp_path: Path) -> None:
    names = ("x", "n", "c")
    assert read(tmp_path, "c,x\na,1\n", names=names)[1] == {"c": ["a"], "x": [1]}
    assert read(tmp_path, "n\n1\n", names=names)[1] == {"n": [1]}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("rows", [1, 200])
@pytest.mark.parametrize(
    ("below", "number"),
    [
        ("(3 rows)\n", 1),
        ("(3 rows)", 1),
        ("3 rows selected.\n", 1),
        ("\nNotes: a, b\n", 1),
        ("\n\nSource: Bank\n\nas of May\n", 2),
        ('\n"Sales report"\n"All rights, reserved."\n', 2),
        ("__________\n© Office\n", 2),
    ],
)
def test_lines_below_the_table_are_not_read_and_it_is_said(
    tmp_path: Path, block_bytes: int, end: str, rows: int, below: str, number: int
) -> None:
    _, cells, notes = read(tmp_path, f"x,n,city\n{ROWS * rows}{below}".replace("\n", end))
    assert cells == {name: values * rows for name, values in TABLE.items()}
    assert (
        f"t.csv ends with {number} line{'s' * (number > 1)} below the table, not read: '" in notes
    )


@pytest.mark.parametrize("rows", [1, 200])
@pytest.mark.parametrize(
    "below", ["Ulm", "5,6", "5,6\n", "5\n", "\nname,age\nbob,3\n", "\nTotal,9\n", "a,b\n"]
)
def test_a_row_that_is_cut_off_and_another_table_are_no_notes(
    tmp_path: Path, rows: int, below: str
) -> None:
    assert "where the header has 3" in refusal(tmp_path, f"x,n,city\n{ROWS * rows}{below}")


def test_a_row_of_totals_is_a_row(tmp_path: Path) -> None:
    assert len(read(tmp_path, "city,x,n\nUlm,1,2\nTotal,1,2\n")[1]["x"]) == 2


@pytest.mark.parametrize(
    "text",
    [
        " x    | n  | city\n------+----+------\n  1.5 | 10 | Ulm \n    2 | 20 | Bonn\n"
        "   -3 | 30 | Köln\n(3 rows)\n\n",
        "| x | n | city |\n|--:|:-:|---|\n| 1.5 | 10 | Ulm |\n|2|20|Bonn|\n| -3|30 |Köln|\n",
        "+---+--+----+\n|x|n|city|\n+---+--+----+\n|1.5|10|Ulm|\n|2|20|Bonn|\n|-3|30|Köln|\n"
        "+---+--+----+\n3 rows in set (0.00 sec)\n",
        "Report\n------------\n|x|n|city|\n------------\n|1.5|10|Ulm|\n|2|20|Bonn|\n|-3|30|Köln|\n"
        "------------\n",
        "x      n city\n---- --- ----\n1.5   10 Ulm\n2     20 Bonn\n-3    30 Köln\n",
    ],
)
def test_a_table_drawn_with_dashes_is_read(tmp_path: Path, block_bytes: int, text: str) -> None:
    names, cells, notes = read(tmp_path, text)
    assert (names, cells) == (("x", "n", "city"), TABLE)
    assert "has lines of dashes, which are no rows" in notes


@pytest.mark.parametrize("row", ['"",""', " , ", '"" ,\t', ",", '" ",'])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_row_of_empty_cells_is_none_however_it_is_written(
    tmp_path: Path, block_bytes: int, row: str, delimiter: str
) -> None:
    text = f"x,y\n1,2\n{row}\n3,4\n{row}\n".replace(",", delimiter)
    _, cells, notes = read(tmp_path, text)
    assert cells == {"x": [1, 3], "y": [2, 4]}
    assert "has 2 rows of empty cells" in notes


@pytest.mark.parametrize(
    ("text", "names", "first"),
    [
        # A logger's lines, descriptions, row names with gaps, a line that names no delimiter.
        ('"TOA5","s"\n"t","a","b"\n"TS","C","%"\n"","Avg","Smp"\nk,1,2\nl,3,4\n', "tab", "k12"),
        ("id,a,b\nThe id,Mean age,Share\nk,1,2\nl,3,4\nk,3,4\n", ["id", "a", "b"], "k12"),
        ('"a","b"\n"1",2,3\n"4",5,6\n"9",5,6\n', ["", "a", "b"], "23"),
        ("a b\n1 2 3\n4 5 6\n9 5 6\n", ["", "a", "b"], "23"),
        ("#a b\n1 2\n3 4\n", "ab", "12"),
        ("sep=,\na;b\n1;2\n", "ab", "12"),
        ("SEP= ;\na;b\n1;2\n", "ab", "12"),
    ],
)
def test_lines_around_the_names_are_told_from_rows(
    tmp_path: Path, text: str, names: Sequence[str], first: str
) -> None:
    found, cells, _ = read(tmp_path, text)
    assert list(found) == list(names)
    assert "".join(str(column[0]) for column in cells.values()) == first


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x,y\n'a, b',1\n'c, d',2\n", "'a"),
        ("x,y\n'1.5',1\n'2.5',2\n", "'1.5'"),
        ("'x','y'\n'a','b'\n", "'x'"),
    ],
)
def test_single_quotes_that_hold_numbers_or_delimiters_are_refused(
    tmp_path: Path, text: str, found: str
) -> None:
    assert f"has cells in single quotes; found {found};" in refusal(tmp_path, text)


def test_a_backslash_before_a_quote_further_down_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialect, "BLOCK_BYTES", 100)
    text = "x,y\n" + '"abc",1\n' * 100 + '"a \\"b\\" c",1\n' + '"abc",1\n' * 100
    assert "row 101: has text after a closing quote" in refusal(tmp_path, text)
