import datetime
import errno
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linreg.data.tables import parquet
from linreg.data.tables.parquet import TableFile, TableWriter, limit_rows, write_table
from linreg.errors import UserError

SCHEMA = pa.schema(
    [
        ("n", pa.int64()),
        ("x", pa.float64()),
        ("s", pa.string()),
        ("b", pa.bool_()),
        ("t", pa.timestamp("us")),
    ]
)
EXAMPLE = pa.table(
    {
        "n": [1, None, 3],
        "x": [0.1, float("inf"), None],
        "s": ["ä", "", None],
        "b": [True, None, False],
        "t": [datetime.datetime(2020, 1, 1), None, datetime.datetime(1, 1, 1)],
    },
    schema=SCHEMA,
)


def numbers(start: int, count: int) -> pa.Table:
    return pa.table({"n": range(start, start + count)}, schema=pa.schema([("n", pa.int64())]))


def written(path: Path, lengths: Sequence[int]) -> bytes:
    """Write the numbers from 0 on in pieces of these lengths; return the bytes of the file."""
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    pieces = (numbers(start, length) for start, length in zip(starts, lengths, strict=True))
    write_table(path, numbers(0, 0).schema, pieces)
    return path.read_bytes()


def test_a_table_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    write_table(tmp_path / "t.parquet", SCHEMA, [EXAMPLE, EXAMPLE.to_batches()[0], EXAMPLE[:0]])
    file = TableFile(tmp_path / "t.parquet")
    assert file.schema == SCHEMA
    assert file.num_rows == 6
    assert pa.concat_tables(file.row_groups()).equals(pa.concat_tables([EXAMPLE, EXAMPLE]))
    assert file.row_group(0, ["x"]).column_names == ["x"]


@settings(max_examples=60)
@given(st.lists(st.integers(0, 25), max_size=8))
def test_the_bytes_depend_on_the_rows_and_not_on_the_pieces_they_came_in(
    lengths: list[int],
) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "ROWS_PER_GROUP", 10)
        path = Path(folder) / "t.parquet"
        num_rows = sum(lengths)
        assert written(path, lengths) == written(path, [num_rows])
        file = TableFile(path)
        groups = [file.row_group_length(i) for i in range(file.num_row_groups)]
        assert groups == [10] * (num_rows // 10) + [num_rows % 10] * (num_rows % 10 > 0)
        read = [n for group in file.row_groups() for n in group.column("n").to_pylist()]
        assert read == list(range(num_rows))


def columns(num_floats: int, num_texts: int = 0, num_truths: int = 0) -> pa.Schema:
    """Return columns of 8 bytes, of 32 bytes and of a bit each."""
    types = [pa.float64()] * num_floats + [pa.string()] * num_texts + [pa.bool_()] * num_truths
    return pa.schema([(f"c{i}", type_) for i, type_ in enumerate(types)])


@pytest.mark.parametrize(
    ("schema", "times"),
    [
        (columns(0), 1),
        (columns(1), 1),
        (columns(32), 1),
        (columns(31, 0, 64), 1),
        (columns(0, 8), 1),
        (columns(31, 0, 65), 2),
        (columns(1, 8), 2),
        (columns(64), 2),
        (columns(65), 4),
        (columns(128), 4),
        (columns(129), 8),
        (columns(1000), 32),
        (pa.schema([("l", pa.list_(pa.int8()))]), 1),
    ],
)
def test_rows_of_more_than_256_bytes_are_held_in_half_a_quarter_and_so_on(
    schema: pa.Schema, times: int
) -> None:
    most = limit_rows(schema, parquet.ROWS_PER_GROUP, parquet.BYTES_PER_ROW)
    assert most * times == 131_072


def test_a_row_group_has_a_row_however_wide() -> None:
    assert limit_rows(columns(1000), 4, 8) == 1


def test_a_wide_table_has_shorter_row_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", 20)
    schema = columns(65)
    rows = pa.table([range(33)] * 65, schema=schema)
    written = []
    for lengths in ([33], [3, 9, 0, 21]):
        starts = [sum(lengths[:i]) for i in range(len(lengths))]
        pieces = (rows.slice(start, length) for start, length in zip(starts, lengths, strict=True))
        write_table(tmp_path / "t.parquet", schema, pieces)
        file = TableFile(tmp_path / "t.parquet")
        assert [file.row_group_length(i) for i in range(file.num_row_groups)] == [5] * 6 + [3]
        assert pa.concat_tables(file.row_groups()).equals(rows)
        written.append((tmp_path / "t.parquet").read_bytes())
    assert written[0] == written[1]


def test_a_table_without_rows_keeps_its_schema(tmp_path: Path) -> None:
    write_table(tmp_path / "t.parquet", SCHEMA, [])
    file = TableFile(tmp_path / "t.parquet")
    assert (file.num_rows, file.num_row_groups, file.schema) == (0, 0, SCHEMA)
    assert list(file.row_groups()) == []


def test_metadata_of_the_schema_is_kept(tmp_path: Path) -> None:
    schema = numbers(0, 0).schema.with_metadata({"key": "value"})
    write_table(
        tmp_path / "t.parquet", schema, [numbers(0, 3).replace_schema_metadata(schema.metadata)]
    )
    assert (TableFile(tmp_path / "t.parquet").schema.metadata or {})[b"key"] == b"value"


def test_rows_of_another_schema_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(pa.ArrowInvalid), TableWriter(tmp_path / "t.parquet", SCHEMA) as writer:
        writer.write(numbers(0, 3))


def test_an_error_while_writing_is_not_hidden_by_pending_rows(tmp_path: Path) -> None:
    def write_and_fail() -> None:
        with TableWriter(tmp_path / "t.parquet", numbers(0, 0).schema) as writer:
            writer.write(numbers(0, 3))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()


def test_the_error_about_an_absent_file_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"t\.parquet: there is no such file; run `dvc repro` to make it"
    ):
        TableFile(tmp_path / "t.parquet")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"x,y\n1,2\n", b"PAR1" * 100])
def test_what_is_not_parquet_is_one_line_that_names_the_file(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        TableFile(path)
    assert str(error.value).startswith(f"{path}: cannot be read as Parquet; found ")
    assert len(str(error.value).splitlines()) == 1


def test_a_file_cut_short_anywhere_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    content = written(path, [100])
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(UserError, match="cannot be read as Parquet"):
            list(TableFile(path).row_groups())


def test_a_flipped_bit_in_the_data_is_found_on_reading(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    content = written(path, [100])
    group = pq.ParquetFile(path).metadata.row_group(0)
    column = group.column(group.num_columns - 1)
    # Headers of pages included.
    for position in range(4, column.data_page_offset + column.total_compressed_size):
        path.write_bytes(
            content[:position] + bytes([content[position] ^ 4]) + content[position + 1 :]
        )
        file = TableFile(path)
        with pytest.raises(UserError, match=r"t\.parquet: (cannot be read as Parquet|is damaged)"):
            file.row_group(0)


def test_a_file_cut_short_after_it_was_opened_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    written(path, [100])
    file = TableFile(path)
    os.truncate(path, 100)
    with pytest.raises(
        UserError, match=r"t\.parquet: cannot be read as Parquet; found File too short"
    ):
        file.row_group(0)


def test_a_flipped_bit_in_the_footer_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    content = written(path, [100])
    start = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    messages = (
        f"{path}: cannot be read as Parquet; found ",
        f"{path}: is damaged, or was changed after it was written",
    )
    for position in range(start, len(content)):
        # 128 makes invalid UTF-8 of a name.
        for bit in (1, 128):
            path.write_bytes(
                content[:position] + bytes([content[position] ^ bit]) + content[position + 1 :]
            )
            with pytest.raises(UserError) as error:
                list(TableFile(path).row_groups())
            assert str(error.value).startswith(messages)


# What the operating system refuses

TOO_MANY = """
import os, resource, sys
from pathlib import Path
from linreg.data.tables.parquet import TableFile
from linreg.errors import one_line_errors

path = Path(sys.argv[1])
read = one_line_errors(lambda: print(TableFile(path).num_rows))
read()
handle = os.open(path, os.O_RDONLY)
resource.setrlimit(resource.RLIMIT_NOFILE, (handle + 1, handle + 1))
read()
"""


def test_too_many_open_files_are_not_reported_as_damage(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    written(path, [100])
    done = subprocess.run(
        [sys.executable, "-c", TOO_MANY, path], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "100\n")
    assert done.stderr == f"error: {path}: Too many open files\n"


@pytest.mark.parametrize(
    "number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EACCES, errno.EIO]
)
def test_an_error_of_the_system_keeps_its_number_and_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    path = tmp_path / "t.parquet"
    written(path, [100])
    file = TableFile(path)

    def refused(*_: object, **__: object) -> None:
        raise OSError(number, f"Failed. Detail: [errno {number}]")

    monkeypatch.setattr(file, "_file", type("File", (), {"read_row_group": refused})())
    monkeypatch.setattr(pq, "ParquetFile", refused)
    for read in (lambda: TableFile(path), lambda: file.row_group(0)):
        with pytest.raises(OSError, match=r"t\.parquet") as error:
            read()
        assert (error.value.errno, error.value.strerror) == (number, os.strerror(number))
        assert error.value.filename == str(path)


def test_a_path_through_a_file_is_an_error_of_the_system(tmp_path: Path) -> None:
    written(tmp_path / "t.parquet", [3])
    with pytest.raises(NotADirectoryError, match=r"Not a directory: '.*t\.parquet/x'"):
        TableFile(tmp_path / "t.parquet" / "x")
