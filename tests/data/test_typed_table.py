import datetime
import decimal
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linreg.data.source import open_source
from linreg.data.typed_table import TypedTable, open_typed_table, unreadable_columns
from linreg.errors import UserError

Read = Callable[..., TypedTable]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads columns of a source, all of them without names."""

    def read(path: Path, *columns: str) -> TypedTable:
        source = open_source(path)
        scratch = tmp_path / ".scratch"
        scratch.mkdir(exist_ok=True)
        return open_typed_table(
            source, columns or [name for name in source.columns if name], scratch
        )

    return read


def write(path: Path, columns: dict[str, Any] | pa.Table, **options: Any) -> Path:
    path.parent.mkdir(exist_ok=True)
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), path, **options)
    return path


def rows(table: TypedTable) -> dict[str, list[Any]]:
    return dict(pa.concat_tables(part.rows for part in table.chunks()).to_pydict())


DAY = datetime.date(2020, 2, 29)


MOMENT = datetime.datetime(2020, 2, 29, 12, 30)


TYPES = [
    (pa.int8(), [-128, None, 127], pa.int64(), [-128, None, 127]),
    (pa.uint32(), [0, None, 2**32 - 1], pa.int64(), [0, None, 2**32 - 1]),
    (pa.int64(), [-(2**63), None, 2**63 - 1], pa.int64(), [-(2**63), None, 2**63 - 1]),
    (pa.uint64(), [0, None, 2**64 - 1], pa.float64(), [0.0, None, 2.0**64]),
    (pa.float16(), np.array([0.5, -2.0], np.float16), pa.float32(), [0.5, -2.0]),
    (pa.float32(), [0.5, None, 1e30], pa.float32(), [0.5, None, float(np.float32(1e30))]),
    (pa.float64(), [0.1, None, 1e300], pa.float64(), [0.1, None, 1e300]),
    (pa.decimal128(38, 20), [decimal.Decimal("0.1"), None], pa.float64(), [0.1, None]),
    (pa.decimal256(50, 2), [decimal.Decimal(10**40), None], pa.float64(), [1e40, None]),
    (pa.decimal32(5, 2), [decimal.Decimal("123.45"), None], pa.float64(), [123.45, None]),
    (pa.null(), [None, None], pa.float64(), [None, None]),
    (pa.bool_(), [True, None, False], pa.bool_(), [True, None, False]),
    (pa.string(), ["ä", None, ""], pa.string(), ["ä", None, ""]),
    (pa.large_string(), ["ä", None, ""], pa.string(), ["ä", None, ""]),
    (pa.string_view(), ["ä", None, ""], pa.string(), ["ä", None, ""]),
    (pa.dictionary(pa.int8(), pa.string()), ["a", None, "a"], pa.string(), ["a", None, "a"]),
    (pa.dictionary(pa.int32(), pa.large_string()), ["a", None], pa.string(), ["a", None]),
    (pa.dictionary(pa.int32(), pa.int64()), [7, None, 7], pa.int64(), [7, None, 7]),
    (pa.dictionary(pa.int32(), pa.float64()), [0.1, None], pa.float64(), [0.1, None]),
    (pa.date32(), [DAY, None], pa.date32(), [DAY, None]),
    (pa.timestamp("us"), [MOMENT, None], pa.timestamp("us"), [MOMENT, None]),
    (
        pa.timestamp("us", "UTC"),
        [MOMENT.replace(tzinfo=datetime.UTC), None],
        pa.timestamp("us", "UTC"),
        [MOMENT.replace(tzinfo=datetime.UTC), None],
    ),
]


@pytest.mark.parametrize(
    ("type_", "cells", "plain", "expected"), TYPES, ids=[str(each[0]) for each in TYPES]
)
def test_a_parquet_column_gets_the_narrowest_type_that_holds_it(
    tmp_path: Path,
    read: Read,
    type_: pa.DataType,
    cells: Any,
    plain: pa.DataType,
    expected: list[Any],
) -> None:
    table = read(
        write(tmp_path / "t.parquet", {"c": pa.array(cells, type_), "other": range(len(cells))})
    )
    assert table.schema.field("c").type == plain
    assert rows(table)["c"] == expected


@pytest.mark.parametrize(
    "column",
    [
        pa.array([[1, 2]]),
        pa.array([{"a": 1}]),
        pa.array([b"x"]),
        pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
    ],
    ids=lambda column: str(column.type),
)
def test_a_nested_or_binary_column_is_refused_only_if_it_is_needed(
    tmp_path: Path, read: Read, column: pa.Array
) -> None:
    path = write(tmp_path / "t.parquet", {"x": [1.0], "c": column})
    assert rows(read(path, "x")) == {"x": [1.0]}
    with pytest.raises(
        UserError,
        match=r"t\.parquet: column c: must hold numbers, text, truth values or times; found ",
    ):
        read(path, "c")


def test_csv_and_parquet_give_the_same_table(tmp_path: Path, read: Read) -> None:
    frame = pd.DataFrame(
        {"x": [0.1, 1e300, -3.5], "n": [1, 2, 3], "s": ["a", "b,c", "ä"], "b": [True, False, True]}
    )
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet", index=False)
    csv, parquet = read(tmp_path / "t.csv"), read(tmp_path / "t.parquet")
    assert csv.schema.types == parquet.schema.types
    assert rows(csv) == rows(parquet) == frame.to_dict("list")


def test_a_chunk_names_its_file_and_its_first_row(tmp_path: Path, read: Read) -> None:
    for name in "ab":
        write(tmp_path / "f" / f"{name}.parquet", {"x": range(5)}, row_group_size=2)
    parts = [
        (part.origin.name, part.first_row, part.rows.num_rows)
        for part in read(tmp_path / "f").chunks()
    ]
    assert parts == [
        (f"{name}.parquet", first, count)
        for name in "ab"
        for first, count in ((1, 2), (3, 2), (5, 1))
    ]


def test_a_chunk_of_csv_names_the_users_file(tmp_path: Path, read: Read) -> None:
    (tmp_path / "t.csv").write_text("x\n1\n2\n")
    assert [(part.origin, part.first_row) for part in read(tmp_path / "t.csv").chunks()] == [
        (tmp_path / "t.csv", 1)
    ]


@pytest.mark.parametrize(
    ("types", "common"),
    [
        ([pa.int64(), pa.float64()], pa.float64()),
        ([pa.float32(), pa.float64()], pa.float64()),
        ([pa.int8(), pa.int64()], pa.int64()),
        ([pa.int64(), pa.uint64()], pa.float64()),
        ([pa.float16(), pa.float32()], pa.float32()),
        ([pa.string(), pa.large_string()], pa.string()),
        ([pa.dictionary(pa.int8(), pa.string()), pa.string()], pa.string()),
    ],
)
def test_numbers_and_texts_of_several_files_get_a_common_type(
    tmp_path: Path, read: Read, types: list[pa.DataType], common: pa.DataType
) -> None:
    for index, type_ in enumerate(types):
        cells = pa.array(["3"], pa.string()) if common == pa.string() else pa.array([3], pa.int64())
        write(
            tmp_path / "f" / f"{index}.parquet",
            {
                "x": cells.cast(pa.float32()).cast(type_)
                if type_ == pa.float16()
                else cells.cast(type_)
            },
        )
    table = read(tmp_path / "f")
    assert table.schema.field("x").type == common
    assert rows(table)["x"] == ["3" if common == pa.string() else 3.0] * len(types)


@pytest.mark.parametrize(
    "type_", [pa.float64(), pa.int64(), pa.string(), pa.bool_(), pa.date32(), pa.timestamp("us")]
)
def test_a_column_without_a_value_in_one_file_has_the_type_of_the_others(
    tmp_path: Path, read: Read, type_: pa.DataType
) -> None:
    write(tmp_path / "f" / "a.parquet", {"x": pa.nulls(2), "y": [1, 2]})
    write(tmp_path / "f" / "b.parquet", {"x": pa.nulls(1, type_), "y": [3]})
    table = read(tmp_path / "f")
    assert table.schema.field("x").type == type_
    assert rows(table) == {"x": [None] * 3, "y": [1, 2, 3]}


@pytest.mark.parametrize("other", [pa.bool_(), pa.date32()])
def test_a_column_of_two_types_names_folder_column_and_types(
    tmp_path: Path, read: Read, other: pa.DataType
) -> None:
    write(tmp_path / "f" / "a.parquet", {"x": [1]})
    write(tmp_path / "f" / "b.parquet", {"x": pa.nulls(1, other)})
    with pytest.raises(
        UserError, match=r"/f: column x: must have one type in all files; found .*int64"
    ) as error:
        read(tmp_path / "f")
    assert str(other) in str(error.value)


def test_a_column_that_one_file_lacks_names_that_file(tmp_path: Path, read: Read) -> None:
    write(tmp_path / "f" / "a.parquet", {"x": [1], "z": [1]})
    write(tmp_path / "f" / "b.parquet", {"x": [1]})
    with pytest.raises(UserError, match=r"b\.parquet: column z: is not in this file; found x"):
        read(tmp_path / "f")


def test_rows_of_a_folder_are_in_the_order_of_the_files_names(tmp_path: Path, read: Read) -> None:
    for name, x in (("b", 3), ("a", 1), ("a10", 2)):
        write(tmp_path / "f" / f"{name}.parquet", {"x": [x]})
    assert rows(read(tmp_path / "f")) == {"x": [1, 2, 3]}


def test_files_may_order_their_columns_differently(tmp_path: Path, read: Read) -> None:
    write(tmp_path / "f" / "a.parquet", {"x": [1], "z": ["a"]})
    write(tmp_path / "f" / "b.parquet", {"z": ["b"], "x": [2]})
    assert rows(read(tmp_path / "f")) == {"x": [1, 2], "z": ["a", "b"]}


def test_a_pandas_frame_with_categories_and_nullable_types_is_read(
    tmp_path: Path, read: Read
) -> None:
    frame = pd.DataFrame(
        {
            "g": pd.Categorical(["a", "b", None], categories=["b", "a", "unused"]),
            "n": pd.array([1, None, 3], dtype="Int16"),
            "f": pd.array([True, None, False], dtype="boolean"),
        }
    )
    frame.to_parquet(tmp_path / "t.parquet", index=False)
    table = read(tmp_path / "t.parquet")
    assert table.schema.types == [pa.string(), pa.int64(), pa.bool_()]
    assert rows(table) == {"g": ["a", "b", None], "n": [1, None, 3], "f": [True, None, False]}


def test_a_decimal_is_the_float64_nearest_to_all_of_its_digits(tmp_path: Path, read: Read) -> None:
    texts = [
        "0.12345678901234567890",
        "123456789012345678.12345678901234567890",
        "-0.00000000000000000001",
        "0.3",
    ]
    cells = pa.array([decimal.Decimal(text) for text in texts], pa.decimal128(38, 20))
    assert rows(read(write(tmp_path / "t.parquet", {"x": cells})))["x"] == [
        float(text) for text in texts
    ]


def test_a_sample_is_every_nth_row_group_over_all_files(tmp_path: Path, read: Read) -> None:
    for name, start in (("a", 0), ("b", 10), ("c", 20)):
        columns = {"x": range(start, start + 10)}
        write(tmp_path / "f" / f"{name}.parquet", columns, row_group_size=2)
    table = read(tmp_path / "f")
    assert (table.num_rows, table.num_row_groups) == (30, 15)
    for every in (1, 2, 4, 7):
        sample = rows(replace(table, every=every))["x"]
        assert sample == [x for x in range(30) if (x // 2) % every == 0]


def test_a_cell_of_text_that_is_not_utf8_is_named_by_its_row(tmp_path: Path, read: Read) -> None:
    cells = pa.array([b"good", None, b"\xff"]).view(pa.string())
    write(tmp_path / "t.parquet", {"x": range(3), "s": cells}, row_group_size=2)
    what = "row 3: column s: is not UTF-8"
    with pytest.raises(UserError, match=rf"t\.parquet: {what}; found b'\\xff'"):
        rows(read(tmp_path / "t.parquet"))


def test_unreadable_columns_are_listed_with_their_types(tmp_path: Path) -> None:
    columns = {"x": [1.0], "l": pa.array([[1]]), "b": pa.array([b"x"])}
    path = write(tmp_path / "t.parquet", columns)
    assert unreadable_columns(open_source(path)) == {
        "l": "has the type list<element: int64>, which is neither number, text nor time",
        "b": "has the type binary, which is neither number, text nor time",
    }
    (tmp_path / "t.csv").write_text("x\n1\n")
    assert unreadable_columns(open_source(tmp_path / "t.csv")) == {}


@pytest.mark.parametrize("type_", [pa.float16(), pa.float32(), pa.float64()], ids=str)
@pytest.mark.parametrize("is_dictionary", [False, True])
def test_nan_is_a_missing_cell_and_infinity_is_not(
    tmp_path: Path, read: Read, type_: pa.DataType, is_dictionary: bool
) -> None:
    cells = pa.array([1.0, math.nan, None, -math.nan, math.inf], pa.float64()).cast(type_)
    if is_dictionary:
        indices = pa.array([0, 1, None, 2, 3], pa.int8())
        cells = pa.DictionaryArray.from_arrays(indices, cells.drop_null())
    path = tmp_path / "t.feather"
    with pa.ipc.new_file(str(path), pa.schema([("x", cells.type)])) as writer:
        writer.write(pa.record_batch({"x": cells}))
    assert rows(read(path)) == {"x": [1.0, None, None, None, math.inf]}
    # pyarrow does not write such a dictionary of halves.
    if type_ != pa.float16() or not is_dictionary:
        write(tmp_path / "t.parquet", {"x": cells})
        assert rows(read(tmp_path / "t.parquet")) == {"x": [1.0, None, None, None, math.inf]}
