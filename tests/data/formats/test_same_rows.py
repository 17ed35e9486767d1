"""The same table in every format gives the same rows."""

import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linreg.data.source import open_source
from linreg.data.typed_table import open_typed_table

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=64).filter(
    lambda x: abs(x) < 1e300 and (x == 0 or abs(x) > 1e-300)
)
CELLS: dict[str, st.SearchStrategy[Any]] = {
    "x": NUMBERS,
    "n": st.integers(-(2**53), 2**53),
    "g": st.sampled_from(["a", "b b", 'c "c"', "d,d", "ä", "new\nline"]),
    "flag": st.booleans(),
    "day": st.dates(datetime.date(1900, 3, 1), datetime.date(2100, 1, 1)),
}
ROWS = st.lists(
    st.fixed_dictionaries({name: st.none() | cells for name, cells in CELLS.items()}),
    min_size=1,
    max_size=12,
)
# Of each column, a cell that shows its type in every format.
FIRST = {"x": 0.5, "n": 7, "g": "a", "flag": True, "day": datetime.date(2020, 2, 29)}


def to_csv(rows: list[dict[str, Any]], path: Path) -> None:
    pd.DataFrame(rows, dtype=object).to_csv(path, index=False)


def to_parquet(rows: list[dict[str, Any]], path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(rows), path)


def to_arrow(rows: list[dict[str, Any]], path: Path) -> None:
    table = pa.Table.from_pylist(rows)
    compressed = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_file(path, table.schema, options=compressed) as file:
        file.write_table(table, max_chunksize=3)


def to_arrow_stream(rows: list[dict[str, Any]], path: Path) -> None:
    table = pa.Table.from_pylist(rows)
    with pa.ipc.new_stream(str(path), table.schema) as writer:
        writer.write_table(table, max_chunksize=3)


def to_json_lines(rows: list[dict[str, Any]], path: Path) -> None:
    # A missing cell is null in the first row, and an absent key in others.
    lines = [
        {name: cell for name, cell in row.items() if cell is not None or number == 0}
        for number, row in enumerate(rows)
    ]
    path.write_text("\n".join(json.dumps(line, default=str) for line in lines))


def to_json_array(rows: list[dict[str, Any]], path: Path) -> None:
    path.write_text(json.dumps(rows, default=str, indent=1))


def to_workbook(rows: list[dict[str, Any]], path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    pytest.importorskip("python_calamine")
    workbook = openpyxl.Workbook()
    workbook.active.append(list(rows[0]))
    for row in rows:
        workbook.active.append([row[name] for name in rows[0]])
    # Recognized by its content, whatever its name.
    with path.open("wb") as file:
        workbook.save(file)


def ingested(path: Path) -> dict[str, list[Any]]:
    source = open_source(path)
    scratch = path.with_suffix(".scratch")
    scratch.mkdir(exist_ok=True)
    table = open_typed_table(source, source.columns, scratch)
    return dict(pa.concat_tables(chunk.rows for chunk in table.chunks()).to_pydict())


@pytest.mark.parametrize(
    "write",
    [to_csv, to_parquet, to_arrow, to_arrow_stream, to_json_lines, to_json_array, to_workbook],
)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_the_rows_are_those_that_were_written(
    tmp_path: Path, write: Callable[[list[dict[str, Any]], Path], None], rows: list[dict[str, Any]]
) -> None:
    # The last row has values, too: a sheet ends at its last value.
    rows = [FIRST, *rows, FIRST]
    path = tmp_path / "table"
    write(rows, path)
    if write in (to_csv, to_workbook):
        # Where rows end is not marked: a line of delimiters is none.
        rows = [row for row in rows if any(cell is not None for cell in row.values())]
    if write is to_workbook:
        # A workbook has 16 digits at most.
        rows = [row | {"x": row["x"] and float(f"{row['x']:.16g}")} for row in rows]
        found = ingested(path)
        np.testing.assert_allclose(
            np.array(found.pop("x"), float), np.array([row.pop("x") for row in rows], float), 1e-15
        )
        assert found == {name: [row[name] for row in rows] for name in rows[0]}
    else:
        assert ingested(path) == {name: [row[name] for row in rows] for name in FIRST}
