from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.errors import UserError
from linreg.prediction.output import join_reasons, new_output, output_schema, require_suffix

SCHEMA = pa.schema([("row", pa.int64()), ("prediction", pa.float64()), ("reason", pa.string())])


@given(st.lists(st.lists(st.booleans(), min_size=6, max_size=6), max_size=40))
def test_the_reasons_of_a_row_are_joined_in_their_order(rows: list[list[bool]]) -> None:
    names = [f"reason {i}" for i in range(6)]
    masks = np.array(rows, bool).reshape(len(rows), 6)
    found = join_reasons(dict(zip(names, masks.T, strict=True)), len(rows)).to_pylist()
    assert found == [
        "; ".join(name for name, holds in zip(names, row, strict=True) if holds) or "ok"
        for row in rows
    ]


def write_all(path: Path, tables: Iterable[pa.Table]) -> None:
    with new_output(path, SCHEMA) as (encode, write):
        for table in tables:
            write(encode(table))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_an_output_is_complete_or_absent(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    rows = pa.table([[1, 2], [0.5, None], ["ok", "missing value: x"]], SCHEMA)

    def one_table_and_an_error() -> Iterator[pa.Table]:
        yield rows
        raise UserError("in.csv: row 3", "cannot be read")

    with pytest.raises(UserError):
        write_all(path, one_table_and_an_error())
    assert list(tmp_path.iterdir()) == []
    with new_output(path, SCHEMA) as (encode, write):
        write(encode(rows))
        assert not path.exists()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_the_bytes_do_not_depend_on_how_rows_are_written(tmp_path: Path, suffix: str) -> None:
    numbers = np.random.default_rng(1).standard_normal(300_000)
    rows = pa.table([np.arange(300_000), numbers, ["ok"] * 300_000], SCHEMA)
    files = []
    for length in (300_000, 70_001, 131_072):
        files.append(tmp_path / f"by-{length}{suffix}")
        with new_output(files[-1], SCHEMA) as (encode, write):
            for start in range(0, rows.num_rows, length):
                write(encode(rows.slice(start, length)))
    assert len({file.read_bytes() for file in files}) == 1


def test_a_csv_keeps_every_digit_and_quotes_what_needs_it(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    text = ['a "quoted", cell', None, "two\nlines", "0012"]
    numbers = [0.1 + 0.2, None, -1e-300, 1e22]
    schema = pa.schema([("id", pa.string()), ("prediction", pa.float64())])
    with new_output(path, schema) as (encode, write):
        write(encode(pa.table([text, numbers], schema)))
    back = pd.read_csv(path, dtype={"id": str})
    assert [None if each is np.nan else each for each in back["id"]] == text
    assert [None if np.isnan(each) else each for each in back["prediction"]] == numbers


def test_a_kept_column_may_not_have_the_name_of_another_column() -> None:
    for name in ("row", "prediction", "reason", "low", "file"):
        with pytest.raises(
            UserError, match=rf"--keep: column {name}: is a column of the output too"
        ):
            output_schema(pa.schema([(name, pa.string())]), with_file=True, with_interval=True)
    kept = pa.schema([("low", pa.string()), ("file", pa.string())])
    names = output_schema(kept, with_file=False, with_interval=False).names
    assert names == ["row", "low", "file", "prediction", "reason"]


@pytest.mark.parametrize("name", ["out", "out.txt", "out.csv.gz", "out.PARQUET", ".csv"])
def test_the_suffix_must_be_that_of_a_known_format(name: str) -> None:
    with pytest.raises(UserError, match=r"must end in \.csv or \.parquet"):
        require_suffix(Path(name))


def test_parquet_has_null_where_there_is_no_prediction(tmp_path: Path) -> None:
    with new_output(tmp_path / "out.parquet", SCHEMA) as (encode, write):
        write(encode(pa.table([[1], pa.array([None], pa.float64()), ["missing value: x"]], SCHEMA)))
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == [
        {"row": 1, "prediction": None, "reason": "missing value: x"}
    ]
