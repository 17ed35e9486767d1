from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linreg.data.ingest.profile import profile_columns
from linreg.data.ingest.row_filter import MissingPolicy, RowFilter
from linreg.data.ingest.summary import summary_lines
from linreg.data.source import open_source
from linreg.data.source_rows import DroppedRows, SourceRows
from linreg.data.typed_table import TypedTable, open_typed_table
from linreg.errors import UserError
from linreg.files import write_document
from tests.data.ingest.tables import a_table, schema_of

WEIGHTS = {"w": "model.weights"}


@pytest.fixture
def table(tmp_path: Path) -> TypedTable:
    """Six rows in two files: the first is complete, each of the others lacks something."""
    names = ("y", "x", "k", "g", "w", "unused")
    rows: list[tuple[Any, ...]] = [
        (1.0, 2.0, 3, "a", 1.0, None),
        (None, None, 3, "a", 1.0, 1),
        (1.0, None, 3, "a", 1.0, 1),
        (1.0, 2.0, None, "a", 1.0, 1),
        (1.0, 2.0, 3, None, 1.0, 1),
        (1.0, 2.0, 3, "a", None, 1),
    ]
    columns: list[dict[str, list[Any]]] = [
        {name: [row[index] for row in file] for index, name in enumerate(names)}
        for file in (rows[:2], rows[2:])
    ]
    return a_table(tmp_path, *columns)


@pytest.mark.parametrize(
    ("policy", "kept", "dropped"),
    [
        ("drop", [1, 0], {"y": 1, "x": 1, "k": 1, "g": 1, "w": 1}),
        # The mean replaces x, which is a number and not used as a category.
        ("mean", [1, 1], {"y": 1, "k": 1, "g": 1, "w": 1}),
    ],
)
def test_a_row_is_dropped_for_the_first_column_that_it_lacks(
    table: TypedTable, policy: MissingPolicy, kept: list[int], dropped: dict[str, int]
) -> None:
    rows = RowFilter(schema_of("y ~ x + C(k) + g", table), policy, WEIGHTS)
    chunks = list(rows.complete_rows(table))
    assert [chunk.num_rows for chunk in chunks] == kept
    assert rows.columns == chunks[0].column_names == ["y", "x", "k", "g", "w"]
    assert (rows.kept, rows.dropped, rows.num_read) == (sum(kept), dropped, 6)
    assert rows.arrow_schema(table).equals(chunks[0].schema)


def test_a_target_that_is_a_feature_too_is_never_filled(table: TypedTable) -> None:
    rows = RowFilter(schema_of("I(y + x) ~ x", table), "mean", {})
    list(rows.complete_rows(table))
    assert rows.dropped == {"y": 1, "x": 1}


def test_dropped_rows_of_several_files_are_counted_together(tmp_path: Path) -> None:
    columns: dict[str, list[Any]] = {"y": [1.0, 2.0, 3.0], "x": [1.0, None, None]}
    table = a_table(tmp_path, columns, columns)
    schema = schema_of("y ~ x", table)
    rows = RowFilter(schema, "drop", {})
    assert [chunk.num_rows for chunk in rows.complete_rows(table)] == [1, 1]
    assert (rows.kept, rows.dropped, rows.num_read) == (2, {"x": 4}, 6)
    data = rows.as_data(profile_columns(table), table)
    assert {key: data[key] for key in ("missing", "rows_read", "rows", "dropped")} == {
        "missing": "drop",
        "rows_read": 6,
        "rows": 2,
        "dropped": {"x is missing": 4},
    }
    assert {name: each["missing"] for name, each in data["columns"].items()} == {"y": 0, "x": 4}
    lines = summary_lines(
        table, schema, rows, {"id": "free text", "z": None}, Path("data/ingested")
    )
    assert list(lines) == [
        "y ~ x; 6 rows read, 2 kept → data/ingested",
        "4 rows dropped, x is missing",
        "column id not used: free text",
        "not in the formula: z",
    ]


@pytest.mark.parametrize(
    ("x", "found"), [([None, None], "2 rows without x"), ([], "a header without rows")]
)
def test_a_table_without_a_complete_row_says_what_its_rows_lack(
    tmp_path: Path, x: list[float | None], found: str
) -> None:
    table = a_table(tmp_path, {"y": [1.0] * len(x), "x": x})
    with pytest.raises(UserError) as caught:
        list(RowFilter(schema_of("y ~ x", table), "drop", {}).complete_rows(table))
    assert str(caught.value) == (
        f"{tmp_path}/source/t1.parquet: has no row to train on; found {found};"
        " add rows without missing cells"
    )


def test_the_first_row_whose_expression_is_not_finite_is_named(tmp_path: Path) -> None:
    table = a_table(
        tmp_path,
        {"y": [1.0, 2.0], "x": [1, 2], "z": [1.0, 1.0]},
        {"y": [1.0, 2.0, 3.0, 4.0], "x": [0, None, 0, 0], "z": [None, 1.0, 0.1, 0.2]},
    )
    with pytest.raises(UserError) as caught:
        list(RowFilter(schema_of("y ~ I(z / x)", table), "drop", {}).complete_rows(table))
    assert str(caught.value) == (
        f"{tmp_path}/source/t2.parquet: row 3: I(z / x): is not finite;"
        " found z = 0.10000000000000001, x = 0; change model.formula or leave the row out"
    )


def test_the_expression_of_the_target_is_checked_too(tmp_path: Path) -> None:
    table = a_table(tmp_path, {"y": [1.0, -1.0], "x": [1.0, 2.0]})
    with pytest.raises(UserError, match=r"row 2: log\(y\): is not finite; found y = -1;"):
        list(RowFilter(schema_of("log(y) ~ x", table), "drop", {}).complete_rows(table))


def test_an_expression_takes_integers_that_floats_do_not_hold_exactly(tmp_path: Path) -> None:
    table = a_table(tmp_path, {"y": [1.0, 2.0], "x": [2**53 + 1, None]})
    rows = RowFilter(schema_of("y ~ log(x)", table), "drop", {})
    assert [chunk.num_rows for chunk in rows.complete_rows(table)] == [1]


def test_rows_that_a_condition_leaves_out_are_counted_and_found_in_the_users_file(
    tmp_path: Path,
) -> None:
    """Among rows that are dropped for a missing cell, over several files and row groups."""
    rng = np.random.default_rng(2)
    source = tmp_path / "source"
    source.mkdir()
    frames = []
    for number, size in enumerate((70, 1, 0, 45), 1):
        frame = pd.DataFrame({"y": rng.normal(size=size), "x": rng.normal(size=size)})
        frame["place"] = [f"{source / f't{number}.parquet'}: row {i + 1}" for i in range(size)]
        frame.loc[rng.random(size) < 0.2, "x"] = np.nan
        frame["p"] = np.where(rng.random(size) < 0.1, np.nan, rng.normal(size=size))
        rows = pa.Table.from_pandas(frame, preserve_index=False)
        pq.write_table(rows, source / f"t{number}.parquet", row_group_size=7)
        frames.append(frame)
    where = "p < 0.3 and not y > 1"
    table = open_typed_table(open_source(source), ["y", "x"], tmp_path / "scratch", where=where)
    rows_kept = RowFilter(schema_of("y ~ x", table), "drop", {})
    ingested = tmp_path / "ingested"
    ingested.mkdir()
    with DroppedRows(ingested, source) as dropped:
        kept = pa.concat_tables(rows_kept.complete_rows(table, dropped))
    profile = rows_kept.as_data(profile_columns(table), table)
    write_document(ingested / "profile.json", profile)

    everything = pd.concat(frames)
    selected = everything[(everything["p"] < 0.3) & ~(everything["y"] > 1)]
    expected = selected.dropna()
    assert kept["y"].to_pylist() == expected["y"].tolist()
    assert profile["where"] == {"condition": where, "left_out": len(everything) - len(selected)}
    assert profile["dropped"] == {"x is missing": len(selected) - len(expected)}
    assert (profile["rows_read"], profile["rows"]) == (len(everything), len(expected))
    found = SourceRows(source, ingested)
    assert [found.place(i) for i in range(len(expected))] == expected["place"].tolist()


def test_minus_zero_is_the_group_of_zero(tmp_path: Path) -> None:
    """Arrow tells them apart, which would put one group into two parts and count two clusters."""
    table = a_table(tmp_path, {"y": [1.0, 2.0, 3.0], "x": [1.0, 0.0, 5.0], "g": [0.0, -0.0, 1.0]})
    rows = RowFilter(schema_of("y ~ x", table), "error", {"g": "split.by"})
    (chunk,) = rows.complete_rows(table)
    assert not np.signbit(chunk["g"].to_numpy()).any()
