import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linreg.data.condition import compile_condition, parse_condition
from linreg.data.source import open_source
from linreg.data.tables.source_chunk import SourceChunk
from linreg.data.typed_table import TypedTable, open_typed_table
from linreg.errors import UserError

DAY = dt.date
TABLE = pa.table(
    {
        "n": pa.array([1, 2, None, -3, 2**53 + 1], pa.int64()),
        "x": [0.5, None, -1.5, 2.0, 0.1],
        "f": pa.array([0.1, 0.2, float("nan"), None, 1e30], pa.float32()),
        "zone": ["north", "south", None, "it's", ""],
        "flag": [True, False, None, True, False],
        "day": [DAY(2020, 1, 1), DAY(2021, 2, 3), None, DAY(1969, 12, 31), DAY(2021, 2, 3)],
        "at": pa.array(
            [dt.datetime(2020, 1, 1, hour) for hour in (0, 6, 12, 18)] + [None], pa.timestamp("us")
        ),
        "utc": pa.array([dt.datetime(2020, 1, 1, 5)] * 4 + [None], pa.timestamp("us", "UTC")),
        "a b": [1, 2, 3, 4, 5],
        "and": [1, 1, 0, 0, 0],
        "true": [1, 0, 1, 0, 1],
        "d`q": [1, 0, 0, 0, 0],
    }
)


def selected(where: str, table: pa.Table = TABLE) -> list[int]:
    """The numbers of the rows, from 1, that a condition leaves."""
    tree, _ = parse_condition(where, table.column_names)
    condition = compile_condition(where, tree, table.schema)
    chunk = condition.select(SourceChunk(table, Path("t"), 1), table.column_names)
    numbers = numbers_of(chunk)
    assert sorted([*numbers, *chunk.left_out()]) == [*range(1, table.num_rows + 1)]
    return numbers


def numbers_of(chunk: SourceChunk) -> list[int]:
    """The numbers of all rows of a chunk."""
    return [chunk.row_number(index) for index in range(chunk.rows.num_rows)]


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        # A comparison with a missing cell is not true, nor is its opposite.
        ("n > 1", [2, 5]),
        ("not n > 1", [1, 4]),
        ("n != 2", [1, 4, 5]),
        ("n > 1 or x > 0", [1, 2, 4, 5]),
        ("n > 1 and x > 0", [5]),
        ("f > 0 or f <= 0", [1, 2, 5]),
        ("n is missing", [3]),
        ("f is missing", [3, 4]),
        ("zone is not missing", [1, 2, 4, 5]),
        ("n is null or not (x is not NULL)", [2, 3]),
        # Numbers are compared in the precision of the cells.
        ("n == 9007199254740993", [5]),
        ("n == 9007199254740992", []),
        ("f == 0.1", [1]),
        ("n < 1.5", [1, 4]),
        ("n == 1.5", []),
        ("n < 1e300", [1, 2, 4, 5]),
        ("-3 == n", [4]),
        ("2 <= n", [2, 5]),
        ("x > -1_000", [1, 3, 4, 5]),
        ("n == x + 1.5", []),
        ("n > x", [1, 5]),
        ("n == `a b`", [1, 2]),
        # text, truth values, times
        ("zone == 'north'", [1]),
        ("zone == \"it's\" or zone == ''", [4, 5]),
        ("zone < 'o'", [1, 4, 5]),
        ("zone in ['north', 'south', 'west']", [1, 2]),
        ("zone not in ('north', 'south')", [4, 5]),
        ("zone in 'north'", [1]),
        ("n in [1, 2.5, -3]", [1, 4]),
        ("f in [0.1, 0.2]", [1, 2]),
        ("day in ['2021-02-03']", [2, 5]),
        ("flag", [1, 4]),
        ("not flag", [2, 5]),
        ("!flag && n > 1", [2, 5]),
        ("flag == false", [2, 5]),
        ("flag != True", [2, 5]),
        ("day >= '2021-01-01'", [2, 5]),
        ("day < '1970-01-01'", [4]),
        ("at > '2020-01-01 06:00'", [3, 4]),
        ("at >= '2020-01-01T06:00:00.5'", [3, 4]),
        ("at > '2019-12-31'", [1, 2, 3, 4]),
        ("utc == '2020-01-01T05:00:00Z'", [1, 2, 3, 4]),
        ("utc < '2020-01-01 06:00+02:00'", []),
        ("day == at", [1]),
        # names
        ("`and` == 1", [1, 2]),
        ("`true` == 1 AND `a b` < 4", [1, 3]),
        ("`d``q` > 0", [1]),
        # binding, as in Python and R
        ("n == 1 or n == 2 and x > 0", [1]),
        ("(n == 1 or n == 2) and x > 0", [1]),
        ("not n == 1 and x > 0", [4, 5]),
        ("n == 1 | n == 2 & x > 0", [1]),
        # arithmetic, of which what is not finite is missing
        ("x * 2 + 1 > 4", [4]),
        ("`a b` ** 2 > 9", [4, 5]),
        ("`a b`^2 - 1 == 8", [3]),
        ("log(x) < 0", [1, 5]),
        ("1 / (`a b` - 3) != 0", [1, 2, 4, 5]),
        ("`a b` > 2 * 2", [5]),
        ("abs(n) is missing", [3]),
        ("I(x + 1) > 1.2", [1, 4]),
    ],
)
def test_a_condition_leaves_the_rows_in_which_it_is_true(where: str, rows: list[int]) -> None:
    assert selected(where) == rows


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ("sold >= '2020-02-01'", [2, 4]),
        ("sold < '2020-02-01'", [1]),
        ("sold == '2019-12-31'", [1]),
        ("sold in ['2019-12-31', '2021-01-05']", [1, 4]),
        ("sold is missing", [3]),
    ],
)
def test_dates_of_a_given_format_are_compared_as_times(where: str, rows: list[int]) -> None:
    table = pa.table({"sold": ["31.12.2019", "01.02.2020", None, "05.01.2021"]})
    tree, _ = parse_condition(where, ["sold"])
    condition = compile_condition(where, tree, table.schema, {"sold": "%d.%m.%Y"})
    chunk = condition.select(SourceChunk(table, Path("t"), 1), ["sold"])
    assert numbers_of(chunk) == rows
    # The column stays as it is for what comes behind.
    assert chunk.rows.schema == table.schema


def test_a_cell_that_does_not_fit_its_format_is_an_error_with_its_row() -> None:
    table = pa.table({"sold": ["31.12.2019", "2020-02-01"]})
    tree, _ = parse_condition("sold > '2019-01-01'", ["sold"])
    condition = compile_condition("", tree, table.schema, {"sold": "%d.%m.%Y"})
    with pytest.raises(UserError, match="t: row 2: column sold: is not a time written as"):
        condition.select(SourceChunk(table, Path("t"), 1), ["sold"])


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("n = 1", "= is no operator: two of them, ==, compare"),
        ("(zone = 'a')", "= is no operator: two of them, ==, compare"),
        ("0 < n < 5", "two comparisons in a row: join them with and"),
        ("m > 1", "needs a column m, which is not in the file"),
        ("zone == north", "needs a column north, which is not in the file"),
        ("n > 'a'", "compares column n (int64) with the text 'a'"),
        ("n == '1'", "compares column n (int64) with the text '1'"),
        ("zone > 1", "compares column zone (string) with the number 1"),
        ("zone == n", "compares column zone (string) with column n (int64)"),
        ("zone in [1]", "compares column zone (string) with the number 1"),
        ("flag == 1", "compares column flag (bool) with the number 1"),
        ("flag > false", "true and false have no order"),
        ("n == true", "compares column n (int64) with true"),
        ("day > '2020'", "write it as '2024-01-31'"),
        ("day > '31/12/2020'", "write it as '2024-01-31'"),
        ("day > 2020", "compares column day"),
        ("utc > '2020-01-01'", "write it as '2024-01-31 18:00+00:00'"),
        ("zone > '2020'", "letter by letter, not by time or size"),
        ("'9:30' >= zone", "letter by letter"),
        ("zone + 1 > 2", "computes with column zone, which holds string"),
        ("n", "must say what is to be true"),
        ("zone", "must say what is to be true"),
        ("1", "must say what is to be true"),
        ("true", "must say what is to be true"),
        ("n + 1", "must say what is to be true"),
        ("n and x", "must say what is to be true"),
        ("1 == 1", "compares two values and no column"),
        ("n in []", "a list of values"),
        ("n in [x]", "a list of values"),
        ("n in n", "a list of values"),
        ("1 in [n]", "a list of values"),
        ("n is 1", "`missing` or `not missing`"),
        ("n is zone", "`missing` or `not missing`"),
        ("n >", "ends where a name should follow"),
        ("> n", "unexpected >"),
        ("n > 1)", "unexpected )"),
        ("(n > 1", ", expected, nothing found"),
        ("n > 1; x > 2", "unexpected character ';'"),
        ("zone == 'a", "' is not closed"),
        ("n between 1 and 2", "there is no operator before between"),
        ("zone like 'a%'", "there is no operator before like"),
        ("zone.str.len() > 2", "contains something"),
        ("f(n) > 1", "contains something that is no condition"),
        ("n // 2 == 0", "not a condition"),
        ("__import__('os').system('touch harm') == 0", "not a condition"),
        ("@n > 1", "unexpected character '@'"),
        ("n > 1 ~ x", "unexpected ~"),
        ("n : x > 1", "no condition"),
        ("." + " > 1", "no column and no value"),
        ("(" * 5000 + "n > 1", "nested more than"),
        ("not " * 2000 + "n > 1", "nested more than"),
        ("+".join("n" * 3000) + " > 1", "no condition"),
        ("n > 1 and " * 2000 + "n > 1", "longer than 10,000 characters"),
        ("n > " + "9" * 5000, "is not a number"),
    ],
)
def test_anything_else_is_an_error_of_one_line(where: str, said: str) -> None:
    with pytest.raises(UserError) as error:
        selected(where)
    message = str(error.value)
    assert message.startswith("params.yaml: ingest.where: ")
    assert said in message
    assert len(message.splitlines()) == 1
    assert len(message) < 1000


def test_many_conditions_in_a_row_are_no_deep_recursion() -> None:
    assert selected(" or ".join(f"n == {i}" for i in range(800))) == [1, 2]


VALUES = {
    "i": st.integers(-3, 3),
    "x": st.integers(-6, 6).map(lambda value: value / 4),
    "s": st.sampled_from(["a", "b", "", "ä"]),
    "b": st.booleans(),
    "d": st.dates(DAY(2020, 1, 1), DAY(2020, 1, 9)),
}
COMPARE = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
EQUAL = st.sampled_from(["==", "!="])
NUMBER = st.one_of(
    st.sampled_from(["i", "x"]),
    st.integers(-3, 3).map(str),
    st.tuples(st.sampled_from("ix"), st.sampled_from("+-*"), st.sampled_from(["i", "x", "2"])).map(
        lambda parts: f"({' '.join(parts)})"
    ),
)
COLUMN_OF_NUMBERS = st.sampled_from(["i", "x", "(i + x)", "i * 2", "x - i"])
SIMPLE = st.one_of(
    st.tuples(COLUMN_OF_NUMBERS, COMPARE, NUMBER).map(" ".join),
    st.tuples(st.just("s"), COMPARE, st.sampled_from(["'a'", "'b'", "'ä'", "s"])).map(" ".join),
    st.tuples(st.just("d"), COMPARE, VALUES["d"].map(lambda day: f"'{day}'")).map(" ".join),
    st.tuples(st.just("b"), EQUAL, st.sampled_from(["true", "false"])).map(" ".join),
    st.sampled_from(["b", "s in ('a', 'ä')", "s not in ('b')", "i in (1, 2)", "x not in (0.5, 1)"]),
    st.sampled_from("ixsbd").map(lambda name: f"{name} is missing"),
    st.sampled_from("ixsbd").map(lambda name: f"{name} is not missing"),
)
CONDITIONS = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        inner.map(lambda text: f"not ({text})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({' '.join(t)})"),
    ),
    max_leaves=6,
)


@st.composite
def tables(draw: st.DrawFn, missing: bool = True) -> pa.Table:
    size = draw(st.integers(1, 12))
    types = [pa.int64(), pa.float64(), pa.string(), pa.bool_(), pa.date32()]
    columns = {}
    for (name, values), type_ in zip(VALUES.items(), types, strict=True):
        cells = st.one_of(st.none(), values) if missing else values
        columns[name] = pa.array(draw(st.lists(cells, min_size=size, max_size=size)), type_)
    return pa.table(columns)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(tables(), CONDITIONS)
def test_a_condition_is_what_sql_says(table: pa.Table, where: str) -> None:
    duckdb = pytest.importorskip("duckdb")
    numbered = table.append_column("row", pa.array(range(1, table.num_rows + 1)))
    connection = duckdb.connect()
    connection.register("numbered", numbered)
    sql = where.replace("missing", "null").replace("==", "=")
    rows = connection.sql(f"select row from numbered where {sql} order by row").fetchall()  # noqa: S608 - drawn above
    assert selected(where, table) == [row for (row,) in rows]


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(tables(missing=False), CONDITIONS)
def test_without_missing_cells_a_condition_is_what_pandas_says(table: pa.Table, where: str) -> None:
    frame = pd.DataFrame({name: table[name].to_pylist() for name in table.column_names})
    # Dates in ISO form have the order of their text.
    frame["d"] = frame["d"].astype(str)
    query = where.replace(" is not missing", " == {0}").replace(" is missing", " != {0}")
    for name in "ixsbd":
        query = query.replace(f"{name} == {{0}}", f"{name} == {name}")
        query = query.replace(f"{name} != {{0}}", f"{name} != {name}")
    query = query.replace("true", "True").replace("false", "False").replace("('b')", "('b',)")
    try:
        expected = frame.query(query, engine="python").index
    except (NotImplementedError, TypeError, ValueError, AssertionError):
        return
    assert selected(where, table) == [int(index) + 1 for index in expected]


@pytest.fixture
def open_where(tmp_path: Path) -> Callable[..., TypedTable]:
    """Writes files of a folder, CSV or Parquet, and opens columns of their rows."""

    def open_where(where: str, columns: list[str], *tables: Any, **options: Any) -> TypedTable:
        source = tmp_path / "source"
        source.mkdir()
        for number, table in enumerate(tables, 1):
            if isinstance(table, str):
                (source / f"t{number}.csv").write_text(table)
            else:
                pq.write_table(table, source / f"t{number}.parquet", row_group_size=2)
        return open_typed_table(
            open_source(source), columns, tmp_path / "scratch", where=where, **options
        )

    return open_where


def test_a_column_that_only_the_condition_reads_is_not_in_the_table(
    open_where: Callable[..., TypedTable],
) -> None:
    csv = "y,zone,when\n1,n,2020-01-01\n2,s,2021-05-01\n3,n,2022-01-01\n"
    table = open_where("zone == 'n' and when > '2020-06-01'", ["y"], csv)
    assert table.schema.names == ["y"]
    [chunk] = table.chunks()
    assert chunk.rows.to_pydict() == {"y": [3]}
    assert numbers_of(chunk) == [3]
    assert chunk.left_out().tolist() == [1, 2]


def test_the_rows_of_every_row_group_and_file_keep_their_numbers(
    open_where: Callable[..., TypedTable],
) -> None:
    files = [pa.table({"x": [5, 1, 7, 8, 2]}), pa.table({"x": [1, 1, 9]})]
    chunks = list(open_where("x > 4", ["x"], *files).chunks())
    assert [numbers_of(chunk) for chunk in chunks] == [[1], [3, 4], [], [], [3]]
    assert [chunk.left_out().tolist() for chunk in chunks] == [[2], [], [5], [1, 2], []]


def test_a_sentinel_is_a_missing_cell_to_the_condition(
    open_where: Callable[..., TypedTable],
) -> None:
    table = open_where("x < 5", ["x"], "x\n1\n-999\n3\n9\n", sentinels={"x": [-999]})
    assert [chunk.rows["x"].to_pylist() for chunk in table.chunks()] == [[1, 3]]


def test_a_condition_that_leaves_no_row_is_an_error(open_where: Callable[..., TypedTable]) -> None:
    with pytest.raises(UserError, match=r"ingest\.where: leaves none of the 3 rows; found x > 5"):
        list(open_where("x >  5", ["x"], "x\n1\n2\n3\n").chunks())


def test_a_computed_number_that_overflows_is_missing() -> None:
    table = pa.table({"x": np.array([1e200, 1.0])})
    assert selected("x * x * x > 0", table) == [2]
    assert selected("x * x * x is missing", table) == [1]
