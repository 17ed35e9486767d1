import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from linreg.data.tables import parquet as tables
from linreg.data.tables.parquet import write_table
from linreg.errors import UserError
from linreg.verify.differences import parquet_files
from linreg.verify.differences.paths import first_difference


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "expected", tmp_path / "found"
    for path in paths:
        path.mkdir()
    return paths


def in_words(two: tuple[Path, Path], name: str, *contents: str | bytes) -> str | None:
    """What is said of two files with these contents."""
    for folder, content in zip(two, contents, strict=True):
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    difference = first_difference(two[0] / name, two[1] / name)
    return None if difference is None else str(difference)


def parquet(two: tuple[Path, Path], *written: pa.Table) -> str | None:
    for folder, rows in zip(two, written, strict=True):
        write_table(folder / "table.parquet", rows.schema, [rows])
    difference = first_difference(two[0] / "table.parquet", two[1] / "table.parquet")
    return None if difference is None else str(difference)


@pytest.mark.parametrize(
    ("expected", "found", "words"),
    [
        (
            {"theta": {"x1": 1.0}},
            {"theta": {"x1": 1.0000000000000002}},
            "theta.x1: 1.0 became 1.0000000000000002 (1 ulp)",
        ),
        ({"checksum": "a", "z": [1, 2.5]}, {"checksum": "b", "z": [1, 3]}, "z[1]: 2.5 became 3"),
        (
            {"hashes": {"data/split": "a"}, "b": 1},
            {"hashes": {"data/split": "b"}, "b": 1},
            "hashes.data/split: 'a' became 'b'",
        ),
        (
            {"gates": {"r2": {"value": None}}},
            {"gates": {"r2": {}}},
            "gates.r2.value: null became absent",
        ),
        ({"a": [1]}, {"a": [1, {"b": True}]}, 'a[1]: absent became {"b": true}'),
        ({"a": 0.0}, {"a": -0.0}, "a: 0.0 became -0.0 (0 ulps)"),
        ({"a": 1}, {"a": True}, "a: 1 became true"),
        ({"a": 1}, {"a": 1.0}, "a: 1 became 1.0"),
    ],
)
def test_json_names_the_key_and_a_hash_only_where_nothing_else_differs(
    two: tuple[Path, Path], expected: object, found: object, words: str
) -> None:
    assert in_words(two, "a.json", json.dumps(expected), json.dumps(found)) == f"a.json: {words}"


def test_json_written_otherwise_has_the_same_values(two: tuple[Path, Path]) -> None:
    words = in_words(two, "a.json", '{"a": 1}', '{"a":1}')
    place = "same values, encoded differently: line 1, column 6"
    assert words == f"a.json: {place}: '{{\"a\": 1}}' became '{{\"a\":1}}'"


@pytest.mark.parametrize(
    ("expected", "found", "words"),
    [
        (
            "epoch,mse\n1,0.1\n2,0.3\n",
            "epoch,mse\n1,0.1\n2,0.30000000000000004\n",
            "column mse, row 2: 0.3 became 0.30000000000000004 (1 ulp)",
        ),
        ("n\n7\n", "n\n8\n", "column n, row 1: 7 became 8"),
        (
            "n\n9007199254740993\n",
            "n\n9007199254740992\n",
            "column n, row 1: 9007199254740993 became 9007199254740992",
        ),
        ("n,m\na,b\n", "n,m\na,b\nc,d\n", "column n, row 2: absent became 'c'"),
        ("n,m\na,b\n", "n,o\na,b\n", "header, column 2: 'm' became 'o'"),
        ("n\n1\n2\n", "n\n1.0\n3\n", "column n, row 2: 2 became 3"),
        ("n\n1\n", "n\n1.0\n", "same values, encoded differently: column n, row 1: 1 became 1.0"),
        ("n\n0.0\n", "n\n-0.0\n", "column n, row 1: 0.0 became -0.0 (0 ulps)"),
        ("n\nnan\n", "n\n1.5\n", "column n, row 1: nan became 1.5"),
        (
            "n\n1\n",
            'n\n"1"\n',
            "same values, encoded differently: line 2, column 1: '1' became '\"1\"'",
        ),
        (
            "n\n1\n",
            "n\r\n1\r\n",
            "same values, encoded differently: line 1, column 2: 'n\\n' became 'n\\r\\n'",
        ),
    ],
)
def test_csv_names_column_and_row(
    two: tuple[Path, Path], expected: str, found: str, words: str
) -> None:
    assert in_words(two, "a.csv", expected, found) == f"a.csv: {words}"


ROWS = pa.table(
    {
        "x": pa.array([1.0, 2.0, None], pa.float64()),
        "y": pa.array([1, 4.25, np.nan], pa.float32()),
        "t": ["a", "b", None],
        "n": [1, 2, 3],
    }
)


def with_value(column: str, row: int, value: object) -> pa.Table:
    values = ROWS[column].to_pylist()
    values[row] = value
    index = ROWS.schema.get_field_index(column)
    return ROWS.set_column(
        index, ROWS.schema.field(index), pa.array(values, ROWS.schema.field(index).type)
    )


@pytest.mark.parametrize(
    ("column", "row", "value", "words"),
    [
        ("y", 1, 4.250001, "column y, row 2: 4.25 became 4.250001 (2 ulps)"),
        ("x", 1, 2.0000000000000004, "column x, row 2: 2.0 became 2.0000000000000004 (1 ulp)"),
        ("x", 2, 0.5, "column x, row 3: null became 0.5"),
        ("x", 0, float("inf"), f"column x, row 1: 1.0 became inf ({(0x7FF - 0x3FF) << 52} ulps)"),
        ("y", 2, 1.0, "column y, row 3: nan became 1.0"),
        ("t", 0, "A", "column t, row 1: 'a' became 'A'"),
        ("t", 2, "", "column t, row 3: null became ''"),
        ("n", 1, 5, "column n, row 2: 2 became 5"),
    ],
)
def test_parquet_names_column_and_row(
    two: tuple[Path, Path], column: str, row: int, value: object, words: str
) -> None:
    assert parquet(two, ROWS, with_value(column, row, value)) == f"table.parquet: {words}"
    assert parquet(two, ROWS, ROWS) is None


def test_parquet_tells_two_kinds_of_nan_and_of_zero_apart(two: tuple[Path, Path]) -> None:
    other = np.frombuffer((0x7FC00001).to_bytes(4, "little"), np.float32)
    words = parquet(two, pa.table({"y": np.full(1, np.nan, np.float32)}), pa.table({"y": other}))
    assert words == "table.parquet: column y, row 1: nan (bits 7fc00000) became nan (bits 7fc00001)"
    words = parquet(two, pa.table({"y": [0.0]}), pa.table({"y": [-0.0]}))
    assert words == "table.parquet: column y, row 1: 0.0 became -0.0 (0 ulps)"


def test_parquet_says_what_is_wrong_with_columns_rows_and_metadata(two: tuple[Path, Path]) -> None:
    words = parquet(two, ROWS, ROWS.drop_columns("n"))
    assert words == "table.parquet: column number 4: n: int64 became absent"
    assert parquet(two, ROWS, ROWS.slice(1)) == "table.parquet: number of rows: 3 became 2"
    words = parquet(two, ROWS, ROWS.cast(ROWS.schema.set(1, pa.field("y", pa.float64()))))
    assert words == "table.parquet: column number 2: y: float became y: double"
    words = parquet(
        two, ROWS.replace_schema_metadata({"k": "a"}), ROWS.replace_schema_metadata({"k": "b"})
    )
    assert words == "table.parquet: metadata k: a became b"


@pytest.mark.slow
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 99))
def test_parquet_with_other_row_groups_still_finds_the_row(
    first: int, second: int, row: int
) -> None:
    values = np.arange(100.0)
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        paths = Path(folder, "a.parquet"), Path(folder, "b.parquet")
        for path, length, rows in (
            (paths[0], first, values),
            (paths[1], second, values + (np.arange(100) >= row)),
        ):
            patch.setattr(tables, "ROWS_PER_GROUP", length)
            patch.setattr(parquet_files, "ROWS_PER_READ", 16)
            write_table(path, pa.schema({"x": pa.float64()}), [pa.table({"x": rows})])
        assert str(first_difference(*paths)).startswith(f"b.parquet: column x, row {row + 1}: ")


def test_parquet_stored_otherwise_has_the_same_values(two: tuple[Path, Path]) -> None:
    for folder, groups, compression in ((two[0], 3, "none"), (two[1], 2, "none")):
        pq.write_table(ROWS, folder / "a.parquet", row_group_size=groups, compression=compression)
    paths = two[0] / "a.parquet", two[1] / "a.parquet"
    assert (
        str(first_difference(*paths))
        == "a.parquet: same values, encoded differently: row groups: 1 became 2"
    )
    pq.write_table(ROWS, paths[1], row_group_size=3, compression="snappy")
    place = "compression of column x in row group 1"
    words = f"a.parquet: same values, encoded differently: {place}: UNCOMPRESSED became SNAPPY"
    assert str(first_difference(*paths)) == words


def test_tensors_name_tensor_and_index(two: tuple[Path, Path]) -> None:
    a = {"theta": np.array([[1.0, 2.0], [3.0, 4.0]], np.float32), "b": np.array(5.0)}
    b = {
        "theta": np.array(
            [[1.0, 2.0], [np.nextafter(np.float32(3), np.float32(0)), 4.0]], np.float32
        ),
        "b": np.array(5.0),
    }
    paths = two[0] / "m.safetensors", two[1] / "m.safetensors"
    for path, tensors in zip(paths, (a, b), strict=True):
        save_file(tensors, path)
    assert (
        str(first_difference(*paths)) == "m.safetensors: theta[1, 0]: 3.0 became 2.9999998 (1 ulp)"
    )
    save_file({**a, "b": np.array(5.5)}, paths[1])
    assert str(first_difference(*paths)).startswith("m.safetensors: b: 5.0 became 5.5 (")
    save_file({"theta": a["theta"].ravel(), "b": a["b"]}, paths[1])
    assert (
        str(first_difference(*paths))
        == "m.safetensors: tensor theta: float32[2, 2] became float32[4]"
    )
    save_file({"b": a["b"]}, paths[1])
    assert (
        str(first_difference(*paths)) == "m.safetensors: tensor theta: float32[2, 2] became absent"
    )
    save_file(a, paths[1], {"format": "np"})
    assert str(first_difference(*paths)) == 'm.safetensors: metadata: {} became {"format": "np"}'
    save_file(a, paths[1])
    assert first_difference(*paths) is None


def test_other_files_and_damaged_ones_name_the_byte_and_show_those_around(
    two: tuple[Path, Path],
) -> None:
    words = in_words(two, "a.bin", b"\x00abcdefgh123456789", b"\x00abcdefghX23456789")
    expected = "61 62 63 64 65 66 67 68 [31] 32 33 34 35 36 37 38 39"
    assert words == f"a.bin: byte 9: {expected} became {expected.replace('[31]', '[58]')}"
    assert in_words(two, "a.bin", b"\xff\x00", b"\xff") == (
        "a.bin: byte 1: ff [00] became the end of the file"
    )
    far = b"\x00" * (3 << 20)
    words = in_words(two, "a.bin", far + b"a", far + b"b")
    assert words == f"a.bin: byte {3 << 20}: {'00 ' * 8}[61] became {'00 ' * 8}[62]"
    for name in ("a.json", "a.parquet", "a.safetensors", "a.npy", "a.npz", "a.zip", "a.gz"):
        assert in_words(two, name, b"\x00]", b"\x00[") == f"{name}: byte 1: 00 [5d] became 00 [5b]"


def test_a_folder_prefers_values_then_encodings_then_hashes(two: tuple[Path, Path]) -> None:
    for folder, number in zip(two, (1, 2), strict=True):
        (folder / "a.bin").write_bytes(bytes([number]))
        (folder / "inner").mkdir()
        (folder / "inner" / "c.csv").write_text(f"n\n{number}\n")
        (folder / "b.json").write_text(json.dumps({"checksum": str(number)}))
    assert str(first_difference(*two)) == "inner/c.csv: column n, row 1: 1 became 2"
    (two[1] / "inner" / "c.csv").write_text("n\n1.0\n")
    encoding = "inner/c.csv: same values, encoded differently: column n, row 1: 1 became 1.0"
    assert str(first_difference(*two)) == encoding
    (two[1] / "inner" / "c.csv").write_text("n\n1\n")
    assert str(first_difference(*two)) == "b.json: checksum: '1' became '2'"
    (two[1] / "b.json").write_text(json.dumps({"checksum": "1"}))
    assert str(first_difference(*two)) == "a.bin: byte 0: [01] became [02]"
    (two[1] / "a.bin").write_bytes(bytes([1]))
    assert first_difference(*two) is None
    (two[1] / "inner" / "d").write_text("")
    assert str(first_difference(*two)) == "inner/d: absent became a file"


def test_a_file_in_place_of_a_folder_or_of_nothing(two: tuple[Path, Path]) -> None:
    (two[0] / "a").mkdir()
    (two[1] / "a").write_text("")
    assert str(first_difference(*two)) == "a: a folder became a file"
    assert str(first_difference(two[0] / "a", two[1] / "a")) == "a: a folder became a file"
    assert str(first_difference(two[0] / "a", two[1] / "b")) == "b: a folder became absent"
    shutil.rmtree(two[0])
    assert str(first_difference(*two)) == "found: absent became a folder"
    with pytest.raises(UserError, match="no such file or folder"):
        first_difference(two[0], two[0])
