"""JSON is read as rows, in pieces, whatever the layout of its text."""

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linreg.data.formats import json_rows
from linreg.data.formats.json_rows import open_json, read_objects
from linreg.data.source import open_source
from linreg.data.typed_table import open_typed_table, unreadable_columns
from linreg.errors import UserError
from linreg.params.ingest import READ_AS_IS, ReadOptions

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def read(path: Path, *columns: str, options: ReadOptions = READ_AS_IS) -> dict[str, list[Any]]:
    source = open_source(path, options)
    scratch = path.with_suffix(".scratch")
    scratch.mkdir(exist_ok=True)
    table = open_typed_table(source, columns or source.columns, scratch)
    return dict(pa.concat_tables(chunk.rows for chunk in table.chunks()).to_pydict())


@pytest.mark.parametrize("piece", [3, 1 << 20])
@pytest.mark.parametrize("layout", ["lines", "array", "indented", "indented array"])
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.dictionaries(st.text(), VALUES, max_size=4), min_size=1, max_size=5))
def test_rows_are_those_of_the_json_module(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rows: list[dict[str, Any]],
    layout: str,
    piece: int,
) -> None:
    monkeypatch.setattr(json_rows, "PIECE_BYTES", piece)
    match layout:
        case "lines":
            text = "".join(json.dumps(row) + "\n" for row in rows)
        case "array":
            text = json.dumps(rows)
        case "indented":
            text = "\n".join(json.dumps(row, indent=2) for row in rows)
        case _:
            text = "\n" + json.dumps(rows, indent=4) + "\n\n"
    found = list(read_objects(open_json(written(tmp_path / "t.json", text))))
    expected = json.loads(json.dumps(rows), parse_int=str, parse_float=str)
    assert [list(row) for row in found] == [list(row) for row in rows]
    assert json.loads(json.dumps(found)) == expected


def test_an_absent_key_null_and_nan_are_missing_cells(tmp_path: Path) -> None:
    text = '{"x": 1.5, "g": "a"}\n{"g": null, "z": 2}\n{"x": NaN, "z": 3}\n'
    assert read(written(tmp_path / "t.jsonl", text)) == {
        "x": [1.5, None, None],
        "g": ["a", None, None],
        "z": [None, 2, 3],
    }


def test_numbers_keep_their_digits(tmp_path: Path) -> None:
    text = '{"n": 9007199254740993, "x": 0.1}\n{"n": -1, "x": 1E2}'
    assert read(written(tmp_path / "t.jsonl", text)) == {
        "n": [9007199254740993, -1],
        "x": [0.1, 100.0],
    }


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ('1 "a"', "holds the number 1 in row 1 and the text 'a' in row 2"),
        ('"a" 1', "holds the text 'a' in row 1 and the number 1 in row 2"),
        ("true 1", "holds the truth value true in row 1 and the number 1 in row 2"),
        ("1 [2]", "holds the value ['2'] in row 2"),
        ('{"k":1} null', "holds the value {'k': '1'} in row 1"),
    ],
)
def test_a_column_of_unlike_values_is_not_read_and_does_not_disturb_others(
    tmp_path: Path, cells: str, why: str
) -> None:
    path = written(
        tmp_path / "t.jsonl", "".join(f'{{"x": {cell}, "z": 3}}\n' for cell in cells.split(" "))
    )
    assert unreadable_columns(open_source(path)) == {"x": why}
    assert read(path, "z") == {"z": [3, 3]}
    with pytest.raises(UserError) as error:
        read(path, "x")
    assert str(error.value).startswith(f"{path}: column x: {why}; ")


def test_numbers_stored_as_text_are_numbers_and_are_said(tmp_path: Path) -> None:
    path = written(tmp_path / "t.jsonl", '{"x": 1}\n{"x": "2"}\n{"x": "NA"}')
    assert read(path) == {"x": [1, 2, None]}
    [note] = open_source(path).notes
    assert str(note) == "t.jsonl: column x holds numbers stored as text, such as '2' in row 2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"x": 1}\n{"x": tru}\n{"x": 2}', 'row 2: is not JSON; found {"x": tru}'),
        ('{"x": 1}\n{"x": 2', "row 2: is not JSON"),
        ('[{"x": 1}, {"x": 2}', "row 3: is cut off"),
        ('[{"x": 1} {"x": 2}]', "row 2: is not JSON"),
        ('[{"x": 1}, 2]', 'row 2: is not an object; found "2"'),
        ('[{"x": 1}] 3', "after row 1: something follows the end of the array; found 3"),
        ('{"x": 1, "x": 2}', "row 1: cannot be read; found the key 'x' twice"),
        ('{"x": [1, 2], "y": [3, 4]}', "holds one object, not rows; found x, y"),
        ("[]", "holds no rows"),
        ("[[1, 2], [3, 4]]", "row 1: is not an object"),
        ("[" * 100_000, "row 1: cannot be read; found maximum recursion depth"),
    ],
)
def test_what_is_no_table_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        open_source(written(tmp_path / "t.json", text))
    assert message in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "t.json"))


def test_an_object_without_an_end_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_rows, "MOST_CHARACTERS", 1000)
    monkeypatch.setattr(json_rows, "PIECE_BYTES", 100)
    path = written(tmp_path / "t.json", '{"x": 1}{"x": "' + "a" * 10_000)
    with pytest.raises(UserError, match="row 2: does not end within 1000 characters"):
        open_source(path)


def test_other_encodings_are_read_by_option(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_bytes('{"g": "ä"}'.encode("cp1252"))
    assert read(path, options=ReadOptions(encoding="cp1252")) == {"g": ["ä"]}
    path.write_text('{"g": "ä"}', encoding="utf-16")
    assert read(path) == {"g": ["ä"]}


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_files_are_read(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(compress(b'{"x": 1}\n{"x": 2}\n' * 1000))
    assert read(path) == {"x": [1, 2] * 1000}


def test_other_tables_are_not_read_from_compressed_files(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet.gz"
    path.write_bytes(gzip.compress(b"PAR1" + bytes(99)))
    with pytest.raises(UserError, match=r"is compressed with gzip, and not text: Parquet; unpack"):
        open_source(path)


def test_names_are_not_given_to_columns_that_have_some(tmp_path: Path) -> None:
    path = written(tmp_path / "t.json", '{"x": 1}')
    with pytest.raises(UserError, match="is JSON, whose columns have names"):
        open_source(path, ReadOptions(names=("a",)))
